/// Walks along the dotted keys of overrides.
extension ValueShape {
  var isList: Bool {
    switch self {
    case .list: true
    case .optional(let shape): shape.isList
    default: false
    }
  }

  var isMap: Bool {
    switch self {
    case .map: true
    case .optional(let shape): shape.isMap
    default: false
    }
  }

  var isText: Bool {
    switch self {
    case .scalar(let name, _, _): name == ValueType<String>.textName
    case .optional(let shape): shape.isText
    default: false
    }
  }

  /// What stands under a key with dots of its own; `nil` for a key that the table of fields names.
  func openValue(_ key: String) -> ValueShape? {
    switch self {
    case .optional(let shape): shape.openValue(key)
    case .section(let section), .partial(let section):
      section.fields.contains { $0.key == key } ? nil : section.open?.value
    default: nil
    }
  }

  /// What may stand at the end of a path; `nil` if it is unknown.
  func value(at path: ArraySlice<String>) -> ValueShape? {
    guard let key = path.first else { return self }
    if let open = openValue(key) { return open }
    return child(key)?.value(at: path.dropFirst())
  }

  /// What may stand under a key; `nil` if it is unknown.
  func child(_ key: String) -> ValueShape? {
    switch self {
    case .scalar: nil
    case .optional(let shape): shape.child(key)
    case .list(let element, _): element
    case .map(let section): .section(section)
    case .section(let section), .partial(let section): section.child(key)
    case .union(let union): union.cases.lazy.compactMap { $0.section.child(key) }.first
    }
  }
}

extension SectionShape {
  func child(_ key: String) -> ValueShape? {
    fields.first { $0.key == key }?.value
      ?? kinds.lazy.compactMap { $0.section.child(key) }.first
      ?? open?.value
  }
}
