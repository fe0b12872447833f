/// What a value must obey beside having the right type; one rule serves the check, the message and
/// the JSON schema.
public struct Rule<Value: Sendable>: Sendable {
  /// Completes "must be …"; empty if everything is allowed.
  package let statement: String
  package let accepts: @Sendable (Value) -> Bool
  /// JSON Schema keywords that say the same.
  package let keywords: [JSONValue.Member]

  package init(
    _ statement: String, _ keywords: [JSONValue.Member],
    accepts: @escaping @Sendable (Value) -> Bool
  ) {
    self.statement = statement
    self.keywords = keywords
    self.accepts = accepts
  }

  /// Every value of the type.
  public static var any: Self { Self("", []) { _ in true } }
}

extension Rule where Value == Double {
  public static var positive: Self {
    Self("greater than 0", [.init("exclusiveMinimum", 0)]) { $0 > 0 }
  }

  public static func atLeast(_ minimum: Double) -> Self {
    Self("at least \(minimum)", [.init("minimum", .number(minimum))]) { $0 >= minimum }
  }

  /// Both ends allowed.
  public static func range(_ range: ClosedRange<Double>) -> Self {
    Self(
      "from \(range.lowerBound) to \(range.upperBound)",
      [.init("minimum", .number(range.lowerBound)), .init("maximum", .number(range.upperBound))]
    ) { range.contains($0) }
  }

  /// Up to, but not including, the upper end.
  public static func range(_ range: Range<Double>) -> Self {
    Self(
      "at least \(range.lowerBound) and less than \(range.upperBound)",
      [
        .init("minimum", .number(range.lowerBound)),
        .init("exclusiveMaximum", .number(range.upperBound)),
      ]
    ) { range.contains($0) }
  }
}

extension Rule where Value == Int {
  public static var positive: Self { atLeast(1) }

  public static func atLeast(_ minimum: Int) -> Self {
    Self("at least \(minimum)", [.init("minimum", .integer(minimum))]) { $0 >= minimum }
  }

  /// Both ends allowed.
  public static func range(_ range: ClosedRange<Int>) -> Self {
    Self(
      "from \(range.lowerBound) to \(range.upperBound)",
      [.init("minimum", .integer(range.lowerBound)), .init("maximum", .integer(range.upperBound))]
    ) { range.contains($0) }
  }

  public static func oneOf(_ values: [Int]) -> Self {
    Self(
      "one of \(values.map(String.init).joined(separator: ", "))",
      [.init("enum", .array(values.map(JSONValue.integer)))]
    ) { values.contains($0) }
  }
}

extension Rule where Value == String {
  public static var nonEmpty: Self {
    Self("a text that is not empty", [.init("minLength", 1)]) { !$0.isEmpty }
  }

  /// A name that is safe as the name of a folder on every system.
  public static var name: Self {
    let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    return Self(
      "a name of letters, digits, '_' and '-' that starts with a letter or digit",
      [.init("pattern", "^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    ) { name in
      name.allSatisfy(letters.contains) && name.first.map { !"_-".contains($0) } ?? false
    }
  }

  /// The dotted path of a key, such as `optimizer.peak_learning_rate`, of at least so many names.
  public static func keyPath(atLeast count: Int = 1) -> Self {
    let more = count > 1 ? "{\(count - 1),}" : "*"
    return Self(
      count > 1 ? "a dotted key such as optimizer.peak_learning_rate" : "a key",
      [.init("pattern", .string("^[a-z][a-z0-9_]*(\\.[a-z0-9_]+)\(more)$"))]
    ) { path in
      let names = path.split(separator: ".", omittingEmptySubsequences: false)
      let isPlain = names.allSatisfy { name in
        !name.isEmpty && name.utf8.allSatisfy { (97...122) ~= $0 || (48...57) ~= $0 || $0 == 95 }
      }
      return names.count >= count && isPlain && path.utf8.first.map { (97...122) ~= $0 } ?? false
    }
  }

  public static func oneOf(_ values: [String]) -> Self {
    Self(
      "one of \(values.joined(separator: ", "))",
      [.init("enum", .array(values.map(JSONValue.string)))]
    ) { values.contains($0) }
  }
}

/// What a list must obey beside its elements' rule.
public struct ListRule: Sendable {
  package let minimumCount: Int
  package let isUnique: Bool

  /// Any number of elements.
  public static let any = Self(minimumCount: 0, isUnique: false)
  /// One element or more.
  public static let nonEmpty = Self(minimumCount: 1, isUnique: false)
  /// Any number of elements, none twice.
  public static let unique = Self(minimumCount: 0, isUnique: true)
  /// One element or more, none twice.
  public static let nonEmptyUnique = Self(minimumCount: 1, isUnique: true)

  package var keywords: [JSONValue.Member] {
    (minimumCount > 0 ? [.init("minItems", .integer(minimumCount))] : [])
      + (isUnique ? [.init("uniqueItems", true)] : [])
  }
}
