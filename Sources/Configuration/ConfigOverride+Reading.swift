extension ConfigOverride {
  /// Reads overrides and multiplies sweeps out; the last sweep varies fastest.
  ///
  /// - Parameters:
  ///   - texts: As typed, one override each.
  ///   - parse: Reads a YAML value; messages are to name the source it is given.
  /// - Returns: One point per combination of swept values; a single one if nothing is swept.
  /// - Throws: ``ConfigError`` that names the override.
  package static func expand(
    _ texts: [String], parse: (String, ConfigSource) throws(ConfigError) -> ConfigNode
  ) throws(ConfigError) -> [ConfigPoint] {
    var points = [ConfigPoint()]
    var sweeps: [[String]] = []
    for text in texts {
      let choices = try read(text, parse: parse)
      if choices.count > 1 {
        guard !sweeps.contains(choices[0].path) else {
          throw ConfigError(at: .override(text), "the key is swept twice; give all values once")
        }
        sweeps.append(choices[0].path)
      }
      points = points.flatMap { point in
        choices.map { ConfigPoint(overrides: point.overrides + [$0]) }
      }
    }
    return points
  }

  /// One override, or one per value of a sweep.
  private static func read(
    _ text: String, parse: (String, ConfigSource) throws(ConfigError) -> ConfigNode
  ) throws(ConfigError) -> [ConfigOverride] {
    let source = ConfigSource.override(text)
    let (action, body) = action(of: text)
    let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard path.allSatisfy({ !$0.isEmpty && !$0.contains(where: \.isWhitespace) }) else {
      throw ConfigError(at: source, "must be KEY=VALUE with a dotted key, such as training.lanes=4")
    }
    if case .delete = action {
      guard parts.count == 1 else {
        throw ConfigError(at: source, "a deletion takes no value; write ~\(parts[0])")
      }
      return [ConfigOverride(text: text, action: action, path: path, value: .null, sweep: nil)]
    }
    guard parts.count == 2 else {
      throw ConfigError(at: source, "must be KEY=VALUE; to delete the key write ~\(parts[0])")
    }
    let key = String(text.dropLast(parts[1].count + 1))
    let choices = topLevelParts(parts[1])
    guard choices.count > 1 else {
      let value = try value(String(parts[1]), source, parse)
      return [ConfigOverride(text: text, action: action, path: path, value: value, sweep: nil)]
    }
    var result: [ConfigOverride] = []
    for choice in choices {
      guard !choice.isEmpty else {
        throw ConfigError(
          at: source,
          "a value of the sweep is empty; write '' for an empty text, or quote a text "
            + "that holds a comma: \(key)='\(parts[1])'")
      }
      guard !result.contains(where: { $0.sweep?.value == choice }) else {
        throw ConfigError(at: source, "stands twice in the sweep: \(choice)")
      }
      let own = "\(key)=\(choice)"
      result.append(
        ConfigOverride(
          text: own, action: action, path: path, value: try value(choice, .override(own), parse),
          sweep: Sweep(
            value: choice, key: key, values: String(parts[1]), count: choices.count)))
    }
    return result
  }

  private static func action(of text: String) -> (Action, Substring) {
    if text.hasPrefix("++") { return (.setOrAdd, text.dropFirst(2)) }
    if text.hasPrefix("+") { return (.add, text.dropFirst()) }
    if text.hasPrefix("~") { return (.delete, text.dropFirst()) }
    return (.set, text[...])
  }

  private static func value(
    _ text: String, _ source: ConfigSource,
    _ parse: (String, ConfigSource) throws(ConfigError) -> ConfigNode
  ) throws(ConfigError) -> ConfigNode {
    if text.isEmpty { return ConfigNode(.scalar("", isQuoted: true), source: source) }
    if let first = text.first, "[{\"'".contains(first) { return try parse(text, source) }
    return ConfigNode(.scalar(text, isQuoted: false), source: source)
  }

  /// Cuts at the commas that stand outside brackets, braces and quotation marks; spaces around the
  /// parts of a cut text go.
  ///
  /// A quotation mark opens at the start of a part or inside brackets, so that an apostrophe is none.
  private static func topLevelParts(_ text: Substring) -> [String] {
    var parts: [Substring] = []
    var start = text.startIndex
    var depth = 0
    var quote: Character?
    for index in text.indices {
      let character = text[index]
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "\"" || character == "'" {
        if depth > 0 || text[start..<index].allSatisfy(\.isWhitespace) { quote = character }
      } else if "[{".contains(character) {
        depth += 1
      } else if "]}".contains(character) {
        depth -= 1
      } else if character == ",", depth == 0 {
        parts.append(text[start..<index])
        start = text.index(after: index)
      }
    }
    parts.append(text[start...])
    return parts.map { part in
      String(part.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
  }
}

extension ConfigOverride {
  /// What to say of a sweep over texts, which may have been meant as one text with commas; `nil` for
  /// any other change.
  package func adviceOnTextSweep(in shape: SectionShape) -> String? {
    guard let sweep, ValueShape.section(shape).value(at: path[...])?.isText == true else {
      return nil
    }
    return
      "\(sweep.key)=\(sweep.values) sweeps over \(sweep.count) texts; for one text with a comma "
      + "write \(sweep.key)='\(sweep.values)'"
  }
}
