import Configuration

/// Reads JSON front to back, and skips what nobody asks for.
///
/// Caption files are long and flat; this takes a tenth of the time and memory of a tree of values, and
/// an error names its line.
struct JSONCursor {
  let file: String
  private let bytes: [UInt8]
  private(set) var position = 0
  private var depth = 0

  /// Reading is recursive: a file must not be able to exhaust the stack.
  private static let greatestDepth = 100

  /// - Throws: ``CaptionFileError`` if the file can't be read or is not UTF-8.
  init(path: String) throws {
    file = path
    bytes = try UTF8File.bytes(of: path)
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
  }

  /// The line at a position, from 1.
  func line(at position: Int) -> Int {
    1 + bytes[..<min(position, bytes.count)].count { $0 == 10 }
  }

  func malformed(_ rule: String, at position: Int? = nil) -> CaptionFileError {
    .malformed(file: file, line: line(at: position ?? self.position), rule: rule)
  }

  /// The next byte that is not white space, or `nil` at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 32, 9, 10, 13: position += 1
      default: return bytes[position]
      }
    }
    return nil
  }

  mutating func expect(_ byte: Unicode.Scalar, _ rule: String) throws {
    guard peek() == UInt8(ascii: byte) else { throw malformed(rule) }
    position += 1
  }

  private mutating func enter() throws {
    depth += 1
    guard depth <= Self.greatestDepth else {
      throw malformed("objects and lists are nested more than \(Self.greatestDepth) deep")
    }
  }

  /// Hands over each key of an object, the cursor before its value.
  mutating func forEachMember(_ body: (String, inout JSONCursor) throws -> Void) throws {
    try expect("{", "expected an object")
    try enter()
    defer { depth -= 1 }
    if peek() == UInt8(ascii: "}") {
      position += 1
      return
    }
    while true {
      let key = try string()
      try expect(":", "expected \":\" after the key \"\(key)\"")
      try body(key, &self)
      if peek() == UInt8(ascii: ",") {
        position += 1
      } else {
        return try expect("}", "expected \",\" or \"}\" in an object")
      }
    }
  }

  /// Stops before each element of an array.
  mutating func forEachElement(_ body: (inout JSONCursor) throws -> Void) throws {
    try expect("[", "expected a list")
    try enter()
    defer { depth -= 1 }
    if peek() == UInt8(ascii: "]") {
      position += 1
      return
    }
    while true {
      try body(&self)
      if peek() == UInt8(ascii: ",") {
        position += 1
      } else {
        return try expect("]", "expected \",\" or \"]\" in a list")
      }
    }
  }

  mutating func string() throws -> String {
    guard peek() == UInt8(ascii: "\"") else { throw malformed("expected a text in quotes") }
    let start = position + 1
    var end = start
    while end < bytes.count, bytes[end] != 0x22, bytes[end] != 0x5c, bytes[end] >= 32 { end += 1 }
    if end < bytes.count, bytes[end] == 0x22 {
      position = end + 1
      return String(decoding: bytes[start..<end], as: UTF8.self)
    }
    return try escapedString(start)
  }

  private mutating func escapedString(_ start: Int) throws -> String {
    var units: [UInt8] = []
    position = start
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case 0x22: return String(decoding: units, as: UTF8.self)
      case 0x5c: units += String(try escape()).utf8
      case 0..<32:
        throw malformed("a text may not hold a control character; write it as an escape")
      default: units.append(byte)
      }
    }
    throw malformed("a text is not closed", at: start)
  }

  private mutating func escape() throws -> Unicode.Scalar {
    guard position < bytes.count else { throw malformed("a text is not closed") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case 0x22, 0x5c, 0x2f: return Unicode.Scalar(byte)
    case UInt8(ascii: "u"):
      var code = UInt32(try hexadecimal())
      if (0xd800..<0xdc00).contains(code), bytes[position...].starts(with: [0x5c, 0x75]) {
        position += 2
        let low = UInt32(try hexadecimal())
        guard (0xdc00..<0xe000).contains(low) else { throw malformed("half a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw malformed("half a surrogate pair") }
      return scalar
    default: throw malformed("an unknown escape in a text")
    }
  }

  private mutating func hexadecimal() throws -> UInt16 {
    guard position + 4 <= bytes.count,
      let value = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw malformed("\\u needs four hexadecimal digits") }
    position += 4
    return value
  }

  /// A text, or a number as it is written.
  mutating func identifier() throws -> Identifier {
    if peek() == UInt8(ascii: "\"") { return Identifier(try string()) }
    let start = position
    while position < bytes.count, Self.isInNumber(bytes[position]) { position += 1 }
    guard position > start else { throw malformed("expected an image id: a number or a text") }
    return Identifier(String(decoding: bytes[start..<position], as: UTF8.self))
  }

  private static func isInNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x2b, 0x2d, 0x2e, 0x45, 0x65: true
    default: false
    }
  }

  /// Reads past any value.
  mutating func skipValue() throws {
    switch peek() {
    case UInt8(ascii: "{"): try forEachMember { _, cursor in try cursor.skipValue() }
    case UInt8(ascii: "["): try forEachElement { cursor in try cursor.skipValue() }
    case UInt8(ascii: "\""): _ = try string()
    default:
      let start = position
      while position < bytes.count,
        Self.isInNumber(bytes[position]) || (0x61...0x7a).contains(bytes[position])
      {
        position += 1
      }
      guard position > start else { throw malformed("expected a value") }
    }
  }
}
