import Configuration
import Foundation
import Yams

/// Turns YAML text into the tree that sections decode from.
///
/// Yams only composes nodes; it never decides what a scalar means (it would read `no` as false).
package enum YAMLReader {
  /// - Parameters:
  ///   - text: One YAML document.
  ///   - source: What messages call the text's places; given line and column, counted from 1.
  /// - Returns: The root; an empty mapping for an empty text.
  /// - Throws: ``ConfigError`` for text that isn't YAML, several documents, a key that stands twice.
  package static func node(
    from text: String, source: (_ line: Int, _ column: Int) -> ConfigSource
  ) throws(ConfigError) -> ConfigNode {
    do {
      let root = try Parser(yaml: text, encoding: .utf8).singleRoot()
      var budget = 100_000
      guard let root else { return ConfigNode(.mapping([]), source: source(1, 1)) }
      return try convert(root, source, &budget)
    } catch let error as ConfigError {
      throw error
    } catch let error as YamlError {
      throw describe(error, source)
    } catch {
      throw ConfigError(at: source(1, 1), "not valid YAML: \(error)")
    }
  }

  /// The tree of a file's text; `name` is how messages call the file.
  package static func node(from text: String, file name: String) throws(ConfigError) -> ConfigNode {
    try node(from: text) { .file(name, line: $0, column: $1) }
  }

  private static func convert(
    _ node: Node, _ source: (Int, Int) -> ConfigSource, _ budget: inout Int
  ) throws(ConfigError) -> ConfigNode {
    let place = source(node.mark?.line ?? 1, node.mark?.column ?? 1)
    budget -= 1
    if budget < 0 {
      // Aliases of aliases can make a short text endlessly large.
      throw ConfigError(at: place, "more than 100,000 values; are there aliases of aliases?")
    }
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style != .plain && scalar.style != .any
      return ConfigNode(.scalar(scalar.string, isQuoted: isQuoted), source: place)
    case .sequence(let sequence):
      var values: [ConfigNode] = []
      for value in sequence { values.append(try convert(value, source, &budget)) }
      return ConfigNode(.sequence(values), source: place)
    case .mapping(let mapping):
      var entries: [ConfigNode.Entry] = []
      for (key, value) in mapping {
        let keyPlace = source(key.mark?.line ?? 1, key.mark?.column ?? 1)
        guard case .scalar(let name) = key else {
          throw ConfigError(at: keyPlace, "a key must be a plain text, not a list or mapping")
        }
        if entries.contains(where: { $0.key == name.string }) {
          throw ConfigError(at: keyPlace, "the key '\(name.string)' stands twice")
        }
        let entry = ConfigNode.Entry(
          name.string, try convert(value, source, &budget), keySource: keyPlace)
        entries.append(entry)
      }
      return ConfigNode(.mapping(entries), source: place)
    case .alias:
      throw ConfigError(at: place, "an alias without its anchor")
    }
  }

  private static func describe(
    _ error: YamlError, _ source: (Int, Int) -> ConfigSource
  ) -> ConfigError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
      ConfigError(at: source(mark.line, mark.column), "not valid YAML: \(problem)")
    case .composer(_, let problem, let mark, _):
      ConfigError(
        at: source(mark.line, mark.column),
        problem.contains("another document")
          ? "a second YAML document starts here; one file holds one experiment"
          : "not valid YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      ConfigError(
        at: source(context.mark.line, context.mark.column),
        "the key '\(keys.first ?? "")' stands twice")
    case .reader(let problem, _, _, _):
      ConfigError(at: source(1, 1), "not valid YAML: \(problem)")
    default:
      ConfigError(at: source(1, 1), "not valid YAML: \(error)")
    }
  }
}
