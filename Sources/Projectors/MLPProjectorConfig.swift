import Configuration
import Layers
import Tensors

/// Settings of `kind: mlp`.
public struct MLPProjectorConfig: ProjectorSettings {
  public static let kind = "mlp"
  public static let documentation =
    "Linear, GELU, linear per patch (LLaVA-1.5); keeps every patch."

  /// `nil`: the language model's width.
  public var hidden: Int?
  public var layerNorm = false

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer(
      "hidden", \.hidden, .positive, "Width between the two maps; null: the language model's."),
    .bool("layer_norm", \.layerNorm, "LayerNorm between GELU and the second map."),
  ]

  public func makeProjector(
    patchWidth: Int, grid: PatchGrid, languageWidth: Int, in scope: ParameterScope
  ) throws -> any Projector {
    try MLPProjector(
      patchWidth: patchWidth, languageWidth: languageWidth, hidden: hidden, layerNorm: layerNorm,
      in: scope)
  }
}
