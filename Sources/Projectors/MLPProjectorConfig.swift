import Configuration
import Layers
import Tensors

/// Settings of `kind: mlp`.
public struct MLPProjectorConfig: ProjectorSettings {
  public static let kind = "mlp"
  public static let documentation =
    "Linear, GELU, linear per patch (LLaVA-1.5); keeps every patch, or makes one token of a block."

  /// `nil`: the language model's width.
  public var hidden: Int?
  public var layerNorm = false
  /// `nil`: every patch is kept.
  public var pool: PoolConfig?

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer(
      "hidden", \.hidden, .positive, "Width between the two maps; null: the language model's."),
    .bool("layer_norm", \.layerNorm, "LayerNorm between GELU and the second map."),
    .section("pool", \.pool, "Makes one token of each block of patches first; null: keeps all."),
  ]

  public func giving(tokens: Int, of grid: PatchGrid) throws(ProjectorError) -> Self {
    guard let pool else { return self }
    var result = self
    result.pool = try pool.giving(tokens: tokens, of: grid, projector: Self.kind)
    return result
  }

  public var sizeSetting: SizeSetting<Self>? {
    hidden == nil ? SizeSetting("hidden", \.hidden, of: self) { $0 } : nil
  }

  public func makeProjector(
    at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    try MLPProjector(
      patchWidth: site.patchWidth, languageWidth: site.languageWidth, hidden: hidden,
      layerNorm: layerNorm, pool: pool?.pool(of: Self.kind), poolNorm: pool?.norm ?? false,
      in: scope)
  }
}
