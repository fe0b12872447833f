import Foundation

/// What is wrong with an encoder's settings; what is wrong in its files is a `ModelFileError`.
public struct EncoderError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public let key: String
  public let rule: String
  public let found: String

  public init(key: String, rule: String, found: String) {
    self.key = key
    self.rule = rule
    self.found = found
  }

  public var description: String {
    "The encoder's config: \(key) \(rule); it is \(found)."
  }
  public var errorDescription: String? { description }
}
