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

extension LanguageModelError {
  /// The error of a JSON decoder in our words.
  init(path: String, _ error: any Error) {
    func keyPath(_ path: [any CodingKey]) -> String {
      path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      self.init(path: path, key: keyPath(context.codingPath + [key]), rule: "is missing")
    case DecodingError.typeMismatch(let type, let context):
      self.init(path: path, key: keyPath(context.codingPath), rule: "must be of type \(type)")
    case DecodingError.valueNotFound(let type, let context):
      self.init(
        path: path, key: keyPath(context.codingPath), rule: "must be of type \(type), got null")
    default:
      self.init(path: path, key: nil, rule: "is not a JSON object: \(error.localizedDescription)")
    }
  }
}
