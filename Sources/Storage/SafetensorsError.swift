import Configuration
import Foundation

/// Why a safetensors file, or a tensor in it, could not be read or written.
public struct SafetensorsError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public enum Problem: Error, Equatable, Sendable {
    case unreadable(String)
    /// The file is shorter than its own header says.
    case truncated(size: Int, needed: Int)
    case headerTooLarge(Int)
    case header(JSONError)
    case tensor(name: String, rule: String)
    case hole(from: Int, to: Int, before: String)
    case overlap(first: String, second: String)
    case unusedEnd(data: Int, used: Int)
    case noTensor(name: String, similar: [String])
    case wrongType(name: String, dtype: SafetensorsDType, needed: String)
    case wrongCount(name: String, shape: [Int], room: Int)
  }

  /// The file's path.
  public let path: String
  public let problem: Problem

  public var description: String {
    switch problem {
    case .unreadable(let cause):
      "Cannot read the safetensors file \(path): \(cause)."
    case .truncated(let size, let needed):
      "The safetensors file \(path) is truncated: it has \(size) bytes and needs \(needed). "
        + "Fetch it again."
    case .headerTooLarge(let size):
      "The safetensors file \(path) claims a header of \(size) bytes; the format allows "
        + "\(SafetensorsFile.maximumHeader). It is damaged or no safetensors file."
    case .header(let error):
      "The safetensors file \(path) has a bad header: \(error)."
    case .tensor(let name, let rule):
      "The safetensors file \(path) has a bad entry for the tensor \"\(name)\": \(rule)."
    case .hole(let from, let to, let name):
      "The safetensors file \(path) is malformed: bytes \(from)..<\(to) of its data, before the "
        + "tensor \"\(name)\", belong to no tensor."
    case .overlap(let first, let second):
      "The safetensors file \(path) is malformed: the tensors \"\(first)\" and \"\(second)\" overlap."
    case .unusedEnd(let data, let used):
      "The safetensors file \(path) is malformed: it holds \(data) bytes of data, its tensors end at "
        + "\(used)."
    case .noTensor(let name, let similar):
      "The safetensors file \(path) has no tensor \"\(name)\"."
        + (similar.isEmpty
          ? "" : " Similar names: " + similar.map { "\"\($0)\"" }.joined(separator: ", ") + ".")
    case .wrongType(let name, let dtype, let needed):
      "The tensor \"\(name)\" in \(path) is \(dtype.rawValue); \(needed) is needed."
    case .wrongCount(let name, let shape, let room):
      "The tensor \"\(name)\" in \(path) has shape \(shape), which does not fill a buffer of "
        + "\(room) values."
    }
  }

  public var errorDescription: String? { description }
}

/// The element types of the safetensors format.
public enum SafetensorsDType: String, Sendable, CaseIterable {
  case bool = "BOOL"
  case f4 = "F4"
  case f6E2M3 = "F6_E2M3"
  case f6E3M2 = "F6_E3M2"
  case u8 = "U8"
  case i8 = "I8"
  case f8E5M2 = "F8_E5M2"
  case f8E4M3 = "F8_E4M3"
  case f8E8M0 = "F8_E8M0"
  case f8E4M3FNUZ = "F8_E4M3FNUZ"
  case f8E5M2FNUZ = "F8_E5M2FNUZ"
  case i16 = "I16"
  case u16 = "U16"
  case f16 = "F16"
  case bf16 = "BF16"
  case i32 = "I32"
  case u32 = "U32"
  case f32 = "F32"
  case c64 = "C64"
  case f64 = "F64"
  case i64 = "I64"
  case u64 = "U64"

  /// Bits of one element.
  public var bits: Int {
    switch self {
    case .f4: 4
    case .f6E2M3, .f6E3M2: 6
    case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: 8
    case .i16, .u16, .f16, .bf16: 16
    case .i32, .u32, .f32: 32
    case .c64, .f64, .i64, .u64: 64
    }
  }

  /// The format as a source of `Float`; `nil` for those that are not.
  var floatSource: FloatFormats.Source? {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    case .f64: .float64
    default: nil
    }
  }
}

/// What a safetensors header says of one tensor.
public struct SafetensorsInfo: Sendable, Equatable {
  public let dtype: SafetensorsDType
  public let shape: [Int]
  /// Bytes from the start of the file.
  public let byteRange: Range<Int>

  /// The product of the shape; 1 for a scalar.
  public var count: Int { shape.reduce(1, *) }
}
