/// One change to an experiment from the command line, in Hydra's notation.
///
/// - `training.seeds=[0,1]` sets a value; sections that the file leaves out are made.
/// - `+projectors.wide.kind=linear` adds a key that isn't there; `++` adds or sets.
/// - `~projectors.mlp` deletes a key or an element.
/// - `training.lanes=4,8` is a sweep: one experiment per value (``expand(_:parse:)``).
///
/// Lists are indexed from 0: `training.stages.0.epochs=3`. A value that starts with `[`, `{` or a
/// quotation mark is read as YAML, any other is taken as it stands.
public struct ConfigOverride: Sendable {
  package enum Action: Sendable {
    case set
    case add
    case setOrAdd
    case delete
  }

  /// As it was typed; for a sweep, with one of its values.
  public let text: String
  package let action: Action
  package var path: [String]
  /// Empty for a deletion.
  package let value: ConfigNode

  package var source: ConfigSource { .override(text) }

  /// Reads overrides and multiplies sweeps out; the last sweep varies fastest.
  ///
  /// - Parameters:
  ///   - texts: As typed, one override each.
  ///   - parse: Reads a YAML value; messages are to name the source it is given.
  /// - Returns: One list of overrides per experiment, with a label made of the swept values; a single
  ///   list with an empty label if nothing is swept.
  /// - Throws: ``ConfigError`` that names the override.
  package static func expand(
    _ texts: [String], parse: (String, ConfigSource) throws(ConfigError) -> ConfigNode
  ) throws(ConfigError) -> [(label: String, overrides: [ConfigOverride])] {
    var points: [(label: String, overrides: [ConfigOverride])] = [("", [])]
    for text in texts {
      let choices = try read(text, parse: parse)
      points = points.flatMap { point in
        choices.map { choice in
          let parts = choices.count > 1 ? [point.label, choice.text] : [point.label]
          return (
            parts.filter { !$0.isEmpty }.joined(separator: ","), point.overrides + [choice]
          )
        }
      }
    }
    return points
  }

  /// One override, or one per value of a sweep.
  private static func read(
    _ text: String, parse: (String, ConfigSource) throws(ConfigError) -> ConfigNode
  ) throws(ConfigError) -> [ConfigOverride] {
    let source = ConfigSource.override(text)
    let (action, body): (Action, Substring) =
      if text.hasPrefix("++") {
        (.setOrAdd, text.dropFirst(2))
      } else if text.hasPrefix("+") {
        (.add, text.dropFirst())
      } else if text.hasPrefix("~") {
        (.delete, text.dropFirst())
      } else {
        (.set, text[...])
      }
    let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard path.allSatisfy({ !$0.isEmpty && !$0.contains(where: \.isWhitespace) }) else {
      throw ConfigError(at: source, "must be KEY=VALUE with a dotted key, such as training.lanes=4")
    }
    if case .delete = action {
      guard parts.count == 1 else {
        throw ConfigError(at: source, "a deletion takes no value; write ~\(parts[0])")
      }
      return [ConfigOverride(text: text, action: action, path: path, value: .null)]
    }
    guard parts.count == 2 else {
      throw ConfigError(at: source, "must be KEY=VALUE; to delete the key write ~\(parts[0])")
    }
    var result: [ConfigOverride] = []
    let choices = topLevelParts(parts[1])
    for choice in choices {
      let own = choices.count == 1 ? text : text.dropLast(parts[1].count) + choice
      let ownSource = ConfigSource.override(own)
      let value: ConfigNode
      if choice.isEmpty {
        value = ConfigNode(.scalar("", isQuoted: true), source: ownSource)
      } else if let first = choice.first, "[{\"'".contains(first) {
        value = try parse(choice, ownSource)
      } else {
        value = ConfigNode(.scalar(choice, isQuoted: false), source: ownSource)
      }
      result.append(ConfigOverride(text: own, action: action, path: path, value: value))
    }
    return result
  }

  /// Cuts at the commas that stand outside brackets, braces and quotation marks.
  private static func topLevelParts(_ text: Substring) -> [String] {
    var parts = [""]
    var depth = 0
    var quote: Character?
    for character in text {
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "\"" || character == "'" {
        quote = character
      } else if "[{".contains(character) {
        depth += 1
      } else if "]}".contains(character) {
        depth -= 1
      }
      if character == ",", depth == 0, quote == nil {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    return parts
  }
}

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
    if action == .set, shape?.isMap == true {
      throw fail(
        rest,
        "has no '\(key)'; \(Suggestion.hint(for: key, among: present)) "
          + "(+\(path.joined(separator: "."))=… adds it)")
    }
    var value = ConfigNode(.scalar("", isQuoted: false), source: source)
    try apply(to: &value, rest.dropFirst(), shape?.child(key))
    entries.append(ConfigNode.Entry(key, value, keySource: source))
  }
}

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
  }
}
