import CHDF5

/// HDF5 element types; under the lock.
enum HDF5Types {
  /// A type to be closed by the handle.
  static func make(
    _ type: HDF5ElementType, _ failure: (String) -> HDF5Error
  ) throws(HDF5Error) -> HDF5Handle {
    let base =
      switch type {
      case .float32, .float16: chdf5_float32()
      case .float64: chdf5_float64()
      case .int64: chdf5_int64()
      case .uint8: chdf5_uint8()
      case .string: chdf5_c_string()
      }
    let handle = try HDF5Handle(H5Tcopy(base), closing: H5Tclose, orThrow: failure)
    switch type {
    case .float16:
      // As h5py makes it: sign at bit 15, five exponent bits from 10 with bias 15, ten mantissa bits.
      H5Tset_fields(handle.id, 15, 10, 5, 0, 10)
      H5Tset_size(handle.id, 2)
      H5Tset_ebias(handle.id, 15)
    case .string:
      H5Tset_size(handle.id, chdf5_variable())
      H5Tset_cset(handle.id, H5T_CSET_UTF8)
    default: break
    }
    return handle
  }

  /// The listed type that a file's type equals; `nil` if none.
  static func elementType(
    of id: hid_t, _ failure: (String) -> HDF5Error
  ) throws(HDF5Error) -> HDF5ElementType? {
    if H5Tget_class(id) == H5T_STRING { return .string }
    for type in [HDF5ElementType.float32, .float16, .float64, .int64, .uint8] {
      let candidate = try make(type, failure)
      if H5Tequal(id, candidate.id) > 0 { return type }
    }
    return nil
  }

  /// The type in numpy's words.
  static func name(of id: hid_t) -> String {
    let bits = H5Tget_size(id) * 8
    switch H5Tget_class(id) {
    case H5T_FLOAT: return "float\(bits)"
    case H5T_INTEGER: return H5Tget_sign(id) == H5T_SGN_NONE ? "uint\(bits)" : "int\(bits)"
    case H5T_STRING: return "string"
    // h5py's bool.
    case H5T_ENUM: return bits == 8 ? "bool" : "an enumeration"
    case H5T_COMPOUND: return "a compound type"
    default: return "another type"
    }
  }

  /// Whether HDF5 converts the type to a number.
  static func isNumber(_ id: hid_t) -> Bool {
    let kind = H5Tget_class(id)
    // h5py's bool is an enumeration of int8, which HDF5 does not convert to a number.
    return kind == H5T_FLOAT || kind == H5T_INTEGER
  }
}
