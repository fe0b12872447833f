/// Sections under names of the user's choice, in the order of the file.
public struct ConfigMap<Section: ConfigSection>: Sendable, Equatable, RandomAccessCollection {
  public struct Element: Sendable, Equatable {
    public let name: String
    public var section: Section
  }

  private var elements: [Element] = []

  public init() {}

  /// - Precondition: No name twice.
  public init(_ sections: KeyValuePairs<String, Section>) {
    for (name, section) in sections {
      precondition(self[name] == nil, "'\(name)' stands twice")
      append(section, named: name)
    }
  }

  public var startIndex: Int { elements.startIndex }
  public var endIndex: Int { elements.endIndex }
  public subscript(position: Int) -> Element { elements[position] }

  /// The section with this name.
  public subscript(name: String) -> Section? { first { $0.name == name }?.section }

  public var names: [String] { elements.map(\.name) }

  mutating func append(_ section: Section, named name: String) {
    elements.append(Element(name: name, section: section))
  }

  /// The type of a key that holds such a mapping, which may not be empty.
  public static var type: ValueType<Self> {
    ValueType(
      shape: { .map(Section.shape) },
      decode: { node, decoding in
        guard case .mapping(let entries) = node.content, !entries.isEmpty else {
          decoding.report(
            "must be a mapping (NAME: {…}) with at least one name, got \(node.shortDescription)",
            at: node.source)
          return nil
        }
        var map = Self()
        for entry in entries {
          decoding.inside(entry.key) { decoding in
            let rule = Rule<String>.name
            if !rule.accepts(entry.key) {
              decoding.report("the name must be \(rule.statement)", at: entry.keySource)
            }
            if let section = ValueType<Section>.section.decode(entry.value, &decoding) {
              map.append(section, named: entry.key)
            }
          }
        }
        return map.count == entries.count ? map : nil
      },
      encode: { map in
        ConfigNode(
          .mapping(
            map.map { ConfigNode.Entry($0.name, ValueType<Section>.section.encode($0.section)) }))
      })
  }
}
