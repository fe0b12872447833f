import Configuration
import Tensors

/// How captions are generated: `evaluation.decode:`.
public struct DecodeConfig: ConfigSection {
  public enum Strategy: String, ConfigChoice {
    /// The likeliest token each time.
    case greedy
    /// A token drawn from softmax(logits / temperature).
    case sample
    /// The likeliest sequence among those that keep to the best few beginnings.
    case beam
  }

  public var strategy = Strategy.greedy
  public var maxNewTokens = 30
  public var temperature = 0.7
  public var topP = 1.0
  public var beams = 4
  public var lengthPenalty = 1.0
  public var earlyStopping = false
  public var batch = 8
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] = [
    .choice(
      "strategy", \.strategy,
      "greedy: the likeliest token; sample: drawn at random; beam: the likeliest of `beams` sequences."
    ),
    .integer("max_new_tokens", \.maxNewTokens, .positive, "Tokens of a caption, at most."),
    .number("temperature", \.temperature, .positive, "Of `sample`; others ignore it."),
    .number(
      "top_p", \.topP, .probability, "`sample` draws among the likeliest tokens of this share."),
    .integer("beams", \.beams, .positive, "Sequences that `beam` carries on."),
    .number(
      "length_penalty", \.lengthPenalty, .any,
      "`beam` divides a sequence's log-likelihood by its length to this power."),
    .bool(
      "early_stopping", \.earlyStopping,
      "Whether `beam` ends with `beams` finished sequences, or when no other can be better."),
    .integer("batch", \.batch, .positive, "Captions generated together."),
    .integer("seed", \.seed, .atLeast(0), "Of `sample`; others ignore it."),
  ]
}

extension Rule where Value == Double {
  /// More than 0, up to 1.
  fileprivate static var probability: Self {
    Self("more than 0 and at most 1", [.init("exclusiveMinimum", 0), .init("maximum", 1)]) {
      $0 > 0 && $0 <= 1
    }
  }
}

extension DecodeConfig {
  /// How ``Generator`` is to go on from some prefixes.
  ///
  /// - Parameter keys: of the prefixes, for `sample`: those of the same examples every time.
  public func generation(keys: [RandomKey]) -> Generator.Strategy {
    switch strategy {
    case .greedy: .greedy
    case .sample: .sample(temperature: Float(temperature), topP: Float(topP), keys: keys)
    case .beam:
      .beam(width: beams, lengthPenalty: lengthPenalty, endsEarly: earlyStopping)
    }
  }
}
