import Layers
import Tensors

/// Learned queries that attend to each other and, in some layers, to the patches.
///
/// Shapes: B images of P patches, `[B·P, D]` → `[B·K, H]`, for K queries of width W.
///
/// Source: Li et al. 2023, *BLIP-2*, arXiv:2301.12597, §3.1: cross-attention in every n-th layer
/// from the first, LayerNorm after each residual. Departures: no text branch and no pre-training
/// losses, no LayerNorm on the queries before the first layer, and the output map to width H is
/// part of it.
public struct QFormer: Projector {
  /// Shape `[1, K, W]`.
  public let queries: Parameter
  public let layers: [QFormerLayer]
  public let output: Linear

  public var parameters: [Parameter] {
    [queries] + layers.flatMap(\.parameters) + output.parameters
  }

  /// - Parameters:
  ///   - patchWidth: D.
  ///   - languageWidth: H.
  ///   - queries: K.
  ///   - width: W; D when nil.
  ///   - heads: W / 64 when nil, at least 1 and dividing W.
  ///   - crossAttentionEvery: layers 0, n, 2n, … attend to the patches.
  /// - Throws: ``ProjectorError`` if the heads do not divide the width; what the scope's reader
  ///   throws.
  public init(
    patchWidth: Int, languageWidth: Int, layers: Int = 12, queries: Int = 32, width: Int? = nil,
    heads: Int? = nil, crossAttentionEvery: Int = 2, ffnMultiplier: Int = 4,
    in scope: ParameterScope
  ) throws {
    let width = width ?? patchWidth
    let heads = try attentionHeads(heads, width: width, of: "Q-Former")
    self.queries = try scope.parameter(
      "query_tokens", shape: [1, queries, width], start: .normal(deviation: 0.02))
    self.layers = try (0..<layers).map { index in
      try QFormerLayer(
        width, patchWidth: index % crossAttentionEvery == 0 ? patchWidth : nil, heads: heads,
        ffnMultiplier: ffnMultiplier, in: scope("layers")(index))
    }
    output = try Linear(width, languageWidth, deviation: 0.02, in: scope("output_proj"))
  }

  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    let start = context.tape.repeated(queries, times: patches.count)
    let answers = layers.reduce(start) { tokens, layer in
      layer(tokens, attendingTo: patches.rows, in: context)
    }
    return output(answers, in: context)
  }

  public func visualTokens(of grid: PatchGrid) -> Int { queries.shape[1] }

  public func flops(of grid: PatchGrid) -> Int {
    let count = queries.shape[1]
    return layers.reduce(output.flops(rows: count)) { sum, layer in
      sum + layer.flops(queries: count, patches: grid.tokens)
    }
  }

  public var queryNoun: String? { "query" }

  public var attentionMaps: [AttentionMap] {
    layers.enumerated().compactMap { index, layer in
      layer.crossAttention.map { AttentionMap(name: $0.name, layer: index) }
    }
  }

  public var attentionFlow: [AttentionMap] {
    layers.enumerated().flatMap { index, layer in
      ([layer.selfAttention] + (layer.crossAttention.map { [$0] } ?? [])).map {
        AttentionMap(name: $0.name, layer: index)
      }
    }
  }
}

/// q ← norm(q + attention(q, q)); q ← norm(q + attention(q, patches)); q ← norm(q + FFN(q)).
public struct QFormerLayer: Module {
  public let selfAttention: Attention
  public let selfAttentionNorm: LayerNorm
  /// nil in a layer that does not see the patches.
  public let crossAttention: Attention?
  public let crossAttentionNorm: LayerNorm?
  public let ffn: FeedForward
  public let ffnNorm: LayerNorm

  public var parameters: [Parameter] {
    selfAttention.parameters + selfAttentionNorm.parameters + (crossAttention?.parameters ?? [])
      + (crossAttentionNorm?.parameters ?? []) + ffn.parameters + ffnNorm.parameters
  }

  /// - Parameter patchWidth: width of the patches; nil for a layer without cross-attention.
  init(
    _ width: Int, patchWidth: Int?, heads: Int, ffnMultiplier: Int, in scope: ParameterScope
  ) throws {
    selfAttention = try Attention(width, heads: heads, in: scope("self_attn"))
    selfAttentionNorm = try LayerNorm(width, in: scope("self_attn_norm"))
    crossAttention = try patchWidth.map {
      try Attention(width, keyWidth: $0, heads: heads, in: scope("cross_attn"))
    }
    crossAttentionNorm =
      patchWidth == nil ? nil : try LayerNorm(width, in: scope("cross_attn_norm"))
    ffn = try FeedForward(width, hidden: ffnMultiplier * width, in: scope("ffn"))
    ffnNorm = try LayerNorm(width, in: scope("ffn_norm"))
  }

  func callAsFunction(
    _ input: Rows, attendingTo patches: Rows, in context: Context
  ) -> Rows {
    input.with(
      context.scoped {
        var tokens = selfAttentionNorm(
          selfAttention(input, attendingTo: input, addingTo: input.tensor, in: context),
          in: context)
        if let crossAttention, let crossAttentionNorm {
          tokens = crossAttentionNorm(
            crossAttention(tokens, attendingTo: patches, addingTo: tokens.tensor, in: context),
            in: context)
        }
        return ffnNorm(ffn(tokens.tensor, addingTo: tokens.tensor, in: context), in: context)
      })
  }

  func flops(queries: Int, patches: Int) -> Int {
    selfAttention.flops(queries: queries, keys: queries)
      + (crossAttention?.flops(queries: queries, keys: patches) ?? 0) + ffn.flops(rows: queries)
  }
}
