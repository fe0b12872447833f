import Layers
import Tensors

/// Linear, GELU, linear for every patch (LLaVA-1.5's `mlp2x_gelu`, Liu et al. 2023,
/// arXiv:2310.03744); with a LayerNorm before the second map where wanted. Keeps every patch, or with
/// a pool makes one token of each block of them (``PatchPool``).
///
/// Shapes: B images of P patches, `[B·P, D]` → `[B·P, H]`; with a pool `[B·L, H]` for the L tokens that it
/// leaves, the first map taking the pool's width. GELU is the exact one.
///
/// The weights are named by their place in an `nn.Sequential`, as in LLaVA: `0` and `2`, or `0`, `2` (the
/// norm) and `3`. A LayerNorm after the pool is `0`, and the others come one later, as in InternVL's
/// `mlp1`: `0`, `1`, `3`.
public struct MLPProjector: Projector {
  public let pool: PatchPool?
  public let poolNorm: LayerNorm?
  public let first: Linear
  public let norm: LayerNorm?
  public let second: Linear

  public var parameters: [Parameter] {
    (poolNorm?.parameters ?? []) + first.parameters + (norm?.parameters ?? [])
      + second.parameters
  }

  /// - Parameters:
  ///   - patchWidth: D.
  ///   - languageWidth: H.
  ///   - hidden: width between the maps; H when nil.
  ///   - poolNorm: whether a LayerNorm follows the pool.
  public init(
    patchWidth: Int, languageWidth: Int, hidden: Int? = nil, layerNorm: Bool = false,
    pool: PatchPool? = nil, poolNorm: Bool = false, in scope: ParameterScope
  ) throws {
    let hidden = hidden ?? languageWidth
    let width = pool?.width(of: patchWidth) ?? patchWidth
    let place = poolNorm ? 1 : 0
    self.pool = pool
    self.poolNorm = poolNorm ? try LayerNorm(width, in: scope(0)) : nil
    first = try Linear(width, hidden, in: scope(place))
    norm = layerNorm ? try LayerNorm(hidden, in: scope(place + 2)) : nil
    second = try Linear(hidden, languageWidth, in: scope(place + (layerNorm ? 3 : 2)))
  }

  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    let rows = pool.map { $0(patches, in: context) } ?? patches.rows
    return rows.with(
      context.scoped {
        let normed = poolNorm.map { $0(rows.tensor, in: context) } ?? rows.tensor
        var hidden = context.tape.activation(.gelu, first(normed, in: context))
        if let norm { hidden = norm(hidden, in: context) }
        return second(hidden, in: context)
      })
  }

  public func visualTokens(of grid: PatchGrid) -> Int { pool?.tokens(of: grid) ?? grid.tokens }

  public func check(_ grid: PatchGrid) throws(ProjectorError) {
    try pool?.check(grid, of: MLPProjectorConfig.kind)
  }

  public func flops(of grid: PatchGrid) -> Int {
    let rows = visualTokens(of: grid)
    return first.flops(rows: rows) + second.flops(rows: rows)
  }
}
