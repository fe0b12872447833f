/// A JSON value whose members keep their order, for schemas that are read and compared by people.
package indirect enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  package struct Member: Sendable {
    package let key: String
    package let value: JSONValue

    package init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// JSON text with two spaces of indentation and no newline at the end.
  package func text(indentation: Int = 0) -> String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .number(let value):
      value.rounded() == value && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
    case .string(let value): Self.quoted(value)
    case .array(let values):
      Self.block(values.map { $0.text(indentation: indentation + 2) }, "[", "]", indentation)
    case .object(let members):
      Self.block(
        members.map { "\(Self.quoted($0.key)): \($0.value.text(indentation: indentation + 2))" },
        "{", "}", indentation)
    }
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

  /// A JSON string literal.
  package static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}
