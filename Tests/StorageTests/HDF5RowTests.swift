import Foundation
import Testing

@testable import Storage

/// Rows that are written and read past HDF5, against HDF5's own way.
@Suite struct HDF5RowTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static func values(_ count: Int) -> [Float] {
    var random = SeededGenerator(seed: 9)
    return (0..<count).map { _ in Float.random(in: -4...4, using: &random) }
  }

  /// `values` as float16 holds them.
  private static func halves(_ values: [Float]) -> [Float] {
    values.map { FloatFormats.float(half: FloatFormats.half($0)) }
  }

  private func write(
    _ values: [Float], shape: [Int], half: Bool, to url: URL, appending pieces: [Int]
  ) throws -> String {
    var file = try HDF5RowFile(
      creating: url, rows: "features", type: half ? .float16 : .float32, shape: shape
    ) { file, features throws(HDF5Error) in
      try features.setAttribute("grid", .integers([1, 2, 3]))
      try file.write("image_id", (0..<shape[0]).map { "größe \($0)" })
      try file.setAttribute("encoder", .string("é"))
    }
    let rowCount = values.count / shape[0]
    var first = 0
    for piece in pieces {
      let rows = Array(values[first * rowCount..<(first + piece) * rowCount])
      if half {
        try rows.map(FloatFormats.half).withUnsafeBytes { try file.append($0) }
      } else {
        try rows.withUnsafeBytes { try file.append($0) }
      }
      first += piece
    }
    return try file.finish()
  }

  @Test(
    "HDF5 reads what was written past it, and the digest is the file's",
    arguments: [[3, 2, 5], [256, 1, 2], [300, 7, 3], [5, 40, 64]], [false, true])
  func rowsReadBack(shape: [Int], half: Bool) throws {
    let url = folder.file("a.h5")
    let values = Self.values(shape.reduce(1, *))
    let digest = try write(
      values, shape: shape, half: half, to: url, appending: [1, shape[0] - 2, 1])
    #expect(try Digest.ofFile(url) == digest)
    let expected = half ? Self.halves(values) : values
    let file = try HDF5File(reading: url)
    let features = try file.dataset("features")
    #expect(features.shape == shape && features.elementType == (half ? .float16 : .float32))
    #expect(try features.floats() == expected)
    #expect(try features.attribute("grid") == .integers([1, 2, 3]))
    #expect(try file.strings("image_id").last == "größe \(shape[0] - 1)")
    #expect(try file.attribute("encoder") == .string("é"))
    #expect(try #require(try features.rowPlaces()).areInOrder)
    try expectRows(expected, try HDF5RowReader(features), direct: true)
  }

  @Test("equal rows give equal bytes, however they come")
  func equalRowsGiveEqualBytes() throws {
    let values = Self.values(12 * 6)
    let digests = try [[12], [1, 1, 10], [6, 6]].enumerated().map { number, pieces in
      try write(
        values, shape: [12, 2, 3], half: false, to: folder.file("\(number).h5"), appending: pieces)
    }
    #expect(Set(digests).count == 1)
    #expect(
      try Data(contentsOf: folder.file("0.h5")) == Data(contentsOf: folder.file("1.h5")))
  }

  @Test(
    "rows are read past HDF5 where they lie as they are, and as HDF5 reads them everywhere",
    arguments: [HDF5ElementType.float32, .float16, .float64], [Int?.none, 1, 3])
  func layouts(type: HDF5ElementType, chunkRows: Int?) throws {
    let url = folder.file("a.h5")
    let values = Self.values(10 * 5000)
    let file = try HDF5File(creating: url)
    try file.write("x", values, shape: [10, 2, 2500], as: type, chunkRows: chunkRows)
    try file.close()
    try expectRows(
      type == .float16 ? Self.halves(values) : values,
      try HDF5RowReader(HDF5File(reading: url).dataset("x")), direct: chunkRows != 3)
  }

  @Test("rows that were never written, integers and very many chunks are left to HDF5")
  func leftToHDF5() throws {
    let url = folder.file("a.h5")
    let file = try HDF5File(creating: url)
    _ = try file.createDataset("unwritten", type: .float32, shape: [3, 2])
    try file.write("integers", [1, 2, 3, 4] as [Int64], shape: [2, 2])
    try file.write("many", Self.values(2000), shape: [1000, 2])
    try file.write("more", Self.values(4000), shape: [2000, 2])
    try file.close()
    let reading = try HDF5File(reading: url)
    try expectRows(
      [0, 0, 0, 0, 0, 0], try HDF5RowReader(reading.dataset("unwritten")), direct: false)
    try expectRows([1, 2, 3, 4], try HDF5RowReader(reading.dataset("integers")), direct: false)
    try expectRows(Self.values(2000), try HDF5RowReader(reading.dataset("many")), direct: true)
    try expectRows(Self.values(4000), try HDF5RowReader(reading.dataset("more")), direct: false)
  }

  @Test("rows outside the dataset and buffers of another size are refused")
  func wrongRows() throws {
    let url = folder.file("a.h5")
    _ = try write(
      Self.values(12), shape: [2, 2, 3], half: false, to: url, appending: [2])
    let reader = try HDF5RowReader(HDF5File(reading: url).dataset("features"))
    var room = [Float](repeating: 0, count: 6)
    for (first, count) in [(2, 1), (-1, 1), (0, 2)] {
      #expect(throws: HDF5Error.self) {
        try room.withUnsafeMutableBufferPointer {
          try reader.readRows(first: first, count: count, into: $0)
        }
      }
    }
  }

  @Test("a file that is cut while it is open is an error, not silence")
  func cutFile() throws {
    let url = folder.file("a.h5")
    _ = try write(
      Self.values(4 * 3000), shape: [4, 1, 3000], half: true, to: url, appending: [4])
    let reader = try HDF5RowReader(HDF5File(reading: url).dataset("features"))
    let size = try #require(
      FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int)
    #expect(truncate(url.path, off_t(size / 2)) == 0)
    var room = [Float](repeating: 0, count: 3000)
    let error = #expect(throws: HDF5Error.self) {
      try room.withUnsafeMutableBufferPointer {
        try reader.readRows(first: 3, count: 1, into: $0)
      }
    }
    #expect(error?.description.contains("the file ends before its rows do") == true)
    #expect(error?.path == url.path)
  }

  @Test("a file that is there already is not written over")
  func existingFile() throws {
    let url = try folder.write("mine", "a.h5")
    #expect(throws: HDF5Error.self) {
      try self.write([1], shape: [1, 1], half: false, to: url, appending: [1])
    }
    #expect(try String(contentsOf: url, encoding: .utf8) == "mine")
  }

  #if os(Linux)
  /// The kernel cuts a child process off after 64 KiB.
  @Test("a full disk is an error that names the file")
  func fullDisk() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 65536, rlim_max: 65536)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let url = folder.file("a.h5")
      let said = message {
        var file = try HDF5RowFile(
          creating: url, rows: "x", type: .float32, shape: [100, 1000]
        ) { _, _ in }
        try [Float](repeating: 1, count: 100_000).withUnsafeBytes { try file.append($0) }
        return try file.finish()
      }
      try #require(said.contains(url.path) && said.contains("File too large"), "\(said)")
    }
  }
  #endif

  /// All rows at once and one by one.
  private func expectRows(
    _ expected: [Float], _ reader: consuming HDF5RowReader, direct: Bool
  ) throws {
    #expect(reader.isDirect == direct)
    let size = reader.dataset.rowCount
    let rows = reader.dataset.rows
    var all = [Float](repeating: .nan, count: expected.count)
    try all.withUnsafeMutableBufferPointer { try reader.readRows(first: 0, count: rows, into: $0) }
    #expect(all == expected)
    for row in [0, rows / 2, rows - 1] {
      var one = [Float](repeating: .nan, count: size)
      try one.withUnsafeMutableBufferPointer {
        try reader.readRows(first: row, count: 1, into: $0)
      }
      #expect(one == Array(expected[row * size..<(row + 1) * size]))
    }
  }
}

/// h5py reads what was written past HDF5, and we read its files past HDF5.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["DRAGOMAN_PYTHON"] != nil,
    "DRAGOMAN_PYTHON is not set"))
struct HDF5RowPythonTests {
  @Test("h5py reads rows that were written past HDF5")
  func h5pyReadsRows() throws {
    let folder = try TemporaryFolder()
    let values: [Float] = [1.5, -2, 0.25, 65504, 0, -0.125]
    var file = try HDF5RowFile(
      creating: folder.file("ours.h5"), rows: "features", type: .float16, shape: [3, 1, 2]
    ) { file, _ throws(HDF5Error) in try file.write("image_id", ["a", "ö", "c"]) }
    try values.map(FloatFormats.half).withUnsafeBytes { try file.append($0) }
    _ = try file.finish()
    let printed = try folder.python(
      """
      import h5py
      with h5py.File('ours.h5') as f:
          x = f['features']
          print(x.dtype, x.shape, x.chunks, x[:].ravel().tolist(), f['image_id'].asstr()[:].tolist())
      """)
    #expect(
      printed
        == "float16 (3, 1, 2) (1, 1, 2) [1.5, -2.0, 0.25, 65504.0, 0.0, -0.125] ['a', 'ö', 'c']\n")
  }

  /// A block before HDF5's own first byte moves every address.
  @Test("files of h5py are read past HDF5 where that is possible, and rightly everywhere")
  func weReadRowsOfH5py() throws {
    let folder = try TemporaryFolder()
    _ = try folder.python(
      """
      import h5py, numpy as np
      v = np.arange(4 * 3 * 4).reshape(4, 3, 4) / 8
      def fill(f):
          for kind in ['<f2', '<f4', '<f8', '>f4']:
              f[kind] = v.astype(kind)
          f.create_dataset('row', data=v.astype('f4'), chunks=(1, 3, 4))
          f.create_dataset('part', data=v.astype('f4'), chunks=(1, 3, 2))
          f.create_dataset('packed', data=v.astype('f4'), chunks=(1, 3, 4), compression='gzip')
          f.create_dataset('summed', data=v.astype('f4'), chunks=(1, 3, 4), fletcher32=True)
      with h5py.File('new.h5', 'w', libver=('v110', 'v110')) as f: fill(f)
      with h5py.File('old.h5', 'w') as f: fill(f)
      with h5py.File('block.h5', 'w', userblock_size=512) as f: fill(f)
      """)
    let expected = (0..<48).map { Float($0) / 8 }
    for (name, isDirect) in [
      ("<f2", true), ("<f4", true), ("<f8", true), (">f4", false), ("row", true),
      ("part", false), ("packed", false), ("summed", false),
    ] {
      for file in ["new.h5", "old.h5", "block.h5"] {
        let reader = try HDF5RowReader(HDF5File(reading: folder.file(file)).dataset(name))
        #expect(reader.isDirect == (isDirect && file != "block.h5"), "\(file) \(name)")
        var values = [Float](repeating: .nan, count: 48)
        try values.withUnsafeMutableBufferPointer {
          try reader.readRows(first: 0, count: 4, into: $0)
        }
        #expect(values == expected, "\(file) \(name)")
      }
    }
  }
}
