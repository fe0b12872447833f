import Layers
import Tensors

/// Compresses any number of patch features into a fixed set of visual tokens.
///
/// Shapes: B images of P patches, `[B·P, D]` → `[B·L, H]`, for L latents of width W.
///
/// Source: Alayrac et al. 2022, *Flamingo*, arXiv:2204.14198, §3.1.1 and figure 5. Keys and values
/// are the patches followed by the latents; queries are the latents. Departures: the last map to
/// width H is ours, and so is the first to width W if it is not D; all projections have biases.
public struct PerceiverResampler: Projector {
  /// Shape `[1, L, W]`.
  public let latents: Parameter
  /// Maps the patches to width W; nil when that is D.
  public let input: Linear?
  public let layers: [PerceiverLayer]
  public let outputNorm: LayerNorm
  public let output: Linear

  public var parameters: [Parameter] {
    [latents] + (input?.parameters ?? []) + layers.flatMap(\.parameters) + outputNorm.parameters
      + output.parameters
  }

  /// - Parameters:
  ///   - patchWidth: D.
  ///   - languageWidth: H.
  ///   - latents: L.
  ///   - width: W; D when nil.
  ///   - heads: W / 64 when nil, at least 1 and dividing W.
  ///   - latentStd: standard deviation of the latents' normal start. All of them receive nearly the
  ///     same from a first attention that is still even, so small ones become visual tokens that are
  ///     nearly the same.
  /// - Throws: ``ProjectorError`` if the heads do not divide the width; what the scope's reader
  ///   throws.
  public init(
    patchWidth: Int, languageWidth: Int, layers: Int = 2, latents: Int = 64, width: Int? = nil,
    heads: Int? = nil, ffnMultiplier: Int = 4, latentStd: Float = 1,
    in scope: ParameterScope
  ) throws {
    let width = width ?? patchWidth
    let heads = try attentionHeads(heads, width: width, of: "Perceiver")
    self.latents = try scope.parameter(
      "latents", shape: [1, latents, width], start: .normal(deviation: latentStd))
    input =
      width == patchWidth
      ? nil : try Linear(patchWidth, width, deviation: 0.02, in: scope("input_proj"))
    self.layers = try (0..<layers).map { index in
      try PerceiverLayer(
        width, heads: heads, ffnMultiplier: ffnMultiplier, in: scope("layers")(index))
    }
    outputNorm = try LayerNorm(width, in: scope("final_norm"))
    output = try Linear(width, languageWidth, deviation: 0.02, in: scope("output_proj"))
  }

  /// - Precondition: `patches` has width D.
  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    let rows = input.map { $0(patches.rows, in: context) } ?? patches.rows
    let start = context.tape.repeated(latents, times: patches.count)
    let refined = layers.reduce(start) { tokens, layer in
      layer(tokens, attendingTo: rows, in: context)
    }
    return refined.with(
      context.scoped { output(outputNorm(refined.tensor, in: context), in: context) })
  }

  public func visualTokens(of grid: PatchGrid) -> Int { latents.shape[1] }

  public func flops(of grid: PatchGrid) -> Int {
    let count = latents.shape[1]
    let ends = (input?.flops(rows: grid.tokens) ?? 0) + output.flops(rows: count)
    return layers.reduce(ends) { sum, layer in
      sum + layer.attention.flops(queries: count, keys: grid.tokens + count)
        + layer.ffn.flops(rows: count)
    }
  }

  public var queryNoun: String? { "latent" }

  public var attentionMaps: [AttentionMap] {
    layers.enumerated().map { AttentionMap(name: $1.attention.name, layer: $0) }
  }
}

/// l ← l + attention(l′, [patches′, l′]) with ′ a LayerNorm of its own; l ← l + FFN(norm(l)).
public struct PerceiverLayer: Module {
  public let patchNorm: LayerNorm
  public let latentNorm: LayerNorm
  public let attention: Attention
  public let ffnNorm: LayerNorm
  public let ffn: FeedForward

  public var parameters: [Parameter] {
    patchNorm.parameters + latentNorm.parameters + attention.parameters + ffnNorm.parameters
      + ffn.parameters
  }

  init(_ width: Int, heads: Int, ffnMultiplier: Int, in scope: ParameterScope) throws {
    patchNorm = try LayerNorm(width, in: scope("norm_media"))
    latentNorm = try LayerNorm(width, in: scope("norm_latents"))
    attention = try Attention(width, heads: heads, in: scope("attn"))
    ffnNorm = try LayerNorm(width, in: scope("ffn_norm"))
    ffn = try FeedForward(width, hidden: ffnMultiplier * width, in: scope("ffn"))
  }

  func callAsFunction(
    _ latents: Rows, attendingTo patches: Rows, in context: Context
  ) -> Rows {
    latents.with(
      context.scoped {
        let normed = latentNorm(latents, in: context)
        let keys = context.tape.joined(patchNorm(patches, in: context), normed)
        let seen = attention(normed, attendingTo: keys, addingTo: latents.tensor, in: context)
        return ffn(ffnNorm(seen.tensor, in: context), addingTo: seen.tensor, in: context)
      })
  }
}
