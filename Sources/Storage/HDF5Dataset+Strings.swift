import CHDF5
import Foundation

extension HDF5Dataset {
  /// All strings of a dataset of variable- or fixed-length strings. Invalid UTF-8 is repaired.
  public func strings() throws(HDF5Error) -> [String] {
    let count = rows * rowCount
    return try HDF5Library.locked { () throws(HDF5Error) in
      // The file's own type: HDF5 does not convert between fixed and variable length.
      let type = try HDF5Handle(H5Dget_type(id), closing: H5Tclose) { failure("read", $0) }
      guard H5Tget_class(type.id) == H5T_STRING else {
        throw HDF5Error(path: path, problem: .wrongType(name: name, needed: "strings"))
      }
      guard count > 0 else { return [] }
      let space = try HDF5Handle(H5Dget_space(id), closing: H5Sclose) { failure("read", $0) }
      return try HDF5Strings.read(
        count: count, type: type.id, space: space.id,
        { H5Dread(id, type.id, chdf5_default(), chdf5_default(), chdf5_default(), $0) },
        { failure("read", $0) })
    }
  }

  /// Writes the whole dataset, of variable-length strings.
  public func write(_ strings: [String]) throws(HDF5Error) {
    try check(first: 0, count: rows, room: strings.count)
    guard !strings.isEmpty else { return }
    try HDF5Library.locked { () throws(HDF5Error) in
      let type = try HDF5Types.make(.string) { failure("write", $0) }
      let status = HDF5Strings.withCStrings(strings) {
        H5Dwrite(id, type.id, chdf5_default(), chdf5_default(), chdf5_default(), $0)
      }
      guard status >= 0 else { throw failure("write", HDF5Library.firstError()) }
    }
  }
}

/// Strings between Swift and HDF5; under the lock.
enum HDF5Strings {
  /// Calls `body` with an array of pointers to the strings' bytes, each ended by a zero (a
  /// string that holds a zero ends there).
  static func withCStrings<Value>(
    _ strings: [String], _ body: (UnsafeRawPointer?) -> Value
  ) -> Value {
    var bytes: [CChar] = []
    var starts: [Int] = []
    for string in strings {
      starts.append(bytes.count)
      bytes.append(contentsOf: string.utf8CString)
    }
    return bytes.withUnsafeBufferPointer { bytes in
      let pointers = starts.map { start in bytes.baseAddress.map { $0 + start } }
      return pointers.withUnsafeBytes { body($0.baseAddress) }
    }
  }

  /// Reads `count` strings of a variable- or fixed-length type.
  static func read(
    count: Int, type: hid_t, space: hid_t, _ read: (UnsafeMutableRawPointer?) -> herr_t,
    _ failure: (String) -> HDF5Error
  ) throws(HDF5Error) -> [String] {
    if H5Tis_variable_str(type) > 0 {
      var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
      guard pointers.withUnsafeMutableBytes({ read($0.baseAddress) }) >= 0 else {
        throw failure(HDF5Library.firstError())
      }
      // A null pointer is an empty string that was never written.
      let strings = pointers.map { $0.map { String(cString: $0) } ?? "" }
      _ = pointers.withUnsafeMutableBytes {
        H5Dvlen_reclaim(type, space, chdf5_default(), $0.baseAddress)
      }
      return strings
    }
    let size = H5Tget_size(type)
    let (total, overflow) = size.multipliedReportingOverflow(by: count)
    guard size > 0, !overflow else { throw failure("its strings have no usable length") }
    var bytes = [UInt8](repeating: 0, count: total)
    guard bytes.withUnsafeMutableBytes({ read($0.baseAddress) }) >= 0 else {
      throw failure(HDF5Library.firstError())
    }
    let spacePadded = H5Tget_strpad(type) == H5T_STR_SPACEPAD
    return (0..<count).map { index in
      var piece = bytes[index * size..<(index + 1) * size]
      if spacePadded {
        while piece.last == 0x20 { piece.removeLast() }
      } else if let end = piece.firstIndex(of: 0) {
        piece = piece[..<end]
      }
      return String(decoding: piece, as: UTF8.self)
    }
  }
}
