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
  public var latentStd = 1.0

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("layers", \.layers, .positive, "Layers of attention and FFN."),
    .integer("latents", \.latents, .positive, "Learned latents; as many visual tokens come out."),
    .integer("width", \.width, .positive, "Width of the latents; null: the encoder's."),
    .integer("heads", \.heads, .positive, "Attention heads; null: width / 64, at least 1."),
    .integer("ffn_multiplier", \.ffnMultiplier, .positive, "Width of the FFN over `width`."),
    .number(
      "latent_std", \.latentStd, .positive,
      "Standard deviation of the latents' normal start: 1 is OpenFlamingo's and IDEFICS's; with 0.02 "
        + "they begin almost alike."),
  ]

  public var problems: [SectionProblem] { headsProblems(width: width, heads: heads) }

  public func giving(tokens: Int, of grid: PatchGrid) throws(ProjectorError) -> Self {
    var result = self
    result.latents = try presetTokens(
      tokens, own: latents, standard: Self().latents, key: "latents", of: Self.kind)
    return result
  }

  public var sizeSetting: SizeSetting<Self>? {
    width == nil
      ? .width(\.width, of: self, heads: heads) : SizeSetting("layers", \.layers, of: self)
  }

  public func makeProjector(
    at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    try PerceiverResampler(
      patchWidth: site.patchWidth, languageWidth: site.languageWidth, layers: layers,
      latents: latents,
      width: width, heads: heads, ffnMultiplier: ffnMultiplier, latentStd: Float(latentStd),
      in: scope)
  }
}
