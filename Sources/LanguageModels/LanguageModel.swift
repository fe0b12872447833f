import Layers
import Tensors

/// A causal language model that reads embeddings instead of token ids, so that visual tokens can stand
/// among them.
///
/// Shapes: R packed rows of width H, vocabulary V.
public protocol LanguageModel: Module {
  /// H.
  var width: Int { get }
  /// V.
  var vocabularySize: Int { get }
  /// The largest number of rows a sequence may have.
  var maximumPositions: Int { get }
  /// `[V, H]`; logits are hidden · headᵀ, plus the bias if there is one.
  var headWeight: Parameter { get }
  /// `[V]`.
  var headBias: Parameter? { get }
  /// `[V, H]`; the head itself when the embeddings are tied.
  var embeddingTable: Parameter { get }
  /// Width of a row of keys, and of one of values, of each layer.
  var cacheWidths: [Int] { get }

  /// Rows of the embedding table: `[ids, H]`.
  func embed(_ ids: [Int32], in context: Context) -> Tensor

  /// The hidden states after the final norm: `[R, H]` → `[output rows, H]`.
  ///
  /// - Parameters:
  ///   - positions: of each row within its sequence, from 0.
  ///   - layout: which rows each row attends to; rows of the cache when there is one.
  ///   - outputRows: rows to compute in the last layer, ascending; all when nil. The last layer's queries,
  ///     output projection and FFN run for these only.
  ///   - cache: takes the rows' keys and values, and is what they attend to.
  func hidden(
    _ embeddings: Tensor, positions: [Int32], layout: AttentionLayout, outputRows: [Int32]?,
    cache: KeyValueCache?, in context: Context
  ) -> Tensor

  /// A model with weights of its own, equal to this one's.
  ///
  /// - Parameter prefix: put before the weights' names.
  func copied(prefix: String) throws -> Self

  /// Multiplications and additions of a forward pass, attention and head included.
  func forwardFLOPs(_ work: DecoderWork) -> Double
}

/// What a forward pass computes, as far as its cost depends on it.
public struct DecoderWork: Sendable, Hashable {
  /// Rows of all layers but the last.
  public var rows: Int
  /// Rows of the last layer.
  public var outputRows: Int
  /// Rows that logits are computed for.
  public var logitRows: Int
  /// Pairs of a query and a key it sees, in all layers but the last.
  public var pairs: Int
  /// The same in the last layer.
  public var outputPairs: Int

  public init(layout: AttentionLayout, outputRows: [Int32]?, logitRows: Int) {
    rows = layout.blocks.reduce(0) { $0 + $1.queries.count }
    pairs = layout.visiblePairs
    self.logitRows = logitRows
    self.outputRows = outputRows?.count ?? rows
    outputPairs = outputRows.map { layout.restricted(to: $0).visiblePairs } ?? pairs
  }
}

extension LanguageModel {
  public var headBias: Parameter? { nil }

  /// How large text is: the root mean square of the embedding table.
  public var textScale: Float { Float(embeddingTable.rootMeanSquare) }

  public func hidden(
    _ embeddings: Tensor, positions: [Int32], layout: AttentionLayout,
    outputRows: [Int32]? = nil, in context: Context
  ) -> Tensor {
    hidden(
      embeddings, positions: positions, layout: layout, outputRows: outputRows, cache: nil,
      in: context)
  }

  /// `[R, H]` → `[R, V]`.
  public func logits(_ hidden: Tensor, in context: Context) -> Tensor {
    context.tape.linear(hidden, headWeight, bias: headBias)
  }
}

extension AttentionLayout {
  /// Pairs of a query and a key it sees.
  var visiblePairs: Int {
    blocks.reduce(0) { sum, block in
      let own = block.queries.indices.reduce(0) { sum, query in
        guard let visible = block.visible else { return sum + block.own.count }
        return sum + min(block.own.count, visible + query - block.queries.lowerBound)
      }
      return sum + own + block.queries.count * block.shared.count
    }
  }
}
