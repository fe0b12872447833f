import Tensors

/// The shape of a Llama-like decoder: what `config.json` says of it.
public struct DecoderDescription: Sendable, Hashable {
  public var width: Int
  public var layers: Int
  public var heads: Int
  /// Heads of keys and values; divides `heads` (grouped-query attention).
  public var keyValueHeads: Int
  public var headWidth: Int
  public var feedForwardWidth: Int
  public var vocabularySize: Int
  public var maximumPositions: Int
  public var normEpsilon: Float
  /// Base of the rotary frequencies.
  public var ropeTheta: Double
  public var ropeScaling: RopeScaling?
  /// Whether the embedding table is also the head.
  public var tiesEmbeddings: Bool
  public var hasQueryKeyValueBias = false
  public var hasOutputBias = false
  public var hasFeedForwardBias = false
  /// Whether each head's query and key are RMS-normalised before they are rotated (Qwen3).
  public var normsQueriesAndKeys = false
  /// Layers, from 0, whose queries and keys are not rotated (SmolLM3).
  public var layersWithoutRotary: Set<Int> = []
  /// Standard deviation of random start values.
  public var initializerRange: Float = 0.02

  /// How rotary frequencies are stretched beyond the length a model was first trained on.
  public enum RopeScaling: Sendable, Hashable {
    /// All frequencies divided by the factor.
    case linear(factor: Double)
    /// Llama 3: wavelengths longer than the first length / `lowFactor` are divided by the factor, those
    /// shorter than it / `highFactor` stay, a ramp lies between.
    case llama3(factor: Double, lowFactor: Double, highFactor: Double, originalPositions: Double)
  }

  /// A plain Llama decoder of the given size, tied embeddings, one key head a query head.
  /// - Precondition: the heads divide the width into an even head width.
  public static func small(
    width: Int, layers: Int, heads: Int, feedForwardWidth: Int, vocabularySize: Int,
    maximumPositions: Int = 1024
  ) -> DecoderDescription {
    precondition(
      width % (2 * heads) == 0, "\(heads) heads do not divide width \(width) into even widths")
    return DecoderDescription(
      width: width, layers: layers, heads: heads, keyValueHeads: heads, headWidth: width / heads,
      feedForwardWidth: feedForwardWidth, vocabularySize: vocabularySize,
      maximumPositions: maximumPositions, normEpsilon: 1e-5, ropeTheta: 10000, ropeScaling: nil,
      tiesEmbeddings: true)
  }

  /// Radians a position, `[headWidth / 2]`.
  ///
  /// Source: `ROPE_INIT_FUNCTIONS` of transformers 4.57 (`modeling_rope_utils.py`).
  var inverseFrequencies: [Float] {
    let plain = RotaryTable.inverseFrequencies(headDimension: headWidth, theta: ropeTheta)
    switch ropeScaling {
    case nil: return plain
    case .linear(let factor): return plain.map { Float(Double($0) / factor) }
    case .llama3(let factor, let lowFactor, let highFactor, let originalPositions):
      return plain.map { frequency in
        let turns = originalPositions * Double(frequency) / (2 * Double.pi)
        if turns < lowFactor { return Float(Double(frequency) / factor) }
        if turns > highFactor { return frequency }
        let smooth = (turns - lowFactor) / (highFactor - lowFactor)
        return Float((1 - smooth) * Double(frequency) / factor + smooth * Double(frequency))
      }
    }
  }
}
