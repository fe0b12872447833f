import CHDF5

/// The value of an attribute: one string, integer or number.
public enum HDF5Attribute: Sendable, Equatable {
  /// Written as variable-length UTF-8; h5py reads a `str`.
  case string(String)
  case int(Int)
  case double(Double)

  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var int: Int? { if case .int(let value) = self { value } else { nil } }
  public var double: Double? {
    switch self {
    case .double(let value): value
    case .int(let value): Double(value)
    case .string: nil
    }
  }

  /// Sets or replaces the attribute on a file or dataset; under the lock.
  func write(_ name: String, on object: hid_t, path: String) throws(HDF5Error) {
    func failure(_ cause: String) -> HDF5Error {
      HDF5Error(
        path: path, problem: .failed(name: name, operation: "write the attribute", cause: cause))
    }
    if H5Aexists(object, name) > 0, H5Adelete(object, name) < 0 {
      throw failure(HDF5Library.firstError())
    }
    let elementType: HDF5ElementType =
      switch self {
      case .string: .string
      case .int: .int64
      case .double: .float64
      }
    let type = try HDF5Types.make(elementType, failure)
    let space = try HDF5Handle(H5Screate(H5S_SCALAR), closing: H5Sclose, orThrow: failure)
    let attribute = try HDF5Handle(
      H5Acreate2(object, name, type.id, space.id, chdf5_default(), chdf5_default()),
      closing: H5Aclose, orThrow: failure)
    let status =
      switch self {
      case .string(let value):
        HDF5Strings.withCStrings([value]) { H5Awrite(attribute.id, type.id, $0) }
      case .int(let value):
        withUnsafePointer(to: Int64(value)) { H5Awrite(attribute.id, type.id, $0) }
      case .double(let value):
        withUnsafePointer(to: value) { H5Awrite(attribute.id, type.id, $0) }
      }
    guard status >= 0 else { throw failure(HDF5Library.firstError()) }
  }

  /// Reads an attribute of one value; `nil` if absent; under the lock.
  static func read(
    _ name: String, on object: hid_t, path: String
  ) throws(HDF5Error) -> HDF5Attribute? {
    func failure(_ cause: String) -> HDF5Error {
      HDF5Error(
        path: path, problem: .failed(name: name, operation: "read the attribute", cause: cause))
    }
    guard H5Aexists(object, name) > 0 else { return nil }
    let attribute = try HDF5Handle(
      H5Aopen(object, name, chdf5_default()), closing: H5Aclose, orThrow: failure)
    let type = try HDF5Handle(H5Aget_type(attribute.id), closing: H5Tclose, orThrow: failure)
    let space = try HDF5Handle(H5Aget_space(attribute.id), closing: H5Sclose, orThrow: failure)
    let count = H5Sget_simple_extent_npoints(space.id)
    guard count == 1 else { throw failure("it holds \(count) values; one is read") }
    switch H5Tget_class(type.id) {
    case H5T_STRING:
      let strings = try HDF5Strings.read(
        count: 1, type: type.id, space: space.id, { H5Aread(attribute.id, type.id, $0) }, failure)
      return .string(strings.first ?? "")
    case H5T_INTEGER:
      let memoryType = try HDF5Types.make(.int64, failure)
      var value: Int64 = 0
      guard H5Aread(attribute.id, memoryType.id, &value) >= 0 else {
        throw failure(HDF5Library.firstError())
      }
      return .int(Int(value))
    case H5T_FLOAT:
      let memoryType = try HDF5Types.make(.float64, failure)
      var value = 0.0
      guard H5Aread(attribute.id, memoryType.id, &value) >= 0 else {
        throw failure(HDF5Library.firstError())
      }
      return .double(value)
    default:
      throw failure("it is neither string nor number")
    }
  }
}
