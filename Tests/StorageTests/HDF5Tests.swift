import Foundation
import Testing

@testable import Storage

@Suite struct HDF5Tests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func values(_ count: Int) -> [Float] {
    var random = SeededGenerator(seed: 5)
    return (0..<count).map { _ in Float.random(in: -4...4, using: &random) }
  }

  @Test(arguments: [HDF5ElementType.float32, .float16, .float64], [Int?.none, 1, 3, 100])
  func rowsReadBack(_ type: HDF5ElementType, _ chunkRows: Int?) throws {
    let url = folder.file("a.h5")
    let values = Self.values(10 * 4 * 6)
    let file = try HDF5File(creating: url)
    let features = try file.createDataset(
      "features", type: type, shape: [10, 4, 6], chunkRows: chunkRows)
    for row in 0..<10 {
      try features.writeRows(first: row, Array(values[row * 24..<(row + 1) * 24]))
    }
    try file.close()
    let expected =
      type == .float16
      ? values.map { FloatFormats.float(half: FloatFormats.half($0)) } : values
    let reading = try HDF5File(reading: url)
    #expect(try reading.shape(of: "features") == [10, 4, 6])
    let dataset = try reading.dataset("features")
    #expect(dataset.elementType == type)
    #expect(try dataset.floats() == expected)
    #expect(try dataset.readRows(first: 3, count: 4) == Array(expected[72..<168]))
    #expect(try dataset.readRows(first: 10, count: 0) == [])
    var one = [Float](repeating: 0, count: 24)
    try one.withUnsafeMutableBufferPointer { try dataset.readRows(first: 9, count: 1, into: $0) }
    #expect(one == Array(expected[216...]))
  }

  @Test func integersStringsAndAttributesReadBack() throws {
    let url = folder.file("a.h5")
    let file = try HDF5File(creating: url)
    try file.write("ids", [1, -2, .max])
    try file.write("image_id", ["a.jpg", "", "größe 😀.png"])
    try file.write("train/f", [0.5], shape: [1])
    try file.setAttribute("encoder", .string("dinov2 é"))
    try file.setAttribute("encoder", .string("dinov2-small"))
    try file.setAttribute("layer", .int(-2))
    let dataset = try file.dataset("ids")
    try dataset.setAttribute("scale", .double(0.25))
    try dataset.setAttribute("grid", .integers([4, 3, 1]))
    try file.close()

    let reading = try HDF5File(reading: url)
    #expect(try reading.datasetNames() == ["ids", "image_id"])
    #expect(reading.contains("train/f") && !reading.contains("test/f"))
    #expect(try reading.int64s("ids") == [1, -2, .max])
    #expect(try reading.strings("image_id") == ["a.jpg", "", "größe 😀.png"])
    #expect(try reading.attribute("encoder") == .string("dinov2-small"))
    #expect(try reading.attribute("layer") == .int(-2))
    #expect(try reading.attribute("none") == nil)
    #expect(try reading.dataset("ids").attribute("scale")?.double == 0.25)
    #expect(try reading.dataset("ids").attribute("grid") == .integers([4, 3, 1]))
    #expect(try reading.dataset("ids").typeName == "int64")
    #expect(try reading.floats("ids") == [1, -2, Float(Int64.max)])
  }

  @Test func aDatasetOutlivesItsFile() throws {
    let url = folder.file("a.h5")
    let file = try HDF5File(creating: url)
    try file.write("x", [1, 2], shape: [2])
    try file.close()
    func open() throws -> HDF5Dataset { try HDF5File(reading: url).dataset("x") }
    #expect(try open().floats() == [1, 2])
  }

  @Test func emptyDatasetsAreEmpty() throws {
    let url = folder.file("a.h5")
    let file = try HDF5File(creating: url)
    try file.write("none", [Float](), shape: [0, 4])
    try file.write("nothing", [String]())
    #expect(try file.floats("none") == [])
    #expect(try file.strings("nothing") == [])
    #expect(try file.shape(of: "none") == [0, 4])
  }

  @Test func equalContentGivesEqualBytes() throws {
    for name in ["a.h5", "b.h5"] {
      let file = try HDF5File(creating: folder.file(name))
      try file.write("features", Self.values(60), shape: [5, 12], as: .float16)
      try file.write("image_id", ["a", "b", "c", "d", "e"])
      try file.setAttribute("encoder", .string("x"))
      try file.close()
    }
    #expect(try Digest.ofFile(folder.file("a.h5")) == Digest.ofFile(folder.file("b.h5")))
  }

  @Test func everyFaultNamesTheFile() throws {
    let url = folder.file("a.h5")
    let path = url.path
    #expect(
      message { try HDF5File(reading: url) }
        == "Cannot open the HDF5 file \(path): No such file or directory.")
    let text = try folder.write("not HDF5 at all", "text.h5")
    #expect(
      message { try HDF5File(reading: text) }
        == "Cannot open the HDF5 file \(text.path): file signature not found.")
    let file = try HDF5File(creating: url)
    #expect(
      message { try HDF5File(creating: url) }.hasPrefix("Cannot create the HDF5 file \(path): "))
    try file.write("x", [1, 2, 3, 4], shape: [2, 2])
    try file.write("s", ["a"])
    let half = try file.createDataset("h", type: .float16, shape: [1])
    #expect(
      message { try file.dataset("y") } == "The HDF5 file \(path) has no dataset \"y\".")
    #expect(
      message { try file.dataset("x").readRows(first: 1, count: 2) }
        == "In the HDF5 file \(path), the dataset \"x\" has 2 rows; rows 1..<3 were asked for.")
    #expect(
      message { try file.dataset("x").write([1, 2, 3] as [Float]) }
        == "In the HDF5 file \(path), the rows of \"x\" take 4 values, the buffer has 3.")
    #expect(
      message { try file.strings("x") } == "In the HDF5 file \(path), \"x\" does not hold strings.")
    #expect(
      message { try file.floats("s") } == "In the HDF5 file \(path), \"s\" does not hold numbers.")
    #expect(
      message { try file.int64s("x") } == "In the HDF5 file \(path), \"x\" does not hold integers.")
    #expect(
      message { try half.write([1e6] as [Float]) }
        == "Values for \"h\" in the HDF5 file \(path) exceed 65504, the largest float16: store float32."
    )
    #expect(
      message { try file.write("x", [1], shape: [1]) }.hasPrefix(
        "Cannot create \"x\" in the HDF5 file \(path): "))
  }

  @Test func aTruncatedFileIsAnError() throws {
    let url = folder.file("a.h5")
    let file = try HDF5File(creating: url)
    try file.write("x", Self.values(5000), shape: [50, 100])
    try file.close()
    let whole = Array(try Data(contentsOf: url))
    for part in 1..<20 {
      let cut = try folder.write(Array(whole.prefix(whole.count * part / 20)), "cut.h5")
      #expect(throws: HDF5Error.self) { _ = try HDF5File(reading: cut) }
    }
  }

  /// Failed calls on many threads at once: no thread's error stack survives to hang the library, and no
  /// call meets another's state.
  @Test func threadsShareOneLock() async throws {
    let url = folder.file("a.h5")
    let values = Self.values(64 * 32)
    let file = try HDF5File(creating: url)
    try file.write("x", values, shape: [64, 32])
    try file.close()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<16 {
        group.addTask {
          for row in 0..<32 {
            let reading = try HDF5File(reading: url)
            let first = (row * 7 + task) % 64
            let read = try reading.dataset("x").readRows(first: first, count: 1)
            #expect(read == Array(values[first * 32..<(first + 1) * 32]))
            #expect(throws: HDF5Error.self) { _ = try reading.dataset("absent") }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  #if os(Linux)
  /// The kernel cuts a child process off after 64 KiB.
  @Test func aFullDiskIsAnErrorAtTheLatestOnClosing() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 65536, rlim_max: 65536)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let url = folder.file("a.h5")
      let said = message {
        let file = try HDF5File(creating: url)
        try file.write("x", [Float](repeating: 1, count: 100_000), shape: [100, 1000])
        try file.close()
      }
      try #require(said.contains(url.path) && said.contains("File too large"), "\(said)")
    }
  }
  #endif
}

/// h5py and this library read each other's files. Runs where `DRAGOMAN_PYTHON` names a Python with h5py.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["DRAGOMAN_PYTHON"] != nil,
    "DRAGOMAN_PYTHON is not set"))
struct HDF5PythonTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func h5pyReadsOurFiles() throws {
    let file = try HDF5File(creating: folder.file("ours.h5"))
    try file.write("features", [1.5, -2, 0.25, 65504], shape: [2, 1, 2], as: .float16)
    try file.write("exact", [0.1], shape: [1])
    try file.write("count", [7, -1])
    try file.write("image_id", ["a.jpg", "größe"])
    try file.setAttribute("encoder", .string("dinov2 é"))
    try file.setAttribute("layer", .int(-2))
    try file.setAttribute("eps", .double(1e-6))
    try file.close()
    let printed = try folder.python(
      """
      import h5py
      with h5py.File('ours.h5') as f:
          x = f['features']
          print(x.dtype, x.shape, x.chunks, x[:].ravel().tolist(), x.attrs.keys())
          print(f['exact'].dtype, float(f['exact'][0]) == float(__import__('numpy').float32(0.1)))
          print(f['count'].dtype, f['count'][:].tolist())
          print(f['image_id'].asstr()[:].tolist())
          print(repr(f.attrs['encoder']), f.attrs['layer'], f.attrs['eps'])
      """)
    #expect(
      printed == """
        float16 (2, 1, 2) (1, 1, 2) [1.5, -2.0, 0.25, 65504.0] <KeysViewHDF5 []>
        float32 True
        int64 [7, -1]
        ['a.jpg', 'größe']
        'dinov2 é' -2 1e-06

        """)
  }

  @Test func weReadFilesOfH5py() throws {
    _ = try folder.python(
      """
      import h5py, numpy as np
      with h5py.File('theirs.h5', 'w') as f:
          v = np.arange(2 * 3 * 4).reshape(2, 3, 4)
          f['f4'] = v.astype('f4') / 8
          f['big'] = v.astype('>f4') / 8
          f['f8'] = v.astype('f8') / 8
          f['u2'] = v.astype('u2')
          f.create_dataset('f2', data=v.astype('f2') / 8, chunks=(2, 2, 3), compression='gzip')
          f['fixed'] = np.array([b'a.jpg', 'ü'.encode()])
          f['variable'] = ['x', 'größe']
          f['flags'] = np.array([True, False])
          f.attrs['fixed'] = np.bytes_(b'siglip')
          f.attrs['text'] = 'SigLIP é'
          f.attrs['float'] = np.float32(0.5)
          f.attrs['many'] = [1, 2]
      """)
    let file = try HDF5File(reading: folder.file("theirs.h5"))
    let expected = (0..<24).map { Float($0) / 8 }
    for name in ["f4", "big", "f8", "f2"] {
      #expect(try file.floats(name) == expected, "\(name)")
      #expect(try file.dataset(name).readRows(first: 1, count: 1) == Array(expected[12...]))
    }
    #expect(try file.int64s("u2") == (0..<24).map { Int64($0) })
    #expect(try file.strings("fixed") == ["a.jpg", "ü"])
    #expect(try file.strings("variable") == ["x", "größe"])
    #expect(try file.attribute("fixed") == .string("siglip"))
    #expect(try file.attribute("text") == .string("SigLIP é"))
    #expect(try file.attribute("float") == .double(0.5))
    #expect(throws: HDF5Error.self) { try file.floats("flags") }
    #expect(try file.attribute("many") == .integers([1, 2]))
  }
}
