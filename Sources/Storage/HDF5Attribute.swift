import CHDF5

/// The value of an attribute: one string, integer or number, or several integers.
public enum HDF5Attribute: Sendable, Equatable {
  /// Written as variable-length UTF-8; h5py reads a `str`.
  case string(String)
  case int(Int)
  case double(Double)
  /// One axis of at least 2; one integer alone is read as ``int(_:)``.
  case integers([Int])

  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var int: Int? { if case .int(let value) = self { value } else { nil } }
  public var integers: [Int]? {
    switch self {
    case .integers(let values): values
    case .int(let value): [value]
    case .string, .double: nil
    }
  }
  public var double: Double? {
    switch self {
    case .double(let value): value
    case .int(let value): Double(value)
    case .string, .integers: nil
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
      case .int, .integers: .int64
      case .double: .float64
      }
    let type = try HDF5Types.make(elementType, failure)
    let count: [hsize_t] =
      if case .integers(let values) = self { [hsize_t(values.count)] } else { [] }
    let space = try HDF5Handle(
      count.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, count, nil),
      closing: H5Sclose, orThrow: failure)
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
      case .integers(let values):
        values.map(Int64.init).withUnsafeBufferPointer {
          H5Awrite(attribute.id, type.id, $0.baseAddress)
        }
      }
    guard status >= 0 else { throw failure(HDF5Library.firstError()) }
  }

  /// Reads an attribute of one value, or of up to 64 integers; `nil` if absent; under the lock.
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
    if H5Tget_class(type.id) == H5T_INTEGER, (2...64).contains(count) {
      let memoryType = try HDF5Types.make(.int64, failure)
      var values = [Int64](repeating: 0, count: Int(count))
      guard H5Aread(attribute.id, memoryType.id, &values) >= 0 else {
        throw failure(HDF5Library.firstError())
      }
      return .integers(values.map { Int($0) })
    }
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
