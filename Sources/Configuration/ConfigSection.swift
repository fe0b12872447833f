/// A group of settings: one mapping of the experiment file.
///
/// The table of fields serves decoding, defaults, suggestions, the resolved file, the JSON schema and
/// the reference alike, so a key can't be known to one of them and not to the others. Defaults are
/// the values of `init()`.
public protocol ConfigSection: Sendable, Equatable {
  init()

  /// Every key that may stand here, in the order they are written out.
  static var fields: [Field<Self>] { get }

  /// Groups of keys of which a file may give one at most.
  static var alternatives: [[String]] { get }

  /// What is wrong with the values taken together; asked for only when each is right by itself.
  var problems: [SectionProblem] { get }
}

extension ConfigSection {
  public static var alternatives: [[String]] { [] }

  public var problems: [SectionProblem] { [] }

  /// Reads a section from a mapping.
  ///
  /// - Parameters:
  ///   - node: The mapping.
  ///   - folder: What relative paths are relative to.
  ///   - environment: The variables that `${NAME}` in a path takes.
  /// - Returns: The section, with defaults for the keys that aren't given.
  /// - Throws: ``ConfigError`` with every problem found.
  public static func decode(
    _ node: ConfigNode, folder: String, environment: [String: String]
  ) throws(ConfigError) -> Self {
    var decoding = ConfigDecoding(folder: folder, environment: environment)
    let section = ValueType<Self>.section.decode(node, &decoding)
    guard let section, decoding.problems.isEmpty else {
      throw ConfigError(decoding.problems.sorted { $0.source.position < $1.source.position })
    }
    return section
  }

  /// The section with every key written out, defaults too.
  public var resolved: ConfigNode { ValueType<Self>.section.encode(self) }
}

/// The state of one decoding: where it stands, and what it found wrong.
public struct ConfigDecoding {
  package let folder: String
  package let environment: [String: String]
  package private(set) var keyPath: [String] = []
  package private(set) var problems: [ConfigProblem] = []

  package init(folder: String, environment: [String: String]) {
    self.folder = folder
    self.environment = environment
  }

  package mutating func report(_ message: String, at source: ConfigSource, key: String? = nil) {
    let path = (keyPath + (key.map { [$0] } ?? [])).joined(separator: ".")
    problems.append(ConfigProblem(at: source, keyPath: path, message))
  }

  /// Runs `body` one key deeper.
  package mutating func inside<Result>(
    _ key: String, _ body: (inout ConfigDecoding) -> Result
  ) -> Result {
    keyPath.append(key)
    defer { keyPath.removeLast() }
    return body(&self)
  }
}

/// A mapping that is being read, and the keys that have been asked for.
package struct MappingReader {
  package let source: ConfigSource
  private let entries: [ConfigNode.Entry]
  private(set) var known: [String] = []
  /// Keys of the user's choice, which no suggestion names.
  private var taken: [String] = []

  /// `nil` after reporting that `node` is no mapping.
  package init?(_ node: ConfigNode, _ decoding: inout ConfigDecoding) {
    source = node.source
    if node.isNull {
      entries = []
    } else if case .mapping(let entries) = node.content {
      self.entries = entries
    } else {
      decoding.report(
        "must be a mapping (KEY: VALUE), got \(node.shortDescription)", at: node.source)
      return nil
    }
  }

  package mutating func take(_ key: String) -> ConfigNode.Entry? {
    known.append(key)
    return entries.first { $0.key == key }
  }

  /// The entries that nothing has asked for and whose keys `accepts` takes.
  mutating func takeOthers(where accepts: (String) -> Bool) -> [ConfigNode.Entry] {
    let others = entries.filter { !known.contains($0.key) && accepts($0.key) }
    taken = others.map(\.key)
    return others
  }

  /// The place of a key's value, or of the mapping where the key isn't written.
  func source(of key: String) -> ConfigSource {
    entries.first { $0.key == key }?.keySource ?? source
  }

  func given(_ keys: [String]) -> [ConfigNode.Entry] {
    entries.filter { keys.contains($0.key) && !$0.value.isNull }
  }

  func reportUnknownKeys(_ decoding: inout ConfigDecoding) {
    for entry in entries where !(known + taken).contains(entry.key) {
      let hint = Suggestion.hint(for: entry.key, among: known)
      decoding.report("unknown key; \(hint)", at: entry.keySource, key: entry.key)
    }
  }
}

extension ConfigSection {
  /// Sets the fields that a mapping gives; the others keep their values.
  mutating func read(_ mapping: inout MappingReader, _ decoding: inout ConfigDecoding) {
    let problemsBefore = decoding.problems.count
    // Open keys are those that no other field asks for.
    for field in Self.fields where !field.isOpen { field.read(&mapping, &self, &decoding) }
    for field in Self.fields where field.isOpen { field.read(&mapping, &self, &decoding) }
    for keys in Self.alternatives {
      let given = mapping.given(keys)
      guard given.count > 1 else { continue }
      decoding.report(
        "give one of \(given.map(\.key).joined(separator: ", ")), not several",
        at: given[1].keySource)
    }
    guard decoding.problems.count == problemsBefore else { return }
    for problem in problems {
      decoding.report(problem.message, at: mapping.source(of: problem.key), key: problem.key)
    }
  }
}

extension ValueType where Value: ConfigSection {
  /// A section as the value of a key.
  public static var section: Self {
    Self(
      shape: { .section(Value.shape) },
      decode: { node, decoding in
        guard var mapping = MappingReader(node, &decoding) else { return nil }
        let problemsBefore = decoding.problems.count
        var section = Value()
        section.read(&mapping, &decoding)
        mapping.reportUnknownKeys(&decoding)
        return decoding.problems.count == problemsBefore ? section : nil
      },
      encode: { section in
        ConfigNode(.mapping(Value.fields.flatMap { $0.entries(of: section) }))
      })
  }
}
