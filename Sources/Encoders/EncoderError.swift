import Foundation

/// What is wrong with an encoder's `config.json`.
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

  init(file: String, decoding error: DecodingError) {
    let (path, rule, found): ([any CodingKey], String, String) =
      switch error {
      case .keyNotFound(let key, let context): (context.codingPath + [key], "is needed", "absent")
      case .typeMismatch(let type, let context):
        (context.codingPath, "must be a \(type)", "of another type")
      case .valueNotFound(let type, let context): (context.codingPath, "must be a \(type)", "null")
      case .dataCorrupted(let context): (context.codingPath, "must be valid JSON", "damaged")
      @unknown default: ([], "must be valid JSON", "damaged")
      }
    self.init(
      file: file, key: path.map(\.stringValue).joined(separator: "."), rule: rule, found: found)
  }

  public var description: String {
    "\(file ?? "The encoder's config"): \(key.isEmpty ? "the file" : key) \(rule); it is \(found)."
  }
  public var errorDescription: String? { description }
}
