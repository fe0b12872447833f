import Foundation

/// What is wrong with an encoder's `config.json` or settings.
public struct EncoderError: Error, Equatable, LocalizedError, CustomStringConvertible {
  /// Path of the file, when it came from one.
  public let file: String?
  public let key: String
  public let rule: String
  public let found: String

  public init(file: String? = nil, key: String, rule: String, found: String) {
    self.file = file
    self.key = key
    self.rule = rule
    self.found = found
  }

  public var description: String {
    "\(file ?? "The encoder's config"): \(key.isEmpty ? "the file" : key) \(rule); it is \(found)."
  }
  public var errorDescription: String? { description }
}
