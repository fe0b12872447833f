import Foundation

/// Reads rows of a dataset, as fast as the file itself is read where they lie in it as they are.
///
/// Float32, float16 and float64 rows that are not compressed and lie in one piece, or each in a chunk of its
/// own, are read past HDF5, so that threads need not wait for each other; any others by HDF5 under its lock.
/// Any thread may read.
public struct HDF5RowReader: ~Copyable, Sendable {
  public let dataset: HDF5Dataset
  private let direct: DirectRows?

  /// Whether rows are read past HDF5.
  var isDirect: Bool { direct != nil }

  /// - Throws: ``HDF5Error`` if the file can't be opened a second time, or ends before its rows do.
  public init(_ dataset: consuming HDF5Dataset) throws(HDF5Error) {
    if let places = try dataset.rowPlaces() {
      direct = try DirectRows(places, of: dataset)
    } else {
      direct = nil
    }
    self.dataset = dataset
  }

  /// Reads rows `first ..< first + count` into a buffer of exactly their values.
  ///
  /// - Throws: ``HDF5Error``.
  public func readRows(
    first: Int, count: Int, into buffer: UnsafeMutableBufferPointer<Float>
  ) throws(HDF5Error) {
    if let direct {
      try dataset.check(first: first, count: count, room: buffer.count)
      let size = dataset.rowCount
      for row in 0..<count {
        try direct.read(
          first + row, of: dataset,
          into: UnsafeMutableBufferPointer(rebasing: buffer[row * size..<(row + 1) * size]))
      }
    } else {
      try dataset.readRows(first: first, count: count, into: buffer)
    }
  }
}

/// Rows of an open file at known places.
private final class DirectRows: Sendable {
  private let descriptor: Int32
  private let places: HDF5RowPlaces

  init(_ places: HDF5RowPlaces, of dataset: borrowing HDF5Dataset) throws(HDF5Error) {
    let descriptor = open(dataset.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw dataset.failure("read", String(cString: strerror(errno)))
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, Int(status.st_size) >= places.end else {
      close(descriptor)
      throw dataset.failure("read", "the file ends before its rows do")
    }
    self.descriptor = descriptor
    self.places = places
  }

  deinit { close(descriptor) }

  /// - Precondition: the row is there, and the buffer has room for exactly its values.
  func read(
    _ row: Int, of dataset: borrowing HDF5Dataset, into values: UnsafeMutableBufferPointer<Float>
  ) throws(HDF5Error) {
    if places.format == .float32 {
      try read(UnsafeMutableRawBufferPointer(values), at: places[row], of: dataset)
      return
    }
    // In pieces that are still in the cache when they are converted.
    let size = places.format.size
    var problem: HDF5Error?
    withUnsafeTemporaryAllocation(byteCount: FloatFormats.cached * size, alignment: 64) { piece in
      for first in stride(from: 0, to: values.count, by: FloatFormats.cached) {
        let count = min(FloatFormats.cached, values.count - first)
        let bytes = UnsafeMutableRawBufferPointer(rebasing: piece[..<(count * size)])
        do throws(HDF5Error) {
          try read(bytes, at: places[row] + first * size, of: dataset)
        } catch {
          problem = error
          return
        }
        FloatFormats.convert(
          places.format, UnsafeRawBufferPointer(bytes),
          into: UnsafeMutableBufferPointer(rebasing: values[first..<first + count]))
      }
    }
    if let problem { throw problem }
  }

  private func read(
    _ bytes: UnsafeMutableRawBufferPointer, at place: Int, of dataset: borrowing HDF5Dataset
  ) throws(HDF5Error) {
    var done = 0
    while done < bytes.count {
      let count = pread(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, place + done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw dataset.failure(
          "read", count == 0 ? "the file ends before its rows do" : String(cString: strerror(errno))
        )
      }
      done += count
    }
  }
}
