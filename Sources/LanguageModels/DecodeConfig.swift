import Configuration

/// How captions are generated: `evaluation.decode:`.
public struct DecodeConfig: ConfigSection {
  public enum Strategy: String, ConfigChoice {
    /// The likeliest token each time.
    case greedy
    /// A token drawn from softmax(logits / temperature).
    case sample
  }

  public var strategy = Strategy.greedy
  public var maxNewTokens = 30
  public var temperature = 0.7
  public var batch = 8
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] = [
    .choice("strategy", \.strategy, "greedy: the likeliest token; sample: drawn at random."),
    .integer("max_new_tokens", \.maxNewTokens, .positive, "Tokens of a caption, at most."),
    .number("temperature", \.temperature, .positive, "Of `sample`; greedy ignores it."),
    .integer("batch", \.batch, .positive, "Captions generated together."),
    .integer("seed", \.seed, .atLeast(0), "Of `sample`; greedy ignores it."),
  ]
}
