import Foundation

/// A projector that cannot be built as asked.
public enum ProjectorError: Error, Equatable, LocalizedError, CustomStringConvertible {
  case headsDoNotDivide(projector: String, heads: Int, width: Int)

  public var description: String {
    switch self {
    case .headsDoNotDivide(let projector, let heads, let width):
      "heads: the \(projector) has \(heads) attention heads, which do not divide its width \(width). "
        + "Give heads that do, or none: \(defaultHeads(width: width)) are taken then."
    }
  }

  public var errorDescription: String? { description }
}

/// Width / 64, at least 1; the nearest lower number that divides the width.
func defaultHeads(width: Int) -> Int {
  var heads = max(1, width / 64)
  while width % heads != 0 { heads -= 1 }
  return heads
}

/// The heads asked for, checked, or the default.
func attentionHeads(
  _ heads: Int?, width: Int, of projector: String
) throws(ProjectorError) -> Int {
  guard let heads else { return defaultHeads(width: width) }
  guard heads > 0, width % heads == 0 else {
    throw .headsDoNotDivide(projector: projector, heads: heads, width: width)
  }
  return heads
}
