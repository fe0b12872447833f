import Foundation
import Tensors

/// A projector that cannot be built as asked.
public enum ProjectorError: Error, Equatable, LocalizedError, CustomStringConvertible {
  case headsDoNotDivide(projector: String, heads: Int, width: Int)
  /// `key` needs patches that lie in a grid.
  case noGrid(projector: String, key: String, tokens: Int)
  case blockDoesNotDivide(projector: String, block: GridSize, grid: GridSize)
  case poolWithoutFactor(projector: String)
  /// `nearest` can be had.
  case tokensNotReached(projector: String, tokens: Int, grid: GridSize, nearest: [Int])
  /// None of the kind's settings changes the number of visual tokens.
  case tokensFixed(projector: String, tokens: Int, found: Int, grid: GridSize)
  /// What came closest; `setting` made it, or nothing of the kind can be chosen.
  case parametersNotReached(
    projector: String, parameters: Int, closest: Int, setting: String?)
  /// A preset and the kind's own key say different things.
  case twoSizes(projector: String, key: String, preset: String)
  /// A norm of patches that nothing reads.
  case normOfNothing(projector: String)

  public var description: String {
    switch self {
    case .headsDoNotDivide(let projector, let heads, let width):
      "heads: the \(projector) has \(heads) attention heads, which do not divide its width \(width). "
        + "Give heads that do, or none: \(defaultHeads(width: width)) are taken then."
    case .noGrid(let projector, let key, let tokens):
      "\(key): the \(projector) needs patches in a grid, and these features are \(tokens) tokens in a "
        + "row. Write the attribute grid = [rows, columns] or [rows, columns, leading tokens] into the "
        + "features' file, or take a projector that needs none."
    case .blockDoesNotDivide(let projector, let block, let grid):
      "pool.factor: the \(projector) pools blocks of \(block), which do not divide the grid of "
        + "\(grid) patches. Take rows of \(grid.rows.divisors) and columns of "
        + "\(grid.columns.divisors), or images of another size."
    case .poolWithoutFactor(let projector):
      "pool.factor: the \(projector) does not say how large a block of patches is. Give factor: N, "
        + "factor: [rows, columns], or the number of visual tokens as tokens: N."
    case .tokensNotReached(let projector, let tokens, let grid, let nearest):
      "tokens: the \(projector) cannot make \(tokens) of a grid of \(grid) patches. The nearest it can "
        + "is \(nearest.alternatives)."
    case .tokensFixed(let projector, let tokens, let found, let grid):
      "tokens: \(tokens) are asked for, and this \(projector) makes \(found) of a grid of \(grid) "
        + "patches. Give it pool: {kind: average} or {kind: unshuffle}, which take the block that fits, or "
        + "take a kind with queries."
    case .parametersNotReached(let projector, let parameters, let closest, let setting):
      "parameters: the \(projector) cannot have \(parameters) within 2 %. "
        + (setting.map {
          "Closest comes \($0) with \(closest); ask for that or change another setting."
        }
          ?? "Its settings give \(closest): leave its width or depth out, so that it can be chosen.")
    case .twoSizes(let projector, let key, let preset):
      "\(preset): the \(projector) has its own \(key), which says another number. Give one of them."
    case .normOfNothing(let projector):
      "input_norm: a \(projector) reads no patches. Leave input_norm out."
    }
  }

  public var errorDescription: String? { description }
}

extension Int {
  /// "1, 2, 7 or 14", for messages.
  fileprivate var divisors: String {
    (1...Swift.max(1, self)).filter { isMultiple(of: $0) }.alternatives
  }
}

extension [Int] {
  /// "1, 2 or 7".
  fileprivate var alternatives: String {
    let texts = map(String.init)
    guard let last = texts.last, texts.count > 1 else { return texts.joined() }
    return texts.dropLast().joined(separator: ", ") + " or " + last
  }

  /// The nearest below and the nearest above.
  func neighbours(of number: Int) -> [Int] {
    [filter { $0 < number }.max(), filter { $0 > number }.min()].compactMap { $0 }
  }
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
