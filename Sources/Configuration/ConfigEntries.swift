/// Values under keys of the user's choice, in the order of the file.
///
/// `search:` is such a section: `optimizer.peak_learning_rate: [3.0e-4, 1.0e-3]` beside its own keys.
public struct ConfigEntries<Value: Sendable>: Sendable, RandomAccessCollection,
  ExpressibleByDictionaryLiteral
{
  public struct Element: Sendable {
    public let key: String
    public var value: Value
    /// Where the key was written.
    public let source: ConfigSource
  }

  private var elements: [Element] = []

  public init() {}

  /// - Precondition: No key twice.
  public init(dictionaryLiteral values: (String, Value)...) {
    for (key, value) in values {
      precondition(self[key] == nil, "'\(key)' stands twice")
      append(value, at: key)
    }
  }

  public var startIndex: Int { elements.startIndex }
  public var endIndex: Int { elements.endIndex }
  public subscript(position: Int) -> Element { elements[position] }

  /// The value of this key.
  public subscript(key: String) -> Value? { first { $0.key == key }?.value }

  mutating func append(_ value: Value, at key: String, source: ConfigSource = .builtIn) {
    elements.append(Element(key: key, value: value, source: source))
  }
}

extension ConfigEntries: Equatable where Value: Equatable {
  /// Equal keys and values in the same order, wherever they were written.
  public static func == (left: Self, right: Self) -> Bool {
    left.elementsEqual(right) { $0.key == $1.key && $0.value == $1.value }
  }
}
