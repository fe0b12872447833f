import CHDF5
import Foundation

extension HDF5Dataset {
  /// Reads rows `first ..< first + count` into a buffer of exactly their values.
  ///
  /// Floats and integers of any width are converted to `Float`; only the chunks that hold these rows are
  /// read.
  public func readRows(
    first: Int, count: Int, into buffer: UnsafeMutableBufferPointer<Float>
  ) throws(HDF5Error) {
    try check(first: first, count: count, room: buffer.count)
    guard !buffer.isEmpty else { return }
    guard elementType == .float16 else {
      try read(
        first: first, count: count, as: .float32,
        into: UnsafeMutableRawPointer(buffer.baseAddress))
      return
    }
    // HDF5's own conversion from binary16 goes bit by bit; ours is as fast as a copy.
    let halves = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: buffer.count)
    defer { halves.deallocate() }
    try read(
      first: first, count: count, as: .float16, into: UnsafeMutableRawPointer(halves.baseAddress))
    FloatFormats.convert(.float16, UnsafeRawBufferPointer(halves), into: buffer)
  }

  /// Rows `first ..< first + count` as an array.
  public func readRows(first: Int, count: Int) throws(HDF5Error) -> [Float] {
    try check(first: first, count: count, room: count * rowCount)
    var failure: HDF5Error?
    let size = count * rowCount
    let values = [Float](unsafeUninitializedCapacity: size) { buffer, initialized in
      do throws(HDF5Error) {
        try readRows(
          first: first, count: count,
          into: UnsafeMutableBufferPointer(rebasing: buffer[..<size]))
        initialized = size
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }

  /// All values, row by row.
  public func floats() throws(HDF5Error) -> [Float] {
    try readRows(first: 0, count: rows)
  }

  /// All values of an integer dataset, row by row.
  public func int64s() throws(HDF5Error) -> [Int64] {
    var values = [Int64](repeating: 0, count: rows * rowCount)
    guard !values.isEmpty else { return values }
    try values.withUnsafeMutableBytes { bytes in
      Result { () throws(HDF5Error) in
        try read(first: 0, count: rows, as: .int64, into: bytes.baseAddress)
      }
    }.get()
    return values
  }

  private func read(
    first: Int, count: Int, as type: HDF5ElementType, into buffer: UnsafeMutableRawPointer?
  ) throws(HDF5Error) {
    try HDF5Library.locked { () throws(HDF5Error) in
      let stored = try HDF5Handle(H5Dget_type(id), closing: H5Tclose) { failure("read", $0) }
      guard HDF5Types.isNumber(stored.id),
        type != .int64 || H5Tget_class(stored.id) == H5T_INTEGER
      else {
        throw HDF5Error(
          path: path,
          problem: .wrongType(name: name, needed: type == .int64 ? "integers" : "numbers"))
      }
      let memoryType = try HDF5Types.make(type) { failure("read", $0) }
      let rows = try select(first: first, count: count, operation: "read")
      guard
        H5Dread(id, memoryType.id, rows.memory.id, rows.file.id, chdf5_default(), buffer) >= 0
      else { throw failure("read", HDF5Library.firstError()) }
    }
  }

  /// Writes rows `first ..< first + count` from a buffer of exactly their values, which a float16 dataset
  /// rounds to nearest, ties to even.
  ///
  /// - Throws: ``HDF5Error``; on a full disk maybe only ``HDF5File/close()`` does. If a finite value
  ///   exceeds float16, nothing is written.
  public func writeRows(
    first: Int, count: Int, from buffer: UnsafeBufferPointer<Float>
  ) throws(HDF5Error) {
    try check(first: first, count: count, room: buffer.count)
    guard !buffer.isEmpty else { return }
    guard elementType == .float16 else {
      try write(
        first: first, count: count, as: .float32, from: UnsafeRawPointer(buffer.baseAddress))
      return
    }
    let halves = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: buffer.count)
    defer { halves.deallocate() }
    if FloatFormats.convertToHalf(buffer, into: halves) {
      throw HDF5Error(path: path, problem: .overflowsHalf(name: name))
    }
    try write(
      first: first, count: count, as: .float16, from: UnsafeRawPointer(halves.baseAddress))
  }

  /// Writes rows from `first` on: as many as the values fill.
  public func writeRows(first: Int, _ values: [Float]) throws(HDF5Error) {
    let count = rowCount == 0 ? 0 : values.count / rowCount
    try values.withUnsafeBufferPointer { buffer in
      Result { () throws(HDF5Error) in
        try writeRows(first: first, count: count, from: buffer)
      }
    }.get()
  }

  /// Writes the whole dataset.
  public func write(_ values: [Float]) throws(HDF5Error) {
    try check(first: 0, count: rows, room: values.count)
    try writeRows(first: 0, values)
  }

  /// Writes the whole dataset, of an integer type.
  public func write(_ values: [Int64]) throws(HDF5Error) {
    try check(first: 0, count: rows, room: values.count)
    guard !values.isEmpty else { return }
    try values.withUnsafeBytes { bytes in
      Result { () throws(HDF5Error) in
        try write(first: 0, count: rows, as: .int64, from: bytes.baseAddress)
      }
    }.get()
  }

  private func write(
    first: Int, count: Int, as type: HDF5ElementType, from buffer: UnsafeRawPointer?
  ) throws(HDF5Error) {
    try HDF5Library.locked { () throws(HDF5Error) in
      let memoryType = try HDF5Types.make(type) { failure("write", $0) }
      let rows = try select(first: first, count: count, operation: "write")
      guard
        H5Dwrite(id, memoryType.id, rows.memory.id, rows.file.id, chdf5_default(), buffer) >= 0
      else { throw failure("write", HDF5Library.firstError()) }
    }
  }
}
