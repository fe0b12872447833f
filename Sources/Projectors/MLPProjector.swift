import Layers
import Tensors

/// Linear, GELU, linear for every patch (LLaVA-1.5's `mlp2x_gelu`, Liu et al. 2023,
/// arXiv:2310.03744); with a LayerNorm before the second map where wanted. Keeps every patch.
///
/// Shapes: B images of P patches, `[B·P, D]` → `[B·P, H]`. The weights are named by their place in
/// LLaVA's `nn.Sequential`: `0` and `2`, or `0`, `2` (the norm) and `3`. GELU is the exact one.
public struct MLPProjector: Projector {
  public let first: Linear
  public let norm: LayerNorm?
  public let second: Linear

  public var parameters: [Parameter] {
    first.parameters + (norm?.parameters ?? []) + second.parameters
  }

  /// - Parameters:
  ///   - patchWidth: D.
  ///   - languageWidth: H.
  ///   - hidden: width between the maps; H when nil.
  public init(
    patchWidth: Int, languageWidth: Int, hidden: Int? = nil, layerNorm: Bool = false,
    in scope: ParameterScope
  ) throws {
    let hidden = hidden ?? languageWidth
    first = try Linear(patchWidth, hidden, in: scope(0))
    norm = layerNorm ? try LayerNorm(hidden, in: scope(2)) : nil
    second = try Linear(hidden, languageWidth, in: scope(layerNorm ? 3 : 2))
  }

  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    patches.rows.with(
      context.scoped {
        var hidden = context.tape.activation(.gelu, first(patches.tensor, in: context))
        if let norm { hidden = norm(hidden, in: context) }
        return second(hidden, in: context)
      })
  }

  public func visualTokens(of grid: PatchGrid) -> Int { grid.tokens }

  public func flops(of grid: PatchGrid) -> Int {
    first.flops(rows: grid.tokens) + second.flops(rows: grid.tokens)
  }
}
