import Foundation

/// A JSON value that keeps an object's members in the order of the file.
///
/// Vocabularies hold 150,000 keys that are not ASCII: a Swift dictionary of them spends its time on
/// Unicode normalisation, and `JSONSerialization` builds one before we can say no.
enum JSONText: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONText])
  case object([Member])

  struct Member: Equatable, Sendable {
    let key: String
    let value: JSONText
  }

  /// A broken rule of JSON, and the line it stands on.
  struct ParseError: Error {
    let line: Int
    let rule: String
  }

  /// The value of a member, `nil` if absent or if this is no object.
  ///
  /// O(members).
  subscript(key: String) -> JSONText? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.key == key }?.value
  }

  var text: String? {
    if case .string(let value) = self { value } else { nil }
  }

  var flag: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  var elements: [JSONText]? {
    if case .array(let values) = self { values } else { nil }
  }

  var members: [Member]? {
    if case .object(let values) = self { values } else { nil }
  }

  /// An integer that a double holds exactly.
  var integer: Int? {
    if case .number(let value) = self { Int(exactly: value) } else { nil }
  }

  var isNull: Bool { self == .null }

  /// How an error message shows the value: short.
  var shown: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value): Int(exactly: value).map { "\($0)" } ?? "\(value)"
    case .string(let value): value.count > 80 ? "\"\(value.prefix(80))…\"" : "\"\(value)\""
    case .array(let values): "an array of \(values.count)"
    case .object(let values): "an object of \(values.count) members"
    }
  }

  init(parsing bytes: [UInt8]) throws(ParseError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.document()
  }
}

/// A recursive-descent parser of RFC 8259 over the bytes of a file.
private struct JSONParser {
  let bytes: [UInt8]
  var position = 0
  var depth = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  mutating func document() throws(JSONText.ParseError) -> JSONText {
    let value = try self.value()
    skipSpace()
    guard position == bytes.count else { throw failure("more text after the JSON value") }
    return value
  }

  func failure(_ rule: String) -> JSONText.ParseError {
    let line = 1 + bytes[..<min(position, bytes.count)].count { $0 == UInt8(ascii: "\n") }
    return JSONText.ParseError(line: line, rule: "not valid JSON: \(rule)")
  }

  mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) {
      position += 1
    }
  }

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func value() throws(JSONText.ParseError) -> JSONText {
    skipSpace()
    guard let byte = next else { throw failure("the file ends where a value should be") }
    switch byte {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"):
      return try nested { (parser) throws(JSONText.ParseError) in try parser.object() }
    case UInt8(ascii: "["):
      return try nested { (parser) throws(JSONText.ParseError) in try parser.array() }
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: return .number(try number())
    }
  }

  mutating func nested(
    _ body: (inout JSONParser) throws(JSONText.ParseError) -> JSONText
  ) throws(JSONText.ParseError) -> JSONText {
    guard depth < 200 else { throw failure("nested more than 200 deep") }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  mutating func literal(
    _ word: String, _ value: JSONText
  ) throws(JSONText.ParseError) -> JSONText {
    guard bytes[position...].starts(with: word.utf8) else { throw failure("unknown word") }
    position += word.utf8.count
    return value
  }

  mutating func number() throws(JSONText.ParseError) -> Double {
    let start = position
    while let byte = next, (byte >= 0x30 && byte <= 0x39) || "+-.eE".utf8.contains(byte) {
      position += 1
    }
    let digits = bytes[start..<position]
    if digits.count <= 15, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), !digits.isEmpty {
      return Double(digits.reduce(0) { $0 * 10 + Int($1 - 0x30) })
    }
    guard let value = Double(String(decoding: digits, as: UTF8.self)), value.isFinite else {
      throw failure("a value should stand here")
    }
    return value
  }

  mutating func array() throws(JSONText.ParseError) -> JSONText {
    position += 1
    var values: [JSONText] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      position += 1
      return .array([])
    }
    while true {
      values.append(try value())
      if try separator(orEnd: UInt8(ascii: "]")) { return .array(values) }
    }
  }

  mutating func object() throws(JSONText.ParseError) -> JSONText {
    position += 1
    var members: [JSONText.Member] = []
    skipSpace()
    if next == UInt8(ascii: "}") {
      position += 1
      return .object([])
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw failure("a key in quotes should stand here") }
      let key = try string()
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw failure("a colon should follow the key") }
      position += 1
      members.append(JSONText.Member(key: key, value: try value()))
      if try separator(orEnd: UInt8(ascii: "}")) { return .object(members) }
    }
  }

  /// Steps over a comma (`false`) or the closing bracket (`true`).
  mutating func separator(orEnd end: UInt8) throws(JSONText.ParseError) -> Bool {
    skipSpace()
    guard let byte = next, byte == end || byte == UInt8(ascii: ",") else {
      throw failure("a comma or \(Character(Unicode.Scalar(end))) should stand here")
    }
    position += 1
    return byte == end
  }

  mutating func string() throws(JSONText.ParseError) -> String {
    position += 1
    let start = position
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      position += 1
    }
    if next == UInt8(ascii: "\"") {
      defer { position += 1 }
      return try checked(bytes[start..<position])
    }
    var unescaped = Array(bytes[start..<position])
    while let byte = next, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw failure("a control character inside a string") }
      position += 1
      if byte == UInt8(ascii: "\\") {
        unescaped.append(contentsOf: try escape())
      } else {
        unescaped.append(byte)
      }
    }
    guard next != nil else { throw failure("a string without its closing quote") }
    position += 1
    return try checked(unescaped[...])
  }

  func checked(_ utf8: ArraySlice<UInt8>) throws(JSONText.ParseError) -> String {
    guard let text = String(validating: utf8, as: UTF8.self) else {
      throw failure("a string that is not UTF-8")
    }
    return text
  }

  /// The UTF-8 of an escape whose backslash has been read.
  mutating func escape() throws(JSONText.ParseError) -> [UInt8] {
    guard let byte = next else { throw failure("a string without its closing quote") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if code & 0xFC00 == 0xD800, bytes[position...].starts(with: [0x5C, 0x75]) {
        position += 2
        let low = try hexadecimal()
        guard low & 0xFC00 == 0xDC00 else { throw failure("half a surrogate pair") }
        code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
      return Array(String(Character(scalar)).utf8)
    default: throw failure("an unknown escape")
    }
  }

  mutating func hexadecimal() throws(JSONText.ParseError) -> UInt32 {
    let digits = bytes[position...].prefix(4)
    guard digits.count == 4,
      digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw failure("\\u needs four hexadecimal digits") }
    position += 4
    return code
  }
}
