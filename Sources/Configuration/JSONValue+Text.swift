extension JSONValue {
  /// - Throws: ``JSONError`` with the byte, the line and the rule.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    let result: Result<JSONValue, JSONError> = bytes.withUnsafeBytes { bytes in
      do throws(JSONError) {
        // A byte order mark is no JSON, but editors on Windows leave one.
        var scanner = JSONScanner(bytes, at: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
        let value = try JSONValue(reading: &scanner)
        try scanner.end()
        return .success(value)
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }

  public init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }

  private init(reading scanner: inout JSONScanner) throws(JSONError) {
    guard let byte = scanner.peek() else {
      throw scanner.failure("the text ends where a value should stand")
    }
    switch byte {
    case UInt8(ascii: "{"):
      var members: [Member] = []
      try scanner.object { scanner, key throws(JSONError) in
        members.append(Member(scanner.text(key), try JSONValue(reading: &scanner)))
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
      } else if let value = Double(text), value.isFinite {
        self = .number(value)
      } else {
        throw scanner.failure("the number \(text) is too large", at: range.lowerBound)
      }
    }
  }

  /// JSON text with two spaces of indentation and no newline at the end.
  ///
  /// Numbers read back as they are; a list that fits stays on one line.
  /// - Precondition: numbers are finite, as all are that were read.
  public func text(indentation: Int = 0) -> String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .number(let value): Self.text(value)
    case .string(let value): Self.quoted(value)
    case .array(let values):
      Self.block(values.map { $0.text(indentation: indentation + 2) }, "[", "]", indentation)
    case .object(let members):
      Self.block(
        members.map { "\(Self.quoted($0.key)): \($0.value.text(indentation: indentation + 2))" },
        "{", "}", indentation)
    }
  }

  /// JSON text on one line, without spaces.
  public var compactText: String {
    switch self {
    case .null, .bool, .integer, .number, .string: text()
    case .array(let values): "[\(values.map(\.compactText).joined(separator: ","))]"
    case .object(let members):
      "{\(members.map { "\(Self.quoted($0.key)):\($0.value.compactText)" }.joined(separator: ","))}"
    }
  }

  private static func text(_ value: Double) -> String {
    precondition(value.isFinite, "JSON has no number \(value)")
    return value.rounded() == value && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
  }

  private static func block(
    _ parts: [String], _ open: String, _ close: String, _ indentation: Int
  ) -> String {
    let isShort = parts.allSatisfy { !$0.contains("\n") } && parts.joined().count + indentation < 60
    if parts.isEmpty || (isShort && open == "[") {
      return open + parts.joined(separator: ", ") + close
    }
    let inner = String(repeating: " ", count: indentation + 2)
    return open + "\n" + parts.map { inner + $0 }.joined(separator: ",\n") + "\n"
      + String(repeating: " ", count: indentation) + close
  }

  /// A JSON string literal, which YAML reads as the same text.
  ///
  /// `"`, `\` and what YAML 1.1 does not take for printable or takes for the end of a line are escaped;
  /// the rest stays UTF-8.
  public static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case "\u{0}"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}",
        "\u{FFFF}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
