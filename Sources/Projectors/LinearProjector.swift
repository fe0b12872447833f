import Layers
import Tensors

/// One linear map for every patch (LLaVA, Liu et al. 2023, arXiv:2304.08485): keeps every patch.
///
/// Shapes: B images of P patches, `[B·P, D]` → `[B·P, H]`.
public struct LinearProjector: Projector {
  public let linear: Linear

  public var parameters: [Parameter] { linear.parameters }

  /// - Parameters:
  ///   - patchWidth: D.
  ///   - languageWidth: H.
  public init(patchWidth: Int, languageWidth: Int, in scope: ParameterScope) throws {
    linear = try Linear(patchWidth, languageWidth, in: scope)
  }

  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    linear(patches.rows, in: context)
  }

  public func visualTokens(of grid: PatchGrid) -> Int { grid.tokens }
  public func flops(of grid: PatchGrid) -> Int { linear.flops(rows: grid.tokens) }
}
