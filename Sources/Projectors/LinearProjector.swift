import Layers
import Tensors

/// One linear map for every patch (LLaVA, Liu et al. 2023, arXiv:2304.08485): keeps every patch, or with
/// a pool makes one token of each block of them (``PatchPool``). With `unshuffle` and no bias it is the
/// connector of Idefics3 and SmolVLM (transformers' `Idefics3Connector`).
///
/// Shapes: B images of P patches, `[B·P, D]` → `[B·P, H]`; with a pool `[B·L, H]` for the L tokens that it
/// leaves. With a LayerNorm after the pool the weights are named by their place in an `nn.Sequential`:
/// `0` the norm, `1` the map.
public struct LinearProjector: Projector {
  public let pool: PatchPool?
  public let poolNorm: LayerNorm?
  public let linear: Linear

  public var parameters: [Parameter] { (poolNorm?.parameters ?? []) + linear.parameters }

  /// - Parameters:
  ///   - patchWidth: D.
  ///   - languageWidth: H.
  ///   - poolNorm: whether a LayerNorm follows the pool.
  public init(
    patchWidth: Int, languageWidth: Int, bias: Bool = true, pool: PatchPool? = nil,
    poolNorm: Bool = false, in scope: ParameterScope
  ) throws {
    let width = pool?.width(of: patchWidth) ?? patchWidth
    self.pool = pool
    self.poolNorm = poolNorm ? try LayerNorm(width, in: scope(0)) : nil
    linear = try Linear(width, languageWidth, bias: bias, in: poolNorm ? scope(1) : scope)
  }

  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    let rows = pool.map { $0(patches, in: context) } ?? patches.rows
    return rows.with(
      context.scoped {
        linear(poolNorm.map { $0(rows.tensor, in: context) } ?? rows.tensor, in: context)
      })
  }

  public func visualTokens(of grid: PatchGrid) -> Int { pool?.tokens(of: grid) ?? grid.tokens }

  public func check(_ grid: PatchGrid) throws(ProjectorError) {
    try pool?.check(grid, of: LinearProjectorConfig.kind)
  }

  public func flops(of grid: PatchGrid) -> Int { linear.flops(rows: visualTokens(of: grid)) }
}
