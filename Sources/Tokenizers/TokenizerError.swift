import Foundation

/// Why a tokenizer could not be read, or a chat could not be rendered.
public enum TokenizerError: Error, Equatable, LocalizedError, CustomStringConvertible {
  /// A file is absent or cannot be read.
  case unreadable(file: String, reason: String)
  /// A file breaks the rule of its format; `line` counts from 1, 0 when no line can be named.
  case malformed(file: String, line: Int, rule: String)
  /// A file is sound but asks for something this program does not do.
  case unsupported(file: String, key: String, found: String, supported: String)
  /// A chat template uses something that is not understood, or refuses these messages.
  case template(file: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      return "\(file): cannot be read: \(reason)"
    case .malformed(let file, let line, let rule):
      return line > 0 ? "\(file):\(line): \(rule)" : "\(file): \(rule)"
    case .unsupported(let file, let key, let found, let supported):
      return "\(file): \(key) is \(found), which is not supported; supported: \(supported)"
    case .template(let file, let reason):
      return "\(file): chat template: \(reason)"
    }
  }

  public var errorDescription: String? { description }
}
