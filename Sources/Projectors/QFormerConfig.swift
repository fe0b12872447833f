import Configuration
import Layers
import Tensors

/// Settings of `kind: qformer`.
public struct QFormerConfig: ProjectorSettings {
  public static let kind = "qformer"
  public static let documentation =
    "Learned queries that attend to each other and to the patches."

  public var layers = 12
  public var queries = 32
  /// `nil`: the encoder's width.
  public var width: Int?
  /// `nil`: width / 64, at least 1.
  public var heads: Int?
  public var crossAttentionEvery = 2
  public var ffnMultiplier = 4

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("layers", \.layers, .positive, "Post-norm layers."),
    .integer("queries", \.queries, .positive, "Learned queries; as many visual tokens come out."),
    .integer("width", \.width, .positive, "Width of the queries; null: the encoder's."),
    .integer("heads", \.heads, .positive, "Attention heads; null: width / 64, at least 1."),
    .integer(
      "cross_attention_every", \.crossAttentionEvery, .positive,
      "Layers 0, n, 2n, … attend to the patches."),
    .integer("ffn_multiplier", \.ffnMultiplier, .positive, "Width of the FFN over `width`."),
  ]

  public var problems: [SectionProblem] { headsProblems(width: width, heads: heads) }

  public func giving(tokens: Int, of grid: PatchGrid) throws(ProjectorError) -> Self {
    var result = self
    result.queries = try presetTokens(
      tokens, own: queries, standard: Self().queries, key: "queries", of: Self.kind)
    return result
  }

  public var sizeSetting: SizeSetting<Self>? {
    width == nil
      ? .width(\.width, of: self, heads: heads) : SizeSetting("layers", \.layers, of: self)
  }

  public func makeProjector(
    at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    try QFormer(
      patchWidth: site.patchWidth, languageWidth: site.languageWidth, layers: layers,
      queries: queries,
      width: width, heads: heads, crossAttentionEvery: crossAttentionEvery,
      ffnMultiplier: ffnMultiplier, in: scope)
  }
}

/// A number of heads must divide the width; checked here if the file gives both.
func headsProblems(width: Int?, heads: Int?) -> [SectionProblem] {
  guard let width, let heads, width % heads != 0 else { return [] }
  return [SectionProblem("heads", "must divide the width \(width), got \(heads)")]
}
