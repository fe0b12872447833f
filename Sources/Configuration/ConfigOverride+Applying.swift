extension ConfigOverride {
  /// Changes a tree before it is decoded.
  ///
  /// - Parameters:
  ///   - root: The experiment's mapping.
  ///   - shape: What may stand in it; it tells sections, which are made when needed, from names of
  ///     the user's choice, which only `+` makes.
  /// - Throws: ``ConfigError`` that names the override.
  package func apply(to root: inout ConfigNode, shape: SectionShape) throws(ConfigError) {
    try apply(to: &root, path[...], .section(shape))
  }

  private func fail(_ place: ArraySlice<String>, _ message: String) -> ConfigError {
    let walked = path[..<place.startIndex].joined(separator: ".")
    return ConfigError(at: source, keyPath: walked, message)
  }

  private func apply(
    to node: inout ConfigNode, _ rest: ArraySlice<String>, _ shape: ValueShape?
  ) throws(ConfigError) {
    guard let key = rest.first else {
      if let sweep, shape?.isList == true, case .scalar = value.content, !value.isNull {
        throw ConfigError(
          at: .override("\(sweep.key)=\(sweep.values)"), keyPath: path.joined(separator: "."),
          "must be a list, and \(sweep.values) sweeps over \(sweep.count) single values; "
            + "write [\(sweep.values)]")
      }
      node = value
      return
    }
    if node.isNull {
      node = ConfigNode(shape?.isList == true ? .sequence([]) : .mapping([]), source: source)
    }
    switch node.content {
    case .scalar:
      throw fail(rest, "holds \(node.shortDescription), so it has no key '\(key)'")
    case .sequence(var values):
      try change(&values, key, rest, shape)
      node.content = .sequence(values)
    case .mapping(var entries):
      try change(&entries, key, rest, shape)
      node.content = .mapping(entries)
    }
  }

  private func change(
    _ values: inout [ConfigNode], _ key: String, _ rest: ArraySlice<String>, _ shape: ValueShape?
  ) throws(ConfigError) {
    if key == "*" {
      try changeEach(&values, rest, shape)
      return
    }
    let isLast = rest.count == 1
    let mayAppend = action != .delete && (action != .set || values.isEmpty)
    guard let index = Int(key), index >= 0,
      index < values.count || (mayAppend && index == values.count)
    else {
      let range = values.isEmpty ? "it is empty" : "it has elements 0 to \(values.count - 1)"
      throw fail(rest, "has no element '\(key)'; \(range)")
    }
    if index == values.count {
      values.append(ConfigNode(.scalar("", isQuoted: false), source: source))
    }
    if isLast, action == .delete {
      values.remove(at: index)
    } else {
      try apply(to: &values[index], rest.dropFirst(), shape?.child(key))
    }
  }

  private func change(
    _ entries: inout [ConfigNode.Entry], _ key: String, _ rest: ArraySlice<String>,
    _ shape: ValueShape?
  ) throws(ConfigError) {
    if key == "*" {
      try changeEach(&entries, rest, shape)
      return
    }
    // A key with dots of its own takes the whole rest of the path.
    let isOpen = shape?.openValue(key) != nil
    let key = isOpen ? rest.joined(separator: ".") : key
    let rest = isOpen ? rest.suffix(1) : rest
    let isLast = rest.count == 1
    if let index = entries.firstIndex(where: { $0.key == key }) {
      if isLast, action == .delete {
        entries.remove(at: index)
        return
      }
      if isLast, action == .add {
        throw fail(rest.dropFirst(), "is there already; leave out the '+' to change it")
      }
      try apply(to: &entries[index].value, rest.dropFirst(), shape?.child(key))
      return
    }
    let present = entries.map(\.key)
    if action == .delete {
      throw fail(rest, "has no '\(key)' to delete; \(Suggestion.hint(for: key, among: present))")
    }
    if action == .set, isOpen || shape?.isMap == true {
      throw fail(
        rest,
        "has no '\(key)'; \(Suggestion.hint(for: key, among: present)) "
          + "(+\(path.joined(separator: "."))=… adds it)")
    }
    var value = ConfigNode(.scalar("", isQuoted: false), source: source)
    try apply(to: &value, rest.dropFirst(), shape?.child(key))
    entries.append(ConfigNode.Entry(key, value, keySource: source))
  }

  /// `*` in a list: every element.
  private func changeEach(
    _ values: inout [ConfigNode], _ rest: ArraySlice<String>, _ shape: ValueShape?
  ) throws(ConfigError) {
    guard !values.isEmpty else { throw fail(rest, "is empty, so '*' stands for no element") }
    if rest.count == 1, action == .delete {
      values = []
      return
    }
    for index in values.indices {
      try apply(to: &values[index], rest.dropFirst(), shape?.child(String(index)))
    }
  }

  /// `*` in a map: every name. A deletion below it may miss in some of them, but not in all.
  private func changeEach(
    _ entries: inout [ConfigNode.Entry], _ rest: ArraySlice<String>, _ shape: ValueShape?
  ) throws(ConfigError) {
    guard shape?.isMap == true else {
      throw fail(
        rest, "'*' stands for names of your choice or elements of a list, and here are none")
    }
    guard !entries.isEmpty else { throw fail(rest, "is empty, so '*' stands for no name") }
    if rest.count == 1, action == .delete {
      entries = []
      return
    }
    var misses: [ConfigError] = []
    for index in entries.indices {
      do throws(ConfigError) {
        try apply(to: &entries[index].value, rest.dropFirst(), shape?.child(entries[index].key))
      } catch {
        guard action == .delete else { throw error }
        misses.append(error)
      }
    }
    if misses.count == entries.count { throw misses[0] }
  }
}
