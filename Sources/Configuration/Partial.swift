/// Some keys of a section: they override another section's values field by field.
public struct Partial<Section: ConfigSection>: Sendable, Equatable {
  private let values: Section
  /// The keys that were given, in the table's order.
  public let given: [String]

  /// Overrides nothing.
  public init() {
    self.init(Section(), keys: [])
  }

  /// Overrides `keys` with the values they have in `values`.
  public init(_ values: Section, keys: [String]) {
    let known = Section.fields.compactMap(\.key)
    precondition(keys.allSatisfy(known.contains), "\(Section.self) has not all of \(keys)")
    self.values = values
    given = known.filter(keys.contains)
  }

  /// `base` with the given keys overridden.
  public func applied(to base: Section) -> Section {
    var result = base
    for field in Section.fields {
      if let key = field.key, given.contains(key) { field.copy(values, &result) }
    }
    return result
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.entries.elementsEqual(right.entries) { $0.key == $1.key && $0.value == $1.value }
  }

  /// The given keys only.
  var entries: [ConfigNode.Entry] {
    Section.fields.filter { $0.key.map(given.contains) ?? false }.flatMap { $0.entries(of: values) }
  }

  /// The type of a key that holds some keys of a section.
  public static var type: ValueType<Self> {
    ValueType(
      shape: { .partial(Section.shape) },
      decode: { node, decoding in
        guard let section = ValueType<Section>.section.decode(node, &decoding) else { return nil }
        guard case .mapping(let entries) = node.content else { return Self() }
        return Self(section, keys: entries.map(\.key))
      },
      encode: { ConfigNode(.mapping($0.entries)) })
  }
}
