import Foundation

/// What is wrong with a data set, where it stands, and what to do about it.
public struct DatasetError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public let file: String
  /// Counted from 1; `nil` where the whole file or folder is meant.
  public let line: Int?
  /// The rule and what came instead.
  public let problem: String
  /// What to do.
  public let fix: String

  public init(file: String, line: Int? = nil, problem: String, fix: String) {
    self.file = file
    self.line = line
    self.problem = problem
    self.fix = fix
  }

  public var description: String {
    let place = line.map { "\(file):\($0)" } ?? file
    return "\(place): \(problem). \(fix)."
  }

  public var errorDescription: String? { description }

  /// What a decoder found wrong, and at which key.
  static func reason(of error: any Error) -> String {
    switch error as? DecodingError {
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .keyNotFound(_, let context), .dataCorrupted(let context):
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    default: return error.localizedDescription
    }
  }
}
