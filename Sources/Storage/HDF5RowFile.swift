import Foundation

/// A new HDF5 file whose rows are written in their order, past HDF5, with the file's digest taken in the
/// same pass.
///
/// HDF5 writes all but the rows first and gives each row its place, a chunk of its own; then the rows are
/// put there. What comes of it is a file like any other, and no byte of it is read again but those few that
/// HDF5 wrote. ``AtomicFile/commit(_:to:)`` forces it to the disk and gives it its name.
public struct HDF5RowFile: ~Copyable {
  private let url: URL
  private let descriptor: Int32
  private let places: HDF5RowPlaces
  private let size: Int
  private var written = 0
  private var hasher = DigestHasher()
  /// Of the bytes from the file's start, how many went into the digest.
  private var hashed = 0

  /// Creates the file; it must not be there yet.
  ///
  /// - Parameters:
  ///   - name: of the dataset of rows.
  ///   - type: float32 or float16.
  ///   - shape: rows first, at least 1 of each.
  ///   - describe: writes everything else: other datasets, attributes.
  /// - Throws: ``HDF5Error`` if it is there, or the system refuses; what `describe` throws.
  public init(
    creating url: URL, rows name: String, type: HDF5ElementType, shape: [Int],
    describe: (borrowing HDF5File, borrowing HDF5Dataset) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    precondition(
      [.float32, .float16].contains(type) && !shape.isEmpty && !shape.contains(0),
      "rows are floats, at least one")
    let file = try HDF5File(creating: url)
    let places = try Self.places(name, type: type, shape: shape, in: file, describe)
    try file.close()
    func failure(_ cause: String) -> HDF5Error {
      HDF5Error(
        path: url.path, problem: .failed(name: name, operation: "write", cause: cause))
    }
    let descriptor = open(url.path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(String(cString: strerror(errno))) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, Int(status.st_size) >= places.end else {
      close(descriptor)
      throw failure("HDF5 left no room for its rows")
    }
    self.url = url
    self.descriptor = descriptor
    self.places = places
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// The dataset is closed when this returns, so that closing the file writes everything.
  private static func places(
    _ name: String, type: HDF5ElementType, shape: [Int], in file: borrowing HDF5File,
    _ describe: (borrowing HDF5File, borrowing HDF5Dataset) throws(HDF5Error) -> Void
  ) throws(HDF5Error) -> HDF5RowPlaces {
    let dataset = try HDF5Dataset(
      creating: name, type: type, shape: shape, chunkRows: 1, isAllocated: true, in: file)
    try describe(file, dataset)
    guard let places = try dataset.rowPlaces() else {
      throw dataset.failure("write", "HDF5 does not say where its rows lie")
    }
    return places
  }

  /// Writes the next rows, as they lie in the file: little-endian float32, or the bits of float16.
  ///
  /// - Precondition: these are whole rows, and no more than are left.
  /// - Throws: ``FileError``, on a full disk for one.
  public mutating func append(_ rows: UnsafeRawBufferPointer) throws(FileError) {
    let count = rows.count / places.rowBytes
    precondition(
      rows.count == count * places.rowBytes && written + count <= places.count,
      "whole rows are written, \(places.count) in all")
    for row in 0..<count {
      let bytes = UnsafeRawBufferPointer(
        rebasing: rows[row * places.rowBytes..<(row + 1) * places.rowBytes])
      let place = places[written]
      try write(bytes, at: place)
      if places.areInOrder {
        try hashFile(to: place)
        hasher.update(bytes)
        hashed += bytes.count
      }
      written += 1
    }
  }

  /// Closes the file.
  ///
  /// - Precondition: every row was written.
  /// - Returns: the XXH3-128 digest of the file.
  /// - Throws: ``FileError``.
  public consuming func finish() throws(FileError) -> String {
    precondition(written == places.count, "\(written) of \(places.count) rows were written")
    // Should HDF5 place rows in another order, this reads all of the file.
    try hashFile(to: size)
    return hasher.finalize()
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, place + done)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw error(.write, errno) }
      done += count
    }
  }

  /// Puts what lies between the last byte of the digest and `end` into it.
  private mutating func hashFile(to end: Int) throws(FileError) {
    guard hashed < end else { return }
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(end - hashed, 1 << 20), alignment: 64)
    defer { buffer.deallocate() }
    while hashed < end {
      let count = pread(
        descriptor, buffer.baseAddress, min(buffer.count, end - hashed), hashed)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw error(.read, count == 0 ? EIO : errno) }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      hashed += count
    }
  }

  private func error(_ operation: FileError.Operation, _ code: Int32) -> FileError {
    FileError(path: url.path, operation: operation, errno: code)
  }
}
