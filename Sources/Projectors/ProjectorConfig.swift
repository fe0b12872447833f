import Configuration

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
