/// Where and why a text is not the JSON that a file must hold.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Bytes from the start of the JSON text.
  public let offset: Int
  /// Counts from 1.
  public let line: Int
  /// The rule, and what came: "an object has the key \"a\" twice".
  public let problem: String

  public var description: String { "\(problem) (at byte \(offset))" }
}

/// A strict reader of JSON (RFC 8259) over bytes in memory, one token at a time.
///
/// It takes no memory that grows with the text, except for what the caller keeps and for the list of keys
/// of each object that is open (up to 50 bytes a key). Duplicate keys, nesting deeper than ``maximumDepth``,
/// invalid UTF-8 and lone surrogates are errors.
package struct JSONScanner {
  package let bytes: UnsafeRawBufferPointer
  package private(set) var offset: Int
  private var depth = 0

  mutating func advance(to offset: Int) { self.offset = offset }

  package static let maximumDepth = 128

  package init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  /// A string as it stands between its quotes, checked but not decoded.
  package struct RawString {
    package let range: Range<Int>
    package let hasEscapes: Bool

    package init(range: Range<Int>, hasEscapes: Bool) {
      self.range = range
      self.hasEscapes = hasEscapes
    }
  }

  /// The next byte that is not white space, which stays unread; `nil` at the end.
  package mutating func peek() -> UInt8? {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      case let byte: return byte
      }
    }
    return nil
  }

  package func failure(_ problem: String, at position: Int? = nil) -> JSONError {
    let position = position ?? offset
    let line = 1 + bytes.prefix(position).count { $0 == UInt8(ascii: "\n") }
    return JSONError(offset: position, line: line, problem: problem)
  }

  private mutating func expect(_ character: Character, _ place: String) throws(JSONError) {
    guard let byte = peek() else {
      throw failure("the text ends where \(place) needs \"\(character)\"")
    }
    guard byte == character.asciiValue else {
      throw failure("\(place) needs \"\(character)\", got \(Self.name(byte))")
    }
    offset += 1
  }

  static func name(_ byte: UInt8) -> String {
    byte > 0x20 && byte < 0x7F
      ? "\"\(Character(UnicodeScalar(byte)))\"" : "the byte \(byte)"
  }

  /// Nothing but white space may follow.
  package mutating func end() throws(JSONError) {
    if let byte = peek() { throw failure("the text goes on after its end with \(Self.name(byte))") }
  }

  /// Reads an object; `member` is called after each key and colon, and must read the value.
  package mutating func object(
    _ member: (inout JSONScanner, RawString) throws(JSONError) -> Void
  ) throws(JSONError) {
    try expect("{", "an object")
    try enter()
    var keys: [RawString] = []
    if peek() == UInt8(ascii: "}") {
      offset += 1
    } else {
      while true {
        let key = try string()
        keys.append(key)
        try expect(":", "an object's member")
        try member(&self, key)
        if try !another(closing: UInt8(ascii: "}"), "an object") { break }
      }
    }
    depth -= 1
    try checkUnique(keys)
  }

  /// Reads an array; `element` is called before each element and must read it.
  package mutating func array(
    _ element: (inout JSONScanner) throws(JSONError) -> Void
  ) throws(JSONError) {
    try expect("[", "an array")
    try enter()
    if peek() == UInt8(ascii: "]") {
      offset += 1
    } else {
      while true {
        try element(&self)
        if try !another(closing: UInt8(ascii: "]"), "an array") { break }
      }
    }
    depth -= 1
  }

  private mutating func enter() throws(JSONError) {
    depth += 1
    if depth > Self.maximumDepth {
      throw failure("values are nested deeper than \(Self.maximumDepth)")
    }
  }

  private mutating func another(closing: UInt8, _ place: String) throws(JSONError) -> Bool {
    guard let byte = peek() else { throw failure("the text ends inside \(place)") }
    guard byte == UInt8(ascii: ",") || byte == closing else {
      throw failure("\(place) goes on with \(Self.name(byte))")
    }
    offset += 1
    return byte != closing
  }

  private func checkUnique(_ keys: [RawString]) throws(JSONError) {
    guard keys.count > 1 else { return }
    if keys.count <= 8 {
      for i in 1..<keys.count {
        for j in 0..<i where compare(keys[i], keys[j]) == 0 { throw duplicate(keys[i]) }
      }
      return
    }
    // Open addressing, at most half of the places taken: O(bytes of the keys), where sorting 50,000
    // keys of a vocabulary took longer than reading them.
    var capacity = 32
    while capacity < 2 * keys.count { capacity *= 2 }
    var places = [Int32](repeating: -1, count: capacity)
    for (index, key) in keys.enumerated() {
      var place = hash(of: key) & (capacity - 1)
      while places[place] >= 0 {
        if compare(keys[Int(places[place])], key) == 0 { throw duplicate(key) }
        place = (place + 1) & (capacity - 1)
      }
      places[place] = Int32(index)
    }
  }

  /// FNV-1a of the decoded key, its high bits folded into the low ones.
  private func hash(of key: RawString) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    if key.hasEscapes {
      for byte in decoded(key) { add(byte) }
    } else {
      for index in key.range { add(bytes[index]) }
    }
    return Int(truncatingIfNeeded: (hash ^ (hash >> 29)) & 0x7FFF_FFFF)
  }

  private func duplicate(_ key: RawString) -> JSONError {
    failure("an object has the key \"\(text(key))\" twice", at: key.range.lowerBound)
  }

  /// Reads any value and forgets it.
  package mutating func skip() throws(JSONError) {
    guard let byte = peek() else { throw failure("the text ends where a value should stand") }
    switch byte {
    case UInt8(ascii: "{"):
      try object { scanner, _ throws(JSONError) in try scanner.skip() }
    case UInt8(ascii: "["):
      try array { scanner throws(JSONError) in try scanner.skip() }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: _ = try number()
    }
  }

  package mutating func word(_ word: StaticString) throws(JSONError) {
    let count = word.utf8CodeUnitCount
    for i in 0..<count where offset + i >= bytes.count || bytes[offset + i] != word.utf8Start[i] {
      throw failure("a value should be \(word)")
    }
    offset += count
  }

  /// The range of a number, checked against JSON's grammar, and whether it is written as an integer.
  package mutating func number() throws(JSONError) -> (range: Range<Int>, isInteger: Bool) {
    guard let first = peek() else { throw failure("the text ends where a value should stand") }
    let start = offset
    var isInteger = true
    if first == UInt8(ascii: "-") { offset += 1 }
    if offset < bytes.count && bytes[offset] == UInt8(ascii: "0") {
      offset += 1
    } else if !digits() {
      throw failure("a value can't start with \(Self.name(first))", at: start)
    }
    if offset < bytes.count && bytes[offset] == UInt8(ascii: ".") {
      isInteger = false
      offset += 1
      if !digits() { throw failure("a number has no digit after its point") }
    }
    if offset < bytes.count && bytes[offset] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      offset += 1
      if offset < bytes.count
        && (bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-"))
      {
        offset += 1
      }
      if !digits() { throw failure("a number has no digit in its exponent") }
    }
    return (start..<offset, isInteger)
  }

  private mutating func digits() -> Bool {
    let start = offset
    while offset < bytes.count && bytes[offset] >= 0x30 && bytes[offset] <= 0x39 { offset += 1 }
    return offset > start
  }

  /// An integer ≥ 0 that fits an `Int`, written without sign, point or exponent.
  package mutating func count() throws(JSONError) -> Int {
    guard let byte = peek(), byte >= 0x30, byte <= 0x39 else {
      let came = peek().map(Self.name) ?? "the end of the text"
      throw failure("an integer of at least 0 is needed, got \(came)")
    }
    let (range, isInteger) = try number()
    guard isInteger else {
      throw failure("an integer is needed, got a fraction or exponent", at: range.lowerBound)
    }
    var value = 0
    for i in range {
      let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tenfold.addingReportingOverflow(Int(bytes[i] &- 0x30))
      guard !overflow && !carry else {
        throw failure("an integer does not fit 63 bits", at: range.lowerBound)
      }
      value = sum
    }
    return value
  }
}
