import Layers
import Tensors

/// Learned queries that look at the patches once.
///
/// Shapes: B images of P patches, `[B·P, D]` → `[B·K, H]`, for K queries of width W:
///
///     q ← q + attention(norm(q), norm(patches))
///     q ← q + FFN(norm(q))
///     output · q
///
/// Source: system S1's projector of 32 queries, a single layer of Flamingo's resampler (Alayrac et al.
/// 2022, arXiv:2204.14198, §3.1.1). Departures from Flamingo: keys are the patches alone, without the
/// queries; one layer; no norm before the last map, which is ours; all projections have biases.
/// Departures from S1, which names no more than the queries: FFN, norms and widths are ours.
public struct CrossAttentionProjector: Projector {
  /// Shape `[1, K, W]`.
  public let queries: Parameter
  public let queryNorm: LayerNorm
  public let patchNorm: LayerNorm
  public let attention: Attention
  public let ffnNorm: LayerNorm
  public let ffn: FeedForward
  public let output: Linear

  public var parameters: [Parameter] {
    [queries] + queryNorm.parameters + patchNorm.parameters + attention.parameters
      + ffnNorm.parameters + ffn.parameters + output.parameters
  }

  /// - Parameters:
  ///   - patchWidth: D.
  ///   - languageWidth: H.
  ///   - queries: K.
  ///   - width: W; D when nil.
  ///   - heads: W / 64 when nil, at least 1 and dividing W.
  /// - Throws: ``ProjectorError`` if the heads do not divide the width; what the scope's reader
  ///   throws.
  public init(
    patchWidth: Int, languageWidth: Int, queries: Int = 32, width: Int? = nil, heads: Int? = nil,
    ffnMultiplier: Int = 4, in scope: ParameterScope
  ) throws {
    let width = width ?? patchWidth
    let heads = try attentionHeads(heads, width: width, of: "cross-attention")
    self.queries = try scope.parameter(
      "query_tokens", shape: [1, queries, width], start: .normal(deviation: 0.02))
    queryNorm = try LayerNorm(width, in: scope("norm_queries"))
    patchNorm = try LayerNorm(patchWidth, in: scope("norm_patches"))
    attention = try Attention(width, keyWidth: patchWidth, heads: heads, in: scope("attn"))
    ffnNorm = try LayerNorm(width, in: scope("ffn_norm"))
    ffn = try FeedForward(width, hidden: ffnMultiplier * width, in: scope("ffn"))
    output = try Linear(width, languageWidth, deviation: 0.02, in: scope("output_proj"))
  }

  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    let start = context.tape.repeated(queries, times: patches.count)
    return start.with(
      context.scoped {
        let seen = attention(
          queryNorm(start, in: context), attendingTo: patchNorm(patches.rows, in: context),
          addingTo: start.tensor, in: context
        ).tensor
        let answered = ffn(ffnNorm(seen, in: context), addingTo: seen, in: context)
        return output(answered, in: context)
      })
  }

  public func visualTokens(of grid: PatchGrid) -> Int { queries.shape[1] }

  public func flops(of grid: PatchGrid) -> Int {
    let count = queries.shape[1]
    return attention.flops(queries: count, keys: grid.tokens) + ffn.flops(rows: count)
      + output.flops(rows: count)
  }

  public var queryNoun: String? { "query" }
  public var attentionMaps: [AttentionMap] { [AttentionMap(name: attention.name, layer: 0)] }
}
