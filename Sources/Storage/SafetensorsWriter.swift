import Configuration
import Foundation

/// One tensor to write.
public struct SafetensorsTensor: Sendable {
  public enum Values: Sendable {
    /// Written as F32.
    case float32([Float])
    /// Written as F32; asked for when their turn comes, so that a large model is not in memory twice.
    case made(count: Int, @Sendable () -> [Float])
    /// Written as F16: rounded to nearest, ties to even.
    case float16([Float])
    /// Written as I64.
    case int64([Int64])
  }

  public let name: String
  public let shape: [Int]
  public let values: Values

  public init(name: String, shape: [Int], values: Values) {
    self.name = name
    self.shape = shape
    self.values = values
  }

  var count: Int {
    switch values {
    case .float32(let values), .float16(let values): values.count
    case .made(let count, _): count
    case .int64(let values): values.count
    }
  }

  var dtype: SafetensorsDType {
    switch values {
    case .float32, .made: .f32
    case .float16: .f16
    case .int64: .i64
    }
  }
}

/// Writes safetensors files that the reference reader accepts.
///
/// The header is padded with spaces so that the data starts at a multiple of 8 bytes. Tensors of wider
/// elements come first, otherwise in the given order, so that every tensor is aligned to its elements.
/// Equal input gives equal bytes.
public enum Safetensors {
  /// Writes or replaces a file of F32 tensors; it appears whole or not at all.
  public static func write(
    _ tensors: [(name: String, shape: [Int], values: [Float])], metadata: [String: String] = [:],
    to url: URL
  ) throws(FileError) {
    try write(
      tensors.map {
        SafetensorsTensor(name: $0.name, shape: $0.shape, values: .float32($0.values))
      }, metadata: metadata, to: url)
  }

  /// Writes or replaces a file; it appears whole or not at all.
  ///
  /// - Throws: ``FileError`` with the system's cause.
  /// - Precondition: names are unique, none is `__metadata__`, and each tensor has as many values as its
  ///   shape says.
  public static func write(
    _ tensors: [SafetensorsTensor], metadata: [String: String] = [:], to url: URL
  ) throws(FileError) {
    let ordered = tensors.enumerated().sorted {
      ($1.element.dtype.bits, $0.offset) < ($0.element.dtype.bits, $1.offset)
    }.map(\.element)
    let header = header(of: ordered, metadata: metadata)
    try AtomicFile.write(to: url) { writer throws(FileError) in
      try writer.append([UInt64(header.count).littleEndian])
      try writer.append(header)
      for tensor in ordered {
        switch tensor.values {
        case .float32(let values): try writer.append(values)
        case .made(let count, let make):
          let values = make()
          precondition(
            values.count == count, "\"\(tensor.name)\" has \(values.count) values, not \(count)")
          try writer.append(values)
        case .float16(let values): try writer.append(values.map(FloatFormats.half))
        case .int64(let values): try writer.append(values)
        }
      }
    }
  }

  private static func header(
    of tensors: [SafetensorsTensor], metadata: [String: String]
  ) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }
        .map { "\(JSONValue.quoted($0.key)):\(JSONValue.quoted($0.value))" }
      members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var names: Set<Identifier> = ["__metadata__"]
    var end = 0
    for tensor in tensors {
      precondition(
        names.insert(Identifier(tensor.name)).inserted, "two tensors are named \"\(tensor.name)\"")
      precondition(
        tensor.count == tensor.shape.reduce(1, *),
        "the tensor \"\(tensor.name)\" of shape \(tensor.shape) has \(tensor.count) values")
      let begin = end
      end += tensor.count * tensor.dtype.bits / 8
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(JSONValue.quoted(tensor.name)):{\"dtype\":\"\(tensor.dtype.rawValue)\","
          + "\"shape\":[\(shape)],\"data_offsets\":[\(begin),\(end)]}")
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(0x20) }
    return header
  }
}
