import Configuration
import Datasets
import Layers
import Tensors

/// The vision encoder: `encoder:`.
public enum EncoderConfig: ConfigUnion {
  case pretrained(PretrainedEncoderKind, PretrainedEncoderConfig)
  case small(SmallEncoderConfig)
  case patches(PatchesEncoderConfig)
  case precomputed(PrecomputedFeaturesConfig)

  public static let cases: [UnionCase<Self>] =
    PretrainedEncoderKind.all.map { kind in
      UnionCase(kind.name, kind.documentation, { .pretrained(kind, $0) }) {
        if case .pretrained(kind, let config) = $0 { config } else { nil }
      }
    } + [
      UnionCase(
        "small",
        "A small ViT that the run makes: trained first, contrastively against the captions, or random.",
        Self.small
      ) {
        if case .small(let config) = $0 { config } else { nil }
      },
      UnionCase(
        "patches",
        "A convolution and LayerNorm, with random start values: no transformer, nothing learned before.",
        Self.patches
      ) {
        if case .patches(let config) = $0 { config } else { nil }
      },
      UnionCase(
        "precomputed", "Features that another tool wrote to an HDF5 file.", Self.precomputed
      ) {
        if case .precomputed(let config) = $0 { config } else { nil }
      },
    ]

  /// The settings of an encoder that comes from a model folder; nil for the others.
  public var pretrained: PretrainedEncoderConfig? {
    if case .pretrained(_, let settings) = self { settings } else { nil }
  }

  /// The settings of an encoder that the run makes itself; nil for the others.
  public var made: SmallEncoderConfig? {
    switch self {
    case .small(let settings): settings
    case .patches(let settings): settings.small
    case .pretrained, .precomputed: nil
    }
  }
}

/// Which layer's output is handed on.
public enum EncoderLayer: Sendable, Equatable {
  /// The last layer's, after the model's final norm.
  case last
  /// `hidden_states[index]` of transformers: 0 is the embedding, negative counts from the end.
  case hiddenState(Int)
}

extension ValueType where Value == EncoderLayer {
  /// `last`, or a whole number.
  public static var encoderLayer: Self {
    .scalar(
      "'last' or a whole number",
      schema: [
        .init(
          "anyOf", .array([.object([.init("const", "last")]), .object([.init("type", "integer")])]))
      ],
      .any, parse: { $0 == "last" ? .last : Int($0).map(EncoderLayer.hiddenState) },
      encode: { layer in
        switch layer {
        case .last: .plain("last")
        case .hiddenState(let index): .plain(String(index))
        }
      })
  }
}

/// How features are kept in the store.
public enum FeaturePrecision: String, ConfigChoice {
  case float32
  case float16

  /// Bytes of a value.
  var size: Int {
    switch self {
    case .float32: 4
    case .float16: 2
    }
  }
}

/// Settings of the encoders that are read from a Hugging Face folder.
public struct PretrainedEncoderConfig: ConfigSection {
  public var model = ModelReference.folder(ConfigPath())
  public var weights = WeightsChoice.pretrained
  public var layer = EncoderLayer.last
  public var classToken = false
  /// `nil`: what `preprocessor_config.json` says.
  public var imageSize: Int?
  public var batch = 8
  public var precision = FeaturePrecision.float32
  /// nil: `training.precision`.
  public var compute: ComputePrecision?

  public init() {}

  public static let fields: [Field<Self>] = [
    .model("model", \.model, "A model folder, or hf:ORG/NAME[@REV] in the local cache.").required,
    .choice("weights", \.weights, "random: only the shapes of the folder's config.json are used."),
    Field(
      "layer", \.layer, .encoderLayer,
      "last: after the final norm; N: transformers' hidden_states[N], -2 the last but one."),
    .bool("class_token", \.classToken, "Keep the class token as the first patch."),
    .integer(
      "image_size", \.imageSize, .positive,
      "Side in pixels; positions are resized; null: as preprocessor_config.json says."),
    .integer("batch", \.batch, .positive, "Images that a thread takes at a time."),
    .choice("precision", \.precision, "How features are kept in the store."),
    Field(
      "compute", \.compute, .optional(.choice),
      "Inputs of the products of its weights while it is frozen; null: as training.precision."),
  ]
}

/// How a patch knows where it lies.
public enum EncoderPositions: String, ConfigChoice {
  /// A table of vectors that are learned, resized for images of other sizes.
  case learned
  /// Not at all.
  case none
}

/// Settings of `kind: small`: a ViT trained by the run with the symmetric InfoNCE loss; with `epochs: 0` it
/// starts from random values, for stages that train it with the rest, or for one that stays random.
public struct SmallEncoderConfig: ConfigSection {
  public var width = 96
  public var layers = 3
  public var heads = 3
  public var patch = 8
  public var positions = EncoderPositions.learned
  /// nil: every image keeps its own size.
  public var imageSize: Int?
  /// How sounds are taken in.
  public var sound = LogMelConfig()
  public var ffnMultiplier = 4
  public var embedding = 64
  public var textLayers = 1
  public var temperature = 0.07
  public var epochs = 10
  public var batchSize = 64
  public var seed = 0
  public var optimizer = OptimizerConfig()

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("width", \.width, .positive, "Width of a patch."),
    .integer("layers", \.layers, .atLeast(0), "Layers of the image side."),
    .integer("heads", \.heads, .positive, "Attention heads of both sides."),
    .integer("patch", \.patch, .positive, "Side of a patch in pixels; divides the image's."),
    .choice(
      "positions", \.positions,
      "learned: a table, resized for images of other sizes; none: no order."),
    .integer(
      "image_size", \.imageSize, .positive,
      "Side in pixels that images are resized to; null: each keeps its own size."),
    .section("sound", \.sound, "The spectrogram that a sound becomes."),
    .integer("ffn_multiplier", \.ffnMultiplier, .positive, "Width of the FFN over `width`."),
    .integer("embedding", \.embedding, .positive, "Width in which image and caption are compared."),
    .integer(
      "text_layers", \.textLayers, .positive, "Layers of the text side, used in training only."),
    .number("temperature", \.temperature, .positive, "Start value of the learned temperature."),
    .integer(
      "epochs", \.epochs, .atLeast(0), "Passes over the training images; 0: it stays random."),
    .integer("batch_size", \.batchSize, .atLeast(2), "Pairs that are told apart in one update."),
    .integer("seed", \.seed, .atLeast(0), "Seed of start values and order."),
    .section("optimizer", \.optimizer, "How this encoder is trained."),
  ]

  public var problems: [SectionProblem] {
    width % heads == 0
      ? [] : [SectionProblem("heads", "must divide the width \(width), got \(heads)")]
  }
}

/// Settings of `kind: patches`: a convolution whose stride is its kernel, then LayerNorm, with random start
/// values; a `small` encoder without layers, positions and training of its own. Source: SYSTEMS.md S1 and S2.
public struct PatchesEncoderConfig: ConfigSection {
  public var width = 128
  public var patch = 16
  /// nil: every image keeps its own size.
  public var imageSize: Int?
  /// How sounds are taken in.
  public var sound = LogMelConfig()
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("width", \.width, .positive, "Width of a patch."),
    .integer("patch", \.patch, .positive, "Side of a patch in pixels; divides the image's."),
    .integer(
      "image_size", \.imageSize, .positive,
      "Side in pixels that images are resized to; null: each keeps its own size."),
    .section("sound", \.sound, "The spectrogram that a sound becomes."),
    .integer("seed", \.seed, .atLeast(0), "Seed of start values."),
  ]

  var small: SmallEncoderConfig {
    var small = SmallEncoderConfig()
    (small.width, small.patch, small.imageSize, small.seed) = (width, patch, imageSize, seed)
    (small.layers, small.heads, small.positions, small.epochs) = (0, 1, .none, 0)
    small.sound = sound
    return small
  }
}

/// Settings of `kind: precomputed`.
public struct PrecomputedFeaturesConfig: ConfigSection {
  public var file = ConfigPath()

  public init() {}

  public static let fields: [Field<Self>] = [
    .path("file", \.file, "HDF5 with `features [image, token, width]` and `image_id`.").required
  ]
}
