import Configuration

/// Settings of `kind: mlp`.
public struct MLPProjectorConfig: ConfigSection {
  /// `nil`: the language model's width.
  public var hidden: Int?
  public var layerNorm = false

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer(
      "hidden", \.hidden, .positive, "Width between the two maps; null: the language model's."),
    .bool("layer_norm", \.layerNorm, "LayerNorm between GELU and the second map."),
  ]
}
