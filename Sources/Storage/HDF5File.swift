import CHDF5
import Foundation

/// An open HDF5 file that closes itself exactly once.
///
/// What is written here, h5py reads with no help. Any thread may use it: all calls run under one
/// process-wide lock. To replace a file safely, create it at ``AtomicFile/partialURL(for:)``, ``close()``
/// it, then ``AtomicFile/commit(_:to:)``: a file whose writer was killed can't be opened.
public struct HDF5File: ~Copyable, Sendable {
  public let url: URL
  private let handle: HDF5FileHandle
  var id: hid_t { handle.id }

  /// Opens an existing file for reading.
  ///
  /// - Throws: ``HDF5Error`` if it is absent, not HDF5, or damaged.
  public init(reading url: URL) throws(HDF5Error) {
    let path = url.path
    guard access(path, R_OK) == 0 else {
      throw HDF5Error(
        path: path, problem: .cannotOpen(String(cString: strerror(errno))))
    }
    let id = try HDF5Library.locked { () throws(HDF5Error) in
      let access = try Self.fileAccess(path)
      let id = H5Fopen(path, chdf5_read_only(), access.id)
      guard id >= 0 else {
        throw HDF5Error(path: path, problem: .cannotOpen(HDF5Library.firstError()))
      }
      return id
    }
    self.url = url
    handle = HDF5FileHandle(id)
  }

  /// Creates a file; it must not be there yet.
  ///
  /// - Throws: ``HDF5Error`` if it is there, or the system refuses.
  public init(creating url: URL) throws(HDF5Error) {
    let path = url.path
    let id = try HDF5Library.locked { () throws(HDF5Error) in
      let access = try Self.fileAccess(path)
      let id = H5Fcreate(path, chdf5_exclusive(), chdf5_default(), access.id)
      guard id >= 0 else {
        throw HDF5Error(path: path, problem: .cannotCreate(HDF5Library.firstError()))
      }
      return id
    }
    self.url = url
    handle = HDF5FileHandle(id)
  }

  /// Writes what HDF5 still holds in memory and closes the file.
  ///
  /// - Throws: ``HDF5Error`` if that fails, on a full disk for one. Without this call the file is closed
  ///   all the same, but a failure stays unknown.
  public consuming func close() throws(HDF5Error) {
    try handle.close(path: url.path)
  }

  /// No locks on the file: finished files don't change, and some shared disks refuse locks.
  private static func fileAccess(_ path: String) throws(HDF5Error) -> HDF5Handle {
    let access = try HDF5Handle(H5Pcreate(chdf5_file_access()), closing: H5Pclose) {
      HDF5Error(path: path, problem: .cannotOpen($0))
    }
    H5Pset_file_locking(access.id, false, true)
    return access
  }

  /// The names of the datasets at the top of the file, in order.
  public func datasetNames() throws(HDF5Error) -> [String] {
    try HDF5Library.locked { () throws(HDF5Error) in
      var info = H5G_info_t()
      guard H5Gget_info(id, &info) >= 0 else {
        throw HDF5Error(path: url.path, problem: .cannotOpen(HDF5Library.firstError()))
      }
      var names: [String] = []
      for index in 0..<info.nlinks {
        let size = H5Lget_name_by_idx(
          id, ".", H5_INDEX_NAME, H5_ITER_INC, index, nil, 0, chdf5_default())
        guard size > 0 else { continue }
        var name = [CChar](repeating: 0, count: size + 1)
        H5Lget_name_by_idx(
          id, ".", H5_INDEX_NAME, H5_ITER_INC, index, &name, name.count, chdf5_default())
        // A soft link may lead nowhere: then it is no dataset.
        let object = H5Oopen(id, name, chdf5_default())
        guard object >= 0 else { continue }
        if H5Iget_type(object) == H5I_DATASET { names.append(RGBImage.text(name)) }
        H5Oclose(object)
      }
      chdf5_clear_errors()
      return names
    }
  }

  /// Whether the file holds a dataset of that name, such as `features` or `train/features`.
  public func contains(_ name: String) -> Bool {
    (try? dataset(name)) != nil
  }

  /// Opens a dataset.
  ///
  /// - Parameter chunkCacheBytes: memory for chunks that were read and may be asked for again, as those of
  ///   files that others wrote with many rows in a chunk; 0 where rows are read once, each its own chunk.
  public func dataset(
    _ name: String, chunkCacheBytes: Int = 32 << 20
  ) throws(HDF5Error) -> HDF5Dataset {
    try HDF5Dataset(opening: name, chunkCacheBytes: chunkCacheBytes, in: self)
  }

  /// Creates a dataset; unwritten values read as 0.
  ///
  /// - Parameters:
  ///   - shape: rows first; fixed.
  ///   - chunkRows: rows that lie together on the disk and are read together; one if not given. Each row
  ///     is a picture's features, say. `nil` stores all rows in one piece.
  /// - Throws: ``HDF5Error``, also if something of that name is there.
  public func createDataset(
    _ name: String, type: HDF5ElementType, shape: [Int], chunkRows: Int? = 1
  ) throws(HDF5Error) -> HDF5Dataset {
    try HDF5Dataset(creating: name, type: type, shape: shape, chunkRows: chunkRows, in: self)
  }

  /// The shape of a dataset.
  public func shape(of name: String) throws(HDF5Error) -> [Int] {
    try dataset(name).shape
  }

  /// Creates a dataset of floats and writes it.
  public func write(
    _ name: String, _ values: [Float], shape: [Int], as type: HDF5ElementType = .float32,
    chunkRows: Int? = 1
  ) throws(HDF5Error) {
    let dataset = try createDataset(name, type: type, shape: shape, chunkRows: chunkRows)
    try dataset.write(values)
  }

  /// Creates a dataset of integers and writes it.
  public func write(
    _ name: String, _ values: [Int64], shape: [Int]? = nil
  ) throws(HDF5Error) {
    let dataset = try createDataset(
      name, type: .int64, shape: shape ?? [values.count], chunkRows: nil)
    try dataset.write(values)
  }

  /// Creates a one-dimensional dataset of variable-length UTF-8 strings and writes it.
  public func write(_ name: String, _ strings: [String]) throws(HDF5Error) {
    let dataset = try createDataset(
      name, type: .string, shape: [strings.count], chunkRows: nil)
    try dataset.write(strings)
  }

  /// All values of a dataset of floats or integers, row by row.
  public func floats(_ name: String) throws(HDF5Error) -> [Float] {
    try dataset(name).floats()
  }

  public func int64s(_ name: String) throws(HDF5Error) -> [Int64] {
    try dataset(name).int64s()
  }

  public func strings(_ name: String) throws(HDF5Error) -> [String] {
    try dataset(name).strings()
  }

  /// Sets or replaces an attribute of the file.
  public func setAttribute(_ name: String, _ value: HDF5Attribute) throws(HDF5Error) {
    try HDF5Library.locked { () throws(HDF5Error) in
      try value.write(name, on: id, path: url.path)
    }
  }

  /// An attribute of the file; `nil` if absent.
  public func attribute(_ name: String) throws(HDF5Error) -> HDF5Attribute? {
    try HDF5Library.locked { () throws(HDF5Error) in
      try HDF5Attribute.read(name, on: id, path: url.path)
    }
  }
}

/// A file handle that closes once: by `close`, which tells of failure, or else at the end of its life.
struct HDF5FileHandle: ~Copyable, Sendable {
  let id: hid_t

  init(_ id: hid_t) { self.id = id }

  deinit {
    let id = id
    HDF5Library.lockedIgnoringErrors { H5Fclose(id) }
  }

  consuming func close(path: String) throws(HDF5Error) {
    let id = id
    discard self
    try HDF5Library.locked { () throws(HDF5Error) in
      let flushed = H5Fflush(id, H5F_SCOPE_GLOBAL) >= 0
      let cause = flushed ? "" : HDF5Library.firstError()
      guard H5Fclose(id) >= 0, flushed else {
        throw HDF5Error(
          path: path, problem: .cannotClose(flushed ? HDF5Library.firstError() : cause))
      }
    }
  }
}
