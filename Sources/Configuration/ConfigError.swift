import Foundation

/// One thing wrong with a configuration.
public struct ConfigProblem: Sendable, Equatable, CustomStringConvertible {
  public let source: ConfigSource
  /// The dotted path of the key, such as `projectors.qformer.queries`; empty at the top.
  public let keyPath: String
  /// The rule, what came, and the likely fix.
  public let message: String

  public init(at source: ConfigSource, keyPath: String, _ message: String) {
    self.source = source
    self.keyPath = keyPath
    self.message = message
  }

  public var description: String {
    keyPath.isEmpty ? "\(source): \(message)" : "\(source): \(keyPath): \(message)"
  }
}

/// A configuration that can't be used, with everything found wrong in it.
public struct ConfigError: Error, Equatable, CustomStringConvertible, LocalizedError {
  /// In the order of the file; never empty.
  public let problems: [ConfigProblem]

  public init(_ problems: [ConfigProblem]) {
    precondition(!problems.isEmpty, "ConfigError needs at least one problem")
    self.problems = problems
  }

  public init(at source: ConfigSource, keyPath: String = "", _ message: String) {
    self.init([ConfigProblem(at: source, keyPath: keyPath, message)])
  }

  /// One problem a line.
  public var description: String { problems.map(\.description).joined(separator: "\n") }

  public var errorDescription: String? { description }
}

/// A value that a section finds wrong only by looking at several of its fields together.
public struct SectionProblem: Sendable {
  package let key: String
  package let message: String

  /// - Parameters:
  ///   - key: The field to blame; the error points at its line if the file has it.
  ///   - message: The rule and what came: `must divide width 768, got 7`.
  public init(_ key: String, _ message: String) {
    self.key = key
    self.message = message
  }
}
