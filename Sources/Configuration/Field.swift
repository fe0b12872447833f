/// One key of a section: its name, the property it sets, its type and rule, and what it means.
///
/// The default is the property's value after `init()`.
public struct Field<Section: Sendable>: Sendable {
  /// The property that a key sets.
  public typealias Property<Value> = any WritableKeyPath<Section, Value> & Sendable

  enum Body: Sendable {
    case keyed(Keyed)
    case flattened(Flattened)
    case open(Open)
  }

  struct Keyed: Sendable {
    let key: String
    let documentation: String
    var isRequired = false
    let shape: @Sendable () -> ValueShape
    let decode: @Sendable (ConfigNode, inout Section, inout ConfigDecoding) -> Void
    let encode: @Sendable (Section) -> ConfigNode
  }

  struct Flattened: Sendable {
    let shape: @Sendable () -> [UnionShape.Case]
    let read: @Sendable (inout MappingReader, inout Section, inout ConfigDecoding) -> Void
    let entries: @Sendable (Section) -> [ConfigNode.Entry]
  }

  struct Open: Sendable {
    let shape: @Sendable () -> SectionShape.Open
    let read: @Sendable (inout MappingReader, inout Section, inout ConfigDecoding) -> Void
    let entries: @Sendable (Section) -> [ConfigNode.Entry]
  }

  var body: Body
  /// Takes the field's value from one section to another.
  let copy: @Sendable (_ source: Section, _ target: inout Section) -> Void

  /// The key; `nil` for a flattened union, which has the keys of its kind, and for open keys.
  package var key: String? {
    if case .keyed(let field) = body { field.key } else { nil }
  }

  /// A field of any type; the conveniences below cover the usual ones.
  public init<Value>(
    _ key: String, _ path: Property<Value>, _ type: ValueType<Value>,
    _ documentation: String
  ) {
    body = .keyed(
      Keyed(
        key: key, documentation: documentation, shape: type.shape,
        decode: { node, section, decoding in
          if let value = type.decode(node, &decoding) { section[keyPath: path] = value }
        },
        encode: { type.encode($0[keyPath: path]) }))
    copy = { source, target in target[keyPath: path] = source[keyPath: path] }
  }

  private init<Union: ConfigUnion>(flattening path: Property<Union>) {
    body = .flattened(Self.flattened(path))
    copy = { source, target in target[keyPath: path] = source[keyPath: path] }
  }

  private static func flattened<Union: ConfigUnion>(
    _ path: Property<Union>
  ) -> Flattened {
    Flattened(
      shape: { Union.shape.cases },
      read: { mapping, section, decoding in
        if let value = Union.read(&mapping, &decoding) { section[keyPath: path] = value }
      },
      entries: { $0[keyPath: path].entries })
  }

  private init<Value>(
    open path: Property<ConfigEntries<Value>>, _ type: ValueType<Value>, _ rule: Rule<String>,
    _ name: String, _ documentation: String
  ) {
    body = .open(
      Open(
        shape: {
          SectionShape.Open(
            name: name, documentation: documentation, keyRule: rule, value: type.shape())
        },
        read: { mapping, section, decoding in
          var values = ConfigEntries<Value>()
          for entry in mapping.takeOthers(where: rule.accepts) {
            decoding.inside(entry.key) { decoding in
              guard let value = type.decode(entry.value, &decoding) else { return }
              values.append(value, at: entry.key, source: entry.keySource)
            }
          }
          section[keyPath: path] = values
        },
        entries: { section in
          section[keyPath: path].map { ConfigNode.Entry($0.key, type.encode($0.value)) }
        }))
    copy = { source, target in target[keyPath: path] = source[keyPath: path] }
  }

  /// Keys of the user's choice beside the section's own, each with a value of one type.
  ///
  /// - Parameters:
  ///   - type: The type of the values.
  ///   - rule: What a key must obey; any other key that the table doesn't name is unknown.
  ///   - name: How the reference calls such a key: `KEY.OF.AN.ARM`.
  /// - Returns: The field; a section has one of them at most.
  public static func open<Value>(
    _ path: Property<ConfigEntries<Value>>, of type: ValueType<Value>, keys rule: Rule<String>,
    name: String, _ documentation: String
  ) -> Self {
    Self(open: path, type, rule, name, documentation)
  }

  init(
    body: Body, copy: @escaping @Sendable (_ source: Section, _ target: inout Section) -> Void
  ) {
    self.body = body
    self.copy = copy
  }

  var isOpen: Bool { if case .open = body { true } else { false } }

  /// The same field, which a file must give: it has no default.
  public var required: Self {
    guard case .keyed(var field) = body else { return self }
    field.isRequired = true
    var result = self
    result.body = .keyed(field)
    return result
  }

  /// The keys of a union, `kind` among them, written beside the section's own.
  public static func flattened<Union: ConfigUnion>(_ path: Property<Union>) -> Self {
    Self(flattening: path)
  }

  func read(
    _ mapping: inout MappingReader, _ section: inout Section, _ decoding: inout ConfigDecoding
  ) {
    switch body {
    case .flattened(let field): field.read(&mapping, &section, &decoding)
    case .open(let field): field.read(&mapping, &section, &decoding)
    case .keyed(let field):
      if let entry = mapping.take(field.key) {
        decoding.inside(field.key) { field.decode(entry.value, &section, &$0) }
      } else if field.isRequired {
        decoding.report("'\(field.key)' is missing; it has no default", at: mapping.source)
      }
    }
  }

  func entries(of section: Section) -> [ConfigNode.Entry] {
    switch body {
    case .flattened(let field): field.entries(section)
    case .open(let field): field.entries(section)
    case .keyed(let field): [ConfigNode.Entry(field.key, field.encode(section))]
    }
  }
}

extension Field {
  /// A number; infinities and NaN are refused.
  public static func number(
    _ key: String, _ path: Property<Double>, _ rule: Rule<Double>,
    _ documentation: String
  ) -> Self { Self(key, path, .number(rule), documentation) }

  /// A number or `null`.
  public static func number(
    _ key: String, _ path: Property<Double?>, _ rule: Rule<Double>,
    _ documentation: String
  ) -> Self { Self(key, path, .optional(.number(rule)), documentation) }

  /// A whole number.
  public static func integer(
    _ key: String, _ path: Property<Int>, _ rule: Rule<Int>,
    _ documentation: String
  ) -> Self { Self(key, path, .integer(rule), documentation) }

  /// A whole number or `null`.
  public static func integer(
    _ key: String, _ path: Property<Int?>, _ rule: Rule<Int>,
    _ documentation: String
  ) -> Self { Self(key, path, .optional(.integer(rule)), documentation) }

  /// `true` or `false`, nothing else.
  public static func bool(
    _ key: String, _ path: Property<Bool>, _ documentation: String
  ) -> Self { Self(key, path, .bool, documentation) }

  /// A text.
  public static func string(
    _ key: String, _ path: Property<String>, _ rule: Rule<String>,
    _ documentation: String
  ) -> Self { Self(key, path, .string(rule), documentation) }

  /// A text or `null`.
  public static func string(
    _ key: String, _ path: Property<String?>, _ rule: Rule<String>,
    _ documentation: String
  ) -> Self { Self(key, path, .optional(.string(rule)), documentation) }

  /// One of an enumeration's raw values.
  public static func choice<Choice: ConfigChoice>(
    _ key: String, _ path: Property<Choice>, _ documentation: String
  ) -> Self { Self(key, path, .choice, documentation) }

  /// A list whose elements have one type.
  public static func list<Element>(
    _ key: String, _ path: Property<[Element]>,
    of element: ValueType<Element>, _ rule: ListRule, _ documentation: String
  ) -> Self { Self(key, path, .list(of: element, rule), documentation) }

  /// A nested section.
  public static func section<Nested: ConfigSection>(
    _ key: String, _ path: Property<Nested>,
    _ documentation: String
  ) -> Self { Self(key, path, .section, documentation) }

  /// A nested section or `null`.
  public static func section<Nested: ConfigSection>(
    _ key: String, _ path: Property<Nested?>, _ documentation: String
  ) -> Self { Self(key, path, .optional(.section), documentation) }

  /// Some keys of a section, which override another's.
  public static func partial<Nested: ConfigSection>(
    _ key: String, _ path: Property<Partial<Nested>>,
    _ documentation: String
  ) -> Self { Self(key, path, Partial.type, documentation) }

  /// A mapping from names of the user's choice to sections.
  public static func map<Nested: ConfigSection>(
    _ key: String, _ path: Property<ConfigMap<Nested>>,
    _ documentation: String
  ) -> Self { Self(key, path, ConfigMap.type, documentation) }

  /// A section whose keys depend on its `kind`.
  public static func union<Union: ConfigUnion>(
    _ key: String, _ path: Property<Union>,
    _ documentation: String
  ) -> Self { Self(key, path, .union, documentation) }

  /// A section whose keys depend on its `kind`, or `null`.
  public static func union<Union: ConfigUnion>(
    _ key: String, _ path: Property<Union?>, _ documentation: String
  ) -> Self { Self(key, path, .optional(.union), documentation) }

  /// A path, relative to the experiment file, in which `${NAME}` takes an environment variable.
  public static func path(
    _ key: String, _ path: Property<ConfigPath>, _ documentation: String
  ) -> Self { Self(key, path, .path, documentation) }

  /// A path or `null`.
  public static func path(
    _ key: String, _ path: Property<ConfigPath?>,
    _ documentation: String
  ) -> Self { Self(key, path, .optional(.path), documentation) }

  /// A model folder, or `hf:ORG/NAME[@REV]`.
  public static func model(
    _ key: String, _ path: Property<ModelReference>,
    _ documentation: String
  ) -> Self { Self(key, path, .model, documentation) }
}
