/// Attention probabilities, and after the backward pass their gradients, kept for figures.
///
/// An attention that runs twice under one name leaves its last run.
public final class Captures {
  /// One sequence's attention: `[heads, queries, keys]`, keys in the order shared, own.
  public struct Block: Sendable {
    public let heads: Int
    public let queries: Int
    public let keys: Int
    public internal(set) var probabilities: [Float]
    /// d loss / d probabilities; empty before the backward pass.
    public internal(set) var gradients: [Float] = []
  }

  /// By module name, one block a sequence.
  public internal(set) var attention: [String: [Block]] = [:]

  public init() {}

  func prepare(_ name: String, heads: Int, layout: AttentionLayout) {
    attention[name] = layout.blocks.map { block in
      let keys = block.shared.count + block.own.count
      return Block(
        heads: heads, queries: block.queries.count, keys: keys,
        probabilities: [Float](repeating: 0, count: heads * block.queries.count * keys))
    }
  }

  func prepareGradients(_ name: String) {
    for index in attention[name, default: []].indices {
      let count = attention[name]?[index].probabilities.count ?? 0
      attention[name]?[index].gradients = [Float](repeating: 0, count: count)
    }
  }
}

extension Captures.Block {
  /// The mean of the heads' probabilities, `[queries, keys]`.
  public var meanProbabilities: [Float] { meanOverHeads { probabilities[$0] } }

  /// The mean over heads of ReLU(p · dp), `[queries, keys]`: where attention helped the loss's
  /// gradient (Chefer et al. 2021, arXiv:2103.15679, equation 5). Empty before the backward pass.
  public var gradientWeighted: [Float] {
    gradients.isEmpty ? [] : meanOverHeads { max(0, probabilities[$0] * gradients[$0]) }
  }

  private func meanOverHeads(_ value: (Int) -> Float) -> [Float] {
    let size = queries * keys
    return (0..<size).map { position in
      var sum: Float = 0
      for head in 0..<heads { sum += value(head * size + position) }
      return sum / Float(heads)
    }
  }
}
