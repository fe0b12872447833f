import Configuration
import Layers
import Tensors

/// The projectors that an experiment can compare; one entry of `projectors:` without its optimiser.
public enum ProjectorConfig: ConfigUnion {
  case linear(LinearProjectorConfig)
  case mlp(MLPProjectorConfig)
  case qformer(QFormerConfig)
  case perceiver(PerceiverConfig)
  case learnedPrompt(LearnedPromptConfig)

  public static let cases: [UnionCase<Self>] = [
    UnionCase("linear", "One linear map per patch; keeps every patch.", Self.linear) {
      if case .linear(let config) = $0 { config } else { nil }
    },
    UnionCase("mlp", "Linear, GELU, linear per patch (LLaVA-1.5); keeps every patch.", Self.mlp) {
      if case .mlp(let config) = $0 { config } else { nil }
    },
    UnionCase(
      "qformer", "Learned queries that attend to each other and to the patches.", Self.qformer
    ) {
      if case .qformer(let config) = $0 { config } else { nil }
    },
    UnionCase("perceiver", "Flamingo's resampler: latents refined by the patches.", Self.perceiver)
    {
      if case .perceiver(let config) = $0 { config } else { nil }
    },
    UnionCase(
      "learned_prompt", "A control: trained tokens that never see the image.", Self.learnedPrompt
    ) {
      if case .learnedPrompt(let config) = $0 { config } else { nil }
    },
  ]
}

extension ProjectorConfig {
  /// The projector of these settings, its weights named below the scope's prefix.
  ///
  /// - Parameters:
  ///   - patchWidth: width of the encoder's features.
  ///   - grid: of the media, for a projector whose weights depend on it (none here does).
  ///   - languageWidth: width of the language model.
  /// - Throws: ``ProjectorError``, or what the scope's reader throws.
  public func makeProjector(
    patchWidth: Int, grid: PatchGrid, languageWidth: Int, in scope: ParameterScope
  ) throws -> any Projector {
    switch self {
    case .linear:
      try LinearProjector(patchWidth: patchWidth, languageWidth: languageWidth, in: scope)
    case .mlp(let config):
      try MLPProjector(
        patchWidth: patchWidth, languageWidth: languageWidth, hidden: config.hidden,
        layerNorm: config.layerNorm, in: scope)
    case .qformer(let config):
      try QFormer(
        patchWidth: patchWidth, languageWidth: languageWidth, layers: config.layers,
        queries: config.queries, width: config.width, heads: config.heads,
        crossAttentionEvery: config.crossAttentionEvery, ffnMultiplier: config.ffnMultiplier,
        in: scope)
    case .perceiver(let config):
      try PerceiverResampler(
        patchWidth: patchWidth, languageWidth: languageWidth, layers: config.layers,
        latents: config.latents, width: config.width, heads: config.heads,
        ffnMultiplier: config.ffnMultiplier, latentStd: Float(config.latentStd), in: scope)
    case .learnedPrompt(let config):
      try LearnedPrompt(tokens: config.tokens, languageWidth: languageWidth, in: scope)
    }
  }
}
