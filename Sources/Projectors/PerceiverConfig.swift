import Configuration
import Layers
import Tensors

/// Settings of `kind: perceiver`.
public struct PerceiverConfig: ProjectorSettings {
  public static let kind = "perceiver"
  public static let documentation =
    "Flamingo's resampler: latents refined by the patches."

  public var layers = 2
  public var latents = 64
  /// `nil`: the encoder's width.
  public var width: Int?
  /// `nil`: width / 64, at least 1.
  public var heads: Int?
  public var ffnMultiplier = 4
  public var latentStd = 0.02

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("layers", \.layers, .positive, "Layers of attention and FFN."),
    .integer("latents", \.latents, .positive, "Learned latents; as many visual tokens come out."),
    .integer("width", \.width, .positive, "Width of the latents; null: the encoder's."),
    .integer("heads", \.heads, .positive, "Attention heads; null: width / 64, at least 1."),
    .integer("ffn_multiplier", \.ffnMultiplier, .positive, "Width of the FFN over `width`."),
    .number(
      "latent_std", \.latentStd, .positive,
      "Standard deviation of the latents' normal start. With 0.02 they begin almost alike; OpenFlamingo's "
        + "and IDEFICS's is 1."),
  ]

  public var problems: [SectionProblem] { headsProblems(width: width, heads: heads) }

  public func makeProjector(
    patchWidth: Int, grid: PatchGrid, languageWidth: Int, in scope: ParameterScope
  ) throws -> any Projector {
    try PerceiverResampler(
      patchWidth: patchWidth, languageWidth: languageWidth, layers: layers, latents: latents,
      width: width, heads: heads, ffnMultiplier: ffnMultiplier, latentStd: Float(latentStd),
      in: scope)
  }
}
