import CHDF5
import Foundation

/// The element types that are written. More are read: whatever HDF5 converts to float, int64 or string.
public enum HDF5ElementType: String, Sendable {
  case float32
  /// IEEE binary16, numpy's `<f2`.
  case float16
  case float64
  case int64
  case uint8
  /// Variable-length UTF-8.
  case string
}

/// An open dataset of an HDF5 file: rows of equal shape. It closes itself.
///
/// It keeps the file open as long as it lives, whatever becomes of the ``HDF5File``.
public struct HDF5Dataset: ~Copyable, Sendable {
  public let name: String
  /// Rows first; empty for a scalar.
  public let shape: [Int]
  /// `nil` if the file's type is none of those listed (a big-endian float, say); it may be readable.
  public let elementType: HDF5ElementType?
  /// The file's type in numpy's words (`uint16`, `float32`, `bool`), for messages.
  public let typeName: String
  let id: hid_t
  let path: String

  /// Whether it holds floating-point numbers, of whichever width and byte order.
  public var isFloat: Bool { typeName.hasPrefix("float") }

  /// Rows; 1 for a scalar.
  public var rows: Int { shape.first ?? 1 }
  /// Values of one row.
  public var rowCount: Int { shape.dropFirst().reduce(1, *) }

  init(
    opening name: String, chunkCacheBytes: Int, in file: borrowing HDF5File
  ) throws(HDF5Error) {
    let path = file.url.path
    let fileID = file.id
    let opened = try HDF5Library.locked { () throws(HDF5Error) in
      func failure(_ cause: String) -> HDF5Error {
        HDF5Error(path: path, problem: .failed(name: name, operation: "open", cause: cause))
      }
      let access = try HDF5Handle(
        H5Pcreate(chdf5_dataset_access()), closing: H5Pclose, orThrow: failure)
      H5Pset_chunk_cache(access.id, 521, chunkCacheBytes, 0.75)
      let id = H5Dopen2(fileID, name, access.id)
      guard id >= 0 else { throw HDF5Error(path: path, problem: .noDataset(name)) }
      do throws(HDF5Error) {
        let shape = try Self.shape(of: id, failure)
        let type = try HDF5Handle(H5Dget_type(id), closing: H5Tclose, orThrow: failure)
        let elementType = try HDF5Types.elementType(of: type.id, failure)
        return (
          id: id, shape: shape, elementType: elementType, typeName: HDF5Types.name(of: type.id)
        )
      } catch {
        H5Dclose(id)
        throw error
      }
    }
    self.name = name
    self.path = path
    (id, shape, elementType, typeName) = opened
  }

  private static func shape(
    of id: hid_t, _ failure: (String) -> HDF5Error
  ) throws(HDF5Error) -> [Int] {
    let space = try HDF5Handle(H5Dget_space(id), closing: H5Sclose, orThrow: failure)
    let rank = H5Sget_simple_extent_ndims(space.id)
    guard rank >= 0 else { throw failure(HDF5Library.firstError()) }
    guard H5Sget_simple_extent_type(space.id) != H5S_NULL else { return [0] }
    var sizes = [hsize_t](repeating: 0, count: Int(rank))
    guard H5Sget_simple_extent_dims(space.id, &sizes, nil) >= 0 else {
      throw failure(HDF5Library.firstError())
    }
    var total = 1
    for size in sizes {
      let (product, overflow) = total.multipliedReportingOverflow(by: Int(clamping: size))
      guard !overflow else { throw failure("its shape \(sizes) is too large") }
      total = product
    }
    return sizes.map { Int($0) }
  }

  /// - Parameter isAllocated: whether all rows get their places in the file now, unwritten.
  init(
    creating name: String, type: HDF5ElementType, shape: [Int], chunkRows: Int?,
    isAllocated: Bool = false, in file: borrowing HDF5File
  ) throws(HDF5Error) {
    precondition(
      shape.allSatisfy { $0 >= 0 } && (chunkRows ?? 1) > 0,
      "a dataset needs sizes of at least 0 and chunks of at least 1, got \(shape)")
    let path = file.url.path
    let fileID = file.id
    let created = try HDF5Library.locked { () throws(HDF5Error) in
      func failure(_ cause: String) -> HDF5Error {
        HDF5Error(path: path, problem: .failed(name: name, operation: "create", cause: cause))
      }
      let sizes = shape.map { hsize_t($0) }
      let space = try HDF5Handle(
        H5Screate_simple(Int32(sizes.count), sizes, nil), closing: H5Sclose, orThrow: failure)
      let creation = try HDF5Handle(
        H5Pcreate(chdf5_dataset_creation()), closing: H5Pclose, orThrow: failure)
      // No times in the file: equal content gives equal bytes.
      H5Pset_obj_track_times(creation.id, false)
      if let chunkRows, !shape.isEmpty, !shape.contains(0) {
        let chunk = [hsize_t(min(chunkRows, shape[0]))] + sizes.dropFirst()
        H5Pset_chunk(creation.id, Int32(chunk.count), chunk)
      }
      if isAllocated {
        H5Pset_alloc_time(creation.id, H5D_ALLOC_TIME_EARLY)
        H5Pset_fill_time(creation.id, H5D_FILL_TIME_NEVER)
      }
      let links = try HDF5Handle(
        H5Pcreate(chdf5_link_creation()), closing: H5Pclose, orThrow: failure)
      H5Pset_create_intermediate_group(links.id, 1)
      let fileType = try HDF5Types.make(type, failure)
      let id = H5Dcreate2(
        fileID, name, fileType.id, space.id, links.id, creation.id, chdf5_default())
      guard id >= 0 else { throw failure(HDF5Library.firstError()) }
      return id
    }
    self.name = name
    self.path = path
    self.shape = shape
    elementType = type
    typeName = type.rawValue
    id = created
  }

  deinit {
    let id = id
    HDF5Library.lockedIgnoringErrors { H5Dclose(id) }
  }

  func failure(_ operation: String, _ cause: String) -> HDF5Error {
    HDF5Error(path: path, problem: .failed(name: name, operation: operation, cause: cause))
  }

  /// Sets or replaces an attribute of the dataset.
  public func setAttribute(_ name: String, _ value: HDF5Attribute) throws(HDF5Error) {
    try HDF5Library.locked { () throws(HDF5Error) in try value.write(name, on: id, path: path) }
  }

  /// An attribute of the dataset; `nil` if absent.
  public func attribute(_ name: String) throws(HDF5Error) -> HDF5Attribute? {
    try HDF5Library.locked { () throws(HDF5Error) in
      try HDF5Attribute.read(name, on: id, path: path)
    }
  }

  /// Memory and file spaces of some rows; under the lock.
  struct RowSelection: ~Copyable {
    let memory: HDF5Handle
    let file: HDF5Handle
  }

  func select(
    first: Int, count: Int, operation: String
  ) throws(HDF5Error) -> RowSelection {
    let file = try HDF5Handle(H5Dget_space(id), closing: H5Sclose) { failure(operation, $0) }
    // The same shape on both sides: else HDF5 maps chunks value by value, 30 times slower.
    let values = shape.isEmpty ? [1] : [hsize_t(count)] + shape.dropFirst().map { hsize_t($0) }
    let memory = try HDF5Handle(
      H5Screate_simple(Int32(values.count), values, nil), closing: H5Sclose
    ) {
      failure(operation, $0)
    }
    if !shape.isEmpty {
      let start = [hsize_t(first)] + shape.dropFirst().map { _ in 0 }
      let sizes = [hsize_t(count)] + shape.dropFirst().map { hsize_t($0) }
      guard H5Sselect_hyperslab(file.id, H5S_SELECT_SET, start, nil, sizes, nil) >= 0 else {
        throw failure(operation, HDF5Library.firstError())
      }
    }
    return RowSelection(memory: memory, file: file)
  }

  /// Checks a range of rows and the room for them before any call.
  func check(first: Int, count: Int, room: Int) throws(HDF5Error) {
    guard first >= 0, count >= 0, first <= rows - count else {
      throw HDF5Error(
        path: path, problem: .rows(name: name, first: first, count: count, of: rows))
    }
    guard room == count * rowCount else {
      throw HDF5Error(
        path: path, problem: .wrongCount(name: name, needed: count * rowCount, got: room))
    }
  }
}
