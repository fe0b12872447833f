import Foundation

/// Why a language model could not be read from a folder.
public struct LanguageModelError: Error, Equatable, LocalizedError, CustomStringConvertible {
  /// The file at fault.
  public let path: String
  /// The key at fault in it; nil when the whole file is.
  public let key: String?
  /// The rule and what came instead.
  public let rule: String

  public init(path: String, key: String?, rule: String) {
    self.path = path
    self.key = key
    self.rule = rule
  }

  public var description: String {
    if let key { "\(path): \(key) \(rule)." } else { "\(path): \(rule)." }
  }

  public var errorDescription: String? { description }
}
