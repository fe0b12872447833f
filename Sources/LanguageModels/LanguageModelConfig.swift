import Configuration
import Layers
import Tensors

/// The language model, frozen unless a stage trains it: `language_model:`.
public enum LanguageModelConfig: ConfigUnion {
  case pretrained(PretrainedKind, PretrainedLanguageModelConfig)
  case small(SmallDecoderConfig)

  public static let cases: [UnionCase<Self>] =
    PretrainedKind.allCases.map { kind in
      UnionCase(
        kind.rawValue, "\(kind.className) from a Hugging Face folder.", { .pretrained(kind, $0) }
      ) {
        if case .pretrained(kind, let config) = $0 { config } else { nil }
      }
    } + [
      UnionCase(
        "small", "A small decoder that the run trains first on the captions' text alone.",
        Self.small
      ) {
        if case .small(let config) = $0 { config } else { nil }
      }
    ]

  /// Text between the visual tokens and the caption.
  public var prompt: String {
    switch self {
    case .pretrained(_, let config): config.prompt
    case .small(let config): config.prompt
    }
  }

  /// Whether prompt and caption are put into the model's chat template.
  public var chat: Bool { pretrained?.chat ?? false }

  /// What the model folder must hold; nil for the model that the run makes.
  public var pretrainedKind: PretrainedKind? {
    if case .pretrained(let kind, _) = self { kind } else { nil }
  }

  /// The settings of a model that comes from a folder; nil for the one that the run makes.
  public var pretrained: PretrainedLanguageModelConfig? {
    if case .pretrained(_, let config) = self { config } else { nil }
  }
}

/// Settings of the language models that are read from a Hugging Face folder.
public struct PretrainedLanguageModelConfig: ConfigSection {
  public var model = ModelReference.folder(ConfigPath())
  public var weights = WeightsChoice.pretrained
  /// `nil`: the model folder's own.
  public var tokenizer: ConfigPath?
  public var prompt = ""
  public var chat = false
  /// nil: `training.precision`.
  public var compute: ComputePrecision?

  public init() {}

  public static let fields: [Field<Self>] = [
    .model("model", \.model, "A model folder, or hf:ORG/NAME[@REV] in the local cache.").required,
    .choice("weights", \.weights, "random: only the shapes of the folder's config.json are used."),
    .path(
      "tokenizer", \.tokenizer,
      "Folder of a `tokenizer.json` to use instead of the model's; null: the model's."),
    .string("prompt", \.prompt, .any, "Text between the visual tokens and the caption."),
    .bool("chat", \.chat, "Put prompt and caption into the model's chat template."),
    Field(
      "compute", \.compute, .optional(.choice),
      "Inputs of the products of its weights while it is frozen; null: as training.precision."),
  ]
}
