extension JSONScanner {
  /// Reads a string and checks its escapes and its UTF-8.
  package mutating func string() throws(JSONError) -> RawString {
    guard peek() == UInt8(ascii: "\"") else {
      let came = peek().map(Self.name) ?? "the end of the text"
      throw failure("a string is needed, got \(came)")
    }
    let start = offset + 1
    var i = start
    var hasEscapes = false
    var hasHighBytes = false
    while true {
      guard i < bytes.count else { throw failure("a string does not end", at: start - 1) }
      let byte = bytes[i]
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        i = try escape(at: i).next
      } else if byte < 0x20 {
        throw failure("a string holds the control character \(byte)", at: i)
      } else {
        if byte >= 0x80 { hasHighBytes = true }
        i += 1
      }
    }
    if hasHighBytes && !Self.isUTF8(bytes, start..<i) {
      throw failure("a string is not valid UTF-8", at: start)
    }
    advance(to: i + 1)
    return RawString(range: start..<i, hasEscapes: hasEscapes)
  }

  /// The scalar that the escape at `start` stands for, and where the text goes on.
  private func escape(at start: Int) throws(JSONError) -> (scalar: UInt32, next: Int) {
    guard start + 1 < bytes.count else { throw failure("a string does not end", at: start) }
    switch bytes[start + 1] {
    case UInt8(ascii: "\""): return (0x22, start + 2)
    case UInt8(ascii: "\\"): return (0x5C, start + 2)
    case UInt8(ascii: "/"): return (0x2F, start + 2)
    case UInt8(ascii: "b"): return (0x08, start + 2)
    case UInt8(ascii: "f"): return (0x0C, start + 2)
    case UInt8(ascii: "n"): return (0x0A, start + 2)
    case UInt8(ascii: "r"): return (0x0D, start + 2)
    case UInt8(ascii: "t"): return (0x09, start + 2)
    case UInt8(ascii: "u"):
      guard let unit = hexadecimal(at: start + 2) else {
        throw failure("\\u needs four hexadecimal digits", at: start)
      }
      if unit & 0xF800 != 0xD800 { return (unit, start + 6) }
      guard unit < 0xDC00, start + 7 < bytes.count, bytes[start + 6] == UInt8(ascii: "\\"),
        bytes[start + 7] == UInt8(ascii: "u"), let low = hexadecimal(at: start + 8),
        low & 0xFC00 == 0xDC00
      else { throw failure("a string holds half a surrogate pair", at: start) }
      return (0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF), start + 12)
    case let byte:
      throw failure("a string holds an unknown escape: \\ before \(Self.name(byte))", at: start)
    }
  }

  private func hexadecimal(at start: Int) -> UInt32? {
    guard start + 4 <= bytes.count else { return nil }
    var value: UInt32 = 0
    for i in start..<start + 4 {
      switch bytes[i] {
      case 0x30...0x39: value = value << 4 | UInt32(bytes[i] - 0x30)
      case 0x41...0x46: value = value << 4 | UInt32(bytes[i] - 0x37)
      case 0x61...0x66: value = value << 4 | UInt32(bytes[i] - 0x57)
      default: return nil
      }
    }
    return value
  }

  /// The UTF-8 of a string that ``string()`` accepted.
  package func decoded(_ string: RawString) -> [UInt8] {
    guard string.hasEscapes else { return Array(bytes[string.range]) }
    var result: [UInt8] = []
    result.reserveCapacity(string.range.count)
    var i = string.range.lowerBound
    while i < string.range.upperBound {
      if bytes[i] == UInt8(ascii: "\\"), let (value, next) = try? escape(at: i) {
        if let scalar = UnicodeScalar(value) {
          result.append(contentsOf: Array(String(Character(scalar)).utf8))
        }
        i = next
      } else {
        result.append(bytes[i])
        i += 1
      }
    }
    return result
  }

  package func text(_ string: RawString) -> String {
    string.hasEscapes
      ? String(decoding: decoded(string), as: UTF8.self)
      : String(decoding: bytes[string.range], as: UTF8.self)
  }

  /// Whether a string without escapes is this ASCII word.
  package func isEqual(_ string: RawString, _ word: StaticString) -> Bool {
    if string.hasEscapes { return text(string) == "\(word)" }
    guard string.range.count == word.utf8CodeUnitCount else { return false }
    return string.range.enumerated().allSatisfy { bytes[$1] == word.utf8Start[$0] }
  }

  /// Below, equal to or above zero as the first comes before, at or after the second in byte order.
  package func compare(_ first: RawString, _ second: RawString) -> Int {
    if first.hasEscapes || second.hasEscapes {
      return decoded(first).withUnsafeBytes { first in
        decoded(second).withUnsafeBytes { Self.compare(first, $0) }
      }
    }
    return Self.compare(
      UnsafeRawBufferPointer(rebasing: bytes[first.range]),
      UnsafeRawBufferPointer(rebasing: bytes[second.range]))
  }

  /// Below, equal to or above zero as the string comes before, at or after these bytes in byte order.
  package func compare(_ string: RawString, _ other: UnsafeRawBufferPointer) -> Int {
    if string.hasEscapes { return decoded(string).withUnsafeBytes { Self.compare($0, other) } }
    return Self.compare(UnsafeRawBufferPointer(rebasing: bytes[string.range]), other)
  }

  private static func compare(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer)
    -> Int
  {
    for i in 0..<min(first.count, second.count) where first[i] != second[i] {
      return first[i] < second[i] ? -1 : 1
    }
    return first.count - second.count
  }

  /// Unicode's table of well-formed byte sequences (Unicode 15, table 3-7).
  static func isUTF8(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
    var i = range.lowerBound
    while i < range.upperBound {
      let lead = bytes[i]
      let following: Int
      var second: ClosedRange<UInt8> = 0x80...0xBF
      switch lead {
      case 0x00...0x7F:
        i += 1
        continue
      case 0xC2...0xDF: following = 1
      case 0xE0: (following, second) = (2, 0xA0...0xBF)
      case 0xED: (following, second) = (2, 0x80...0x9F)
      case 0xE1...0xEF: following = 2
      case 0xF0: (following, second) = (3, 0x90...0xBF)
      case 0xF1...0xF3: following = 3
      case 0xF4: (following, second) = (3, 0x80...0x8F)
      default: return false
      }
      guard i + following < range.upperBound, second.contains(bytes[i + 1]) else { return false }
      for j in 2..<following + 1 where bytes[i + j] & 0xC0 != 0x80 { return false }
      i += following + 1
    }
    return true
  }
}
