import Configuration
import Layers
import Tensors

/// Settings of `kind: cross_attention`.
public struct CrossAttentionConfig: ProjectorSettings {
  public static let kind = "cross_attention"
  public static let documentation =
    "One layer of learned queries that look at the patches once."

  public var queries = 32
  /// `nil`: the encoder's width.
  public var width: Int?
  /// `nil`: width / 64, at least 1.
  public var heads: Int?
  public var ffnMultiplier = 4

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("queries", \.queries, .positive, "Learned queries; as many visual tokens come out."),
    .integer("width", \.width, .positive, "Width of the queries; null: the encoder's."),
    .integer("heads", \.heads, .positive, "Attention heads; null: width / 64, at least 1."),
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
      ? .width(\.width, of: self, heads: heads)
      : SizeSetting("ffn_multiplier", \.ffnMultiplier, of: self)
  }

  public func makeProjector(
    at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    try CrossAttentionProjector(
      patchWidth: site.patchWidth, languageWidth: site.languageWidth, queries: queries,
      width: width, heads: heads, ffnMultiplier: ffnMultiplier, in: scope)
  }
}
