import Configuration
import Layers
import Tensors

/// Settings of `kind: linear`.
public struct LinearProjectorConfig: ProjectorSettings {
  public static let kind = "linear"
  public static let documentation =
    "One linear map per patch; keeps every patch, or makes one token of a block."

  public var bias = true
  /// `nil`: every patch is kept.
  public var pool: PoolConfig?

  public init() {}

  public static let fields: [Field<Self>] = [
    .bool("bias", \.bias, "Whether the map has one; SmolVLM's has none."),
    .section("pool", \.pool, "Makes one token of each block of patches first; null: keeps all."),
  ]

  public func giving(tokens: Int, of grid: PatchGrid) throws(ProjectorError) -> Self {
    guard let pool else { return self }
    var result = self
    result.pool = try pool.giving(tokens: tokens, of: grid, projector: Self.kind)
    return result
  }

  public func makeProjector(
    at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    try LinearProjector(
      patchWidth: site.patchWidth, languageWidth: site.languageWidth, bias: bias,
      pool: pool?.pool(of: Self.kind), poolNorm: pool?.norm ?? false, in: scope)
  }
}
