import Configuration
import Layers

/// Settings of `kind: small`: a decoder over the words of the captions; by default of Llama's form.
public struct SmallDecoderConfig: ConfigSection {
  /// How a row knows where it stands.
  public enum Positions: String, ConfigChoice {
    /// Queries and keys turn with their position.
    case rotary
    /// A table of learned rows is added to the embeddings.
    case learned
  }

  /// What is normalised, and where.
  public enum Norm: String, ConfigChoice {
    /// RMSNorm before attention and FFN, and after the last layer.
    case preRMS = "pre_rms"
    /// LayerNorm after the sums behind attention and FFN.
    case postLayer = "post_layer"
  }

  public enum FFN: String, ConfigChoice {
    case swiglu
    case relu
  }

  /// What turns hidden states into logits.
  public enum Head: String, ConfigChoice {
    /// The embedding table.
    case tied
    /// Weights of its own, with a bias.
    case linear
  }

  public var width = 96
  public var layers = 3
  public var heads = 3
  public var ffnMultiplier = 4
  public var positions = Positions.rotary
  public var maximumPositions = 1024
  public var norm = Norm.preRMS
  public var ffn = FFN.swiglu
  public var bias = false
  public var head = Head.tied
  public var dropout = 0.0
  public var prompt = ""
  public var epochs = 10
  public var batchSize = 64
  public var seed = 0
  public var optimizer = OptimizerConfig()

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("width", \.width, .positive, "Width of a token."),
    .integer("layers", \.layers, .positive, "Layers."),
    .integer("heads", \.heads, .positive, "Attention heads."),
    .integer("ffn_multiplier", \.ffnMultiplier, .positive, "Width of the FFN over `width`."),
    .choice("positions", \.positions, "rotary, or a learned table added to all rows."),
    .integer("max_positions", \.maximumPositions, .positive, "Rows of a sequence, at most."),
    .choice(
      "norm", \.norm,
      "pre_rms: RMSNorm before attention and FFN; post_layer: LayerNorm after their sums."),
    .choice("ffn", \.ffn, "swiglu: three maps and a gate; relu: two maps."),
    .bool("bias", \.bias, "Whether the maps of attention and FFN have biases."),
    .choice("head", \.head, "tied: the embedding table; linear: weights of its own, with a bias."),
    .number(
      "dropout", \.dropout, .range(0..<1),
      "Share of values dropped in training: behind attention, inside the FFN and behind it."),
    .string("prompt", \.prompt, .any, "Text between the visual tokens and the caption."),
    .integer(
      "epochs", \.epochs, .atLeast(0), "Passes over the training captions; 0: its start values."),
    .integer("batch_size", \.batchSize, .positive, "Captions in one update."),
    .integer("seed", \.seed, .atLeast(0), "Seed of start values and order."),
    .section("optimizer", \.optimizer, "How this model is trained."),
  ]

  public var problems: [SectionProblem] {
    guard width % heads == 0 else {
      return [SectionProblem("heads", "must divide the width \(width), got \(heads)")]
    }
    guard positions == .learned || width / heads % 2 == 0 else {
      return [
        SectionProblem(
          "heads",
          "must divide the width \(width) into even widths for rotary positions, got \(heads)")
      ]
    }
    return []
  }
}
