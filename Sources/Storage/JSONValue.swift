import Foundation

/// A JSON document, read strictly: duplicate keys, invalid UTF-8 and nesting beyond 128 are errors.
///
/// For configuration files of models, where a missing or mistyped member must be named. Numbers keep
/// whether they were written as integers.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// - Throws: ``JSONError`` with the byte and the rule.
  public init(parsing data: Data) throws(JSONError) {
    self = try data.withBytes { bytes throws(JSONError) in
      // A byte order mark is no JSON, but editors on Windows leave one.
      var scanner = JSONScanner(bytes, at: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
      let value = try JSONValue(reading: &scanner)
      try scanner.end()
      return value
    }
  }

  public init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Data(text.utf8))
  }

  private init(reading scanner: inout JSONScanner) throws(JSONError) {
    guard let byte = scanner.peek() else {
      throw scanner.failure("the text ends where a value should stand")
    }
    switch byte {
    case UInt8(ascii: "{"):
      var members: [String: JSONValue] = [:]
      try scanner.object { scanner, key throws(JSONError) in
        members[scanner.text(key)] = try JSONValue(reading: &scanner)
      }
      self = .object(members)
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      try scanner.array { scanner throws(JSONError) in
        elements.append(try JSONValue(reading: &scanner))
      }
      self = .array(elements)
    case UInt8(ascii: "\""): self = .string(scanner.text(try scanner.string()))
    case UInt8(ascii: "t"):
      try scanner.word("true")
      self = .bool(true)
    case UInt8(ascii: "f"):
      try scanner.word("false")
      self = .bool(false)
    case UInt8(ascii: "n"):
      try scanner.word("null")
      self = .null
    default:
      let (range, isInteger) = try scanner.number()
      let text = String(decoding: scanner.bytes[range], as: UTF8.self)
      if isInteger, let value = Int(text) {
        self = .integer(value)
      } else {
        self = .number(Double(text) ?? .nan)
      }
    }
  }

  /// The member of that name; `nil` if this is no object or has none.
  public subscript(_ key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  public subscript(_ index: Int) -> JSONValue? {
    if case .array(let elements) = self, elements.indices.contains(index) {
      elements[index]
    } else {
      nil
    }
  }

  public var isNull: Bool { self == .null }
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var object: [String: JSONValue]? {
    if case .object(let value) = self { value } else { nil }
  }

  /// An integer, also one written as `224.0`.
  public var int: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
