/// Where a value was written: what an error message points at.
public enum ConfigSource: Sendable, Hashable, CustomStringConvertible {
  /// A place in a file; line and column count from 1.
  case file(String, line: Int, column: Int)
  /// A `KEY=VALUE` of the command line, as it was typed.
  case override(String)
  /// Written nowhere: a default, or a value a program made.
  case builtIn

  public var description: String {
    switch self {
    case .file(let name, let line, let column): "\(name):\(line):\(column)"
    case .override(let text): "override '\(text)'"
    case .builtIn: "built-in value"
    }
  }
}

extension ConfigSource {
  /// Orders places of a file as they stand in it; what the command line says comes last.
  var position: (Int, Int) {
    if case .file(_, let line, let column) = self { (line, column) } else { (.max, 0) }
  }
}

/// A tree of mappings, sequences and scalars that remembers where each part was written.
///
/// Sections decode from it, so this module needs no YAML library. Scalars stay text: what `no` or
/// `1e-4` means is decided by the field that reads it.
public struct ConfigNode: Sendable {
  public enum Content: Sendable {
    /// `isQuoted` is true for `"…"`, `'…'` and block scalars, which are never numbers, booleans or null.
    case scalar(String, isQuoted: Bool)
    case sequence([ConfigNode])
    /// In the order written; keys are unique.
    case mapping([Entry])
  }

  /// One key of a mapping with its value.
  public struct Entry: Sendable {
    public var key: String
    public var keySource: ConfigSource
    public var value: ConfigNode

    public init(_ key: String, _ value: ConfigNode, keySource: ConfigSource? = nil) {
      self.key = key
      self.value = value
      self.keySource = keySource ?? value.source
    }
  }

  public var content: Content
  public var source: ConfigSource

  public init(_ content: Content, source: ConfigSource = .builtIn) {
    self.content = content
    self.source = source
  }

  package static func plain(_ text: String) -> Self { Self(.scalar(text, isQuoted: false)) }

  package static func text(_ text: String) -> Self { Self(.scalar(text, isQuoted: true)) }

  package static let null = Self.plain("null")

  /// True for a plain `null`, `~` or nothing at all.
  package var isNull: Bool {
    guard case .scalar(let text, isQuoted: false) = content else { return false }
    return text.isEmpty || text == "~" || text.lowercased() == "null"
  }

  /// The value of a mapping's key; `nil` if there is none or this is no mapping.
  package subscript(key: String) -> ConfigNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// What an error says came: `"abc"`, `a list`, `a mapping`, `nothing`.
  package var shortDescription: String {
    switch content {
    case .scalar where isNull: "nothing"
    case .scalar(let text, let isQuoted): isQuoted ? "\"\(text)\"" : text
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

extension ConfigNode: Equatable {
  /// Equal contents, wherever they were written.
  public static func == (left: Self, right: Self) -> Bool {
    switch (left.content, right.content) {
    case (.scalar(let a, let isAQuoted), .scalar(let b, let isBQuoted)):
      a == b && isAQuoted == isBQuoted
    case (.sequence(let a), .sequence(let b)): a == b
    case (.mapping(let a), .mapping(let b)):
      a.elementsEqual(b) { $0.key == $1.key && $0.value == $1.value }
    default: false
    }
  }
}
