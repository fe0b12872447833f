import Configuration
import Layers
import Tensors

/// What the visual tokens are normalised to.
public enum OutputNorm: String, ConfigChoice {
  case none
  /// LayerNorm whose gain starts at the root mean square of the language model's text embeddings, so that
  /// visual tokens start as large as text.
  case text
}

/// The keys that every kind of projector has beside its own.
public struct ProjectorFrame: ConfigSection {
  public var inputNorm = false
  public var outputNorm = OutputNorm.none
  /// `nil`: what the kind's own keys make.
  public var tokens: Int?
  /// `nil`: what the kind's own keys make.
  public var parameters: Int?

  public init() {}

  public static let fields: [Field<Self>] = [
    .bool("input_norm", \.inputNorm, "LayerNorm on the patches, before all else."),
    .choice(
      "output_norm", \.outputNorm,
      "text: LayerNorm on the visual tokens, its gain starting at the RMS of the language model's "
        + "text embeddings."),
    .integer(
      "tokens", \.tokens, .positive,
      "Preset: as many visual tokens, by the kind's queries, latents, block or output grid; null: as "
        + "those keys say."),
    .integer(
      "parameters", \.parameters, .positive,
      "Preset: as many weights, within 2 %, by the kind's width or, where that is given, its depth; null: "
        + "as those keys say."),
  ]

  /// The projector of a kind's settings between the norms.
  ///
  /// Without norms the weights have the names that the kind gives them; between norms these stand after
  /// the kind's name: `mlp.0.weight` beside `input_norm.weight` and `output_norm.weight`.
  ///
  /// - Throws: ``ProjectorError``, or what the scope's reader throws.
  func around(
    _ settings: any ProjectorSettings, at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    guard inputNorm || outputNorm != .none else {
      return try settings.makeProjector(at: site, in: scope)
    }
    let kind = type(of: settings).kind
    let inputNorm = inputNorm ? try LayerNorm(site.patchWidth, in: scope("input_norm")) : nil
    let projector = try settings.makeProjector(at: site, in: scope(kind))
    guard inputNorm == nil || projector.readsPatches else {
      throw ProjectorError.normOfNothing(projector: kind)
    }
    return NormedProjector(
      inputNorm: inputNorm, projector: projector,
      outputNorm: outputNorm == .none
        ? nil
        : try LayerNorm(site.languageWidth, gain: site.textScale, in: scope("output_norm")))
  }
}

/// A projector with a LayerNorm on what goes in, on what comes out, or both (Ba et al. 2016,
/// arXiv:1607.06450).
///
/// Shapes: those of the projector.
public struct NormedProjector: Projector {
  public let inputNorm: LayerNorm?
  public let projector: any Projector
  public let outputNorm: LayerNorm?

  public var parameters: [Parameter] {
    (inputNorm?.parameters ?? []) + projector.parameters + (outputNorm?.parameters ?? [])
  }

  public func callAsFunction(_ patches: Patches, in context: Context) -> Rows {
    let normed = inputNorm.map { patches.with($0(patches.tensor, in: context)) } ?? patches
    let tokens = projector(normed, in: context)
    return outputNorm.map { $0(tokens, in: context) } ?? tokens
  }

  public func check(_ grid: PatchGrid) throws(ProjectorError) { try projector.check(grid) }
  public func visualTokens(of grid: PatchGrid) -> Int { projector.visualTokens(of: grid) }
  public func flops(of grid: PatchGrid) -> Int { projector.flops(of: grid) }
  public var readsPatches: Bool { projector.readsPatches }
  public var queryNoun: String? { projector.queryNoun }
  public var attentionMaps: [AttentionMap] { projector.attentionMaps }
  public var attentionFlow: [AttentionMap] { projector.attentionFlow }
}
