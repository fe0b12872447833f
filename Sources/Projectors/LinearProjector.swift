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

  public func callAsFunction(_ patches: Rows, in context: Context) -> Rows {
    linear(patches, in: context)
  }

  public func visualTokens(patches: Int) -> Int { patches }
  public func flopsPerSample(patches: Int) -> Int { linear.flops(rows: patches) }
}
