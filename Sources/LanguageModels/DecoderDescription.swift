import Foundation
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

extension DecoderDescription {
  /// Reads the `config.json` of a `LlamaForCausalLM` or `Qwen2ForCausalLM`.
  ///
  /// - Parameter path: the file's name, for messages.
  /// - Throws: ``LanguageModelError``: what is absent, malformed or not supported, and where.
  public init(json: Data, path: String) throws(LanguageModelError) {
    let file: HuggingFaceDecoderFile
    do {
      file = try JSONDecoder().decode(HuggingFaceDecoderFile.self, from: json)
    } catch {
      throw LanguageModelError(path: path, error)
    }
    func reject(_ key: String, _ rule: String) -> LanguageModelError {
      LanguageModelError(path: path, key: key, rule: rule)
    }
    let isQwen2: Bool
    switch file.modelType {
    case "llama": isQwen2 = false
    case "qwen2": isQwen2 = true
    case let type:
      throw reject("model_type", "must be \"llama\" or \"qwen2\", got \"\(type)\"")
    }
    guard ["silu", "swish"].contains(file.hiddenAct ?? "silu") else {
      throw reject("hidden_act", "must be \"silu\", got \"\(file.hiddenAct ?? "")\"")
    }
    if file.useSlidingWindow ?? false {
      throw reject("use_sliding_window", "true is not supported: attention sees all rows before")
    }
    if let other = file.layerTypes?.first(where: { $0 != "full_attention" }) {
      throw reject("layer_types", "only \"full_attention\" is supported, got \"\(other)\"")
    }
    if file.quantizationConfig != nil {
      throw reject(
        "quantization_config",
        "quantised weights are not supported; use the float16, bfloat16 or float32 checkpoint")
    }
    width = file.hiddenSize
    layers = file.numHiddenLayers
    heads = file.numAttentionHeads
    keyValueHeads = file.numKeyValueHeads ?? heads
    feedForwardWidth = file.intermediateSize
    vocabularySize = file.vocabSize
    maximumPositions = file.maxPositionEmbeddings ?? 2048
    for (key, value) in [
      ("hidden_size", width), ("num_hidden_layers", layers), ("num_attention_heads", heads),
      ("num_key_value_heads", keyValueHeads), ("intermediate_size", feedForwardWidth),
      ("vocab_size", vocabularySize), ("max_position_embeddings", maximumPositions),
    ] where value < 1 {
      throw reject(key, "must be at least 1, got \(value)")
    }
    guard heads % keyValueHeads == 0 else {
      throw reject(
        "num_key_value_heads", "must divide num_attention_heads \(heads), got \(keyValueHeads)")
    }
    if file.headDim == nil, width % heads != 0 {
      throw reject(
        "num_attention_heads", "must divide hidden_size \(width) as head_dim is absent, got \(heads)")
    }
    headWidth = file.headDim ?? width / heads
    guard headWidth > 0, headWidth % 2 == 0 else {
      throw reject("head_dim", "must be even for rotary positions, got \(headWidth)")
    }
    normEpsilon = file.rmsNormEps ?? 1e-6
    tiesEmbeddings = file.tieWordEmbeddings ?? false
    hasQueryKeyValueBias = isQwen2 || (file.attentionBias ?? false)
    hasOutputBias = !isQwen2 && (file.attentionBias ?? false)
    hasFeedForwardBias = !isQwen2 && (file.mlpBias ?? false)
    initializerRange = file.initializerRange ?? 0.02
    // transformers 5 writes `rope_parameters`, which holds the base too.
    ropeTheta = file.ropeParameters?.ropeTheta ?? file.ropeTheta ?? 10000
    guard ropeTheta > 0 else { throw reject("rope_theta", "must be positive, got \(ropeTheta)") }
    let key = file.ropeParameters != nil ? "rope_parameters" : "rope_scaling"
    ropeScaling = try (file.ropeParameters ?? file.ropeScaling).flatMap {
      scaling throws(LanguageModelError) in
      do throws(HuggingFaceDecoderFile.Rope.Problem) {
        return try scaling.checked()
      } catch {
        throw reject(key + "." + error.key, error.rule)
      }
    }
  }
}

/// `config.json` as Hugging Face writes it.
private struct HuggingFaceDecoderFile: Decodable {
  var modelType: String
  var hiddenSize: Int
  var intermediateSize: Int
  var numHiddenLayers: Int
  var numAttentionHeads: Int
  var numKeyValueHeads: Int?
  var headDim: Int?
  var vocabSize: Int
  var maxPositionEmbeddings: Int?
  var hiddenAct: String?
  var rmsNormEps: Float?
  var ropeTheta: Double?
  var ropeScaling: Rope?
  var ropeParameters: Rope?
  var attentionBias: Bool?
  var mlpBias: Bool?
  var tieWordEmbeddings: Bool?
  var useSlidingWindow: Bool?
  var layerTypes: [String]?
  var quantizationConfig: Present?
  var initializerRange: Float?

  enum CodingKeys: String, CodingKey {
    case modelType = "model_type"
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case numHiddenLayers = "num_hidden_layers"
    case numAttentionHeads = "num_attention_heads"
    case numKeyValueHeads = "num_key_value_heads"
    case headDim = "head_dim"
    case vocabSize = "vocab_size"
    case maxPositionEmbeddings = "max_position_embeddings"
    case hiddenAct = "hidden_act"
    case rmsNormEps = "rms_norm_eps"
    case ropeTheta = "rope_theta"
    case ropeScaling = "rope_scaling"
    case ropeParameters = "rope_parameters"
    case attentionBias = "attention_bias"
    case mlpBias = "mlp_bias"
    case tieWordEmbeddings = "tie_word_embeddings"
    case useSlidingWindow = "use_sliding_window"
    case layerTypes = "layer_types"
    case quantizationConfig = "quantization_config"
    case initializerRange = "initializer_range"
  }

  /// A value of any form.
  struct Present: Decodable {
    init(from decoder: any Decoder) {}
  }

  struct Rope: Decodable {
    var ropeType: String?
    /// What `rope_type` was called before.
    var type: String?
    var ropeTheta: Double?
    var factor: Double?
    var lowFreqFactor: Double?
    var highFreqFactor: Double?
    var originalMaxPositionEmbeddings: Double?

    enum CodingKeys: String, CodingKey {
      case ropeType = "rope_type"
      case type
      case ropeTheta = "rope_theta"
      case factor
      case lowFreqFactor = "low_freq_factor"
      case highFreqFactor = "high_freq_factor"
      case originalMaxPositionEmbeddings = "original_max_position_embeddings"
    }

    struct Problem: Error {
      let key: String
      let rule: String
    }

    func checked() throws(Problem) -> DecoderDescription.RopeScaling? {
      func positive(_ key: CodingKeys, _ value: Double?) throws(Problem) -> Double {
        guard let value, value > 0 else {
          throw Problem(
            key: key.rawValue, rule: "must be positive, got \(value.map { "\($0)" } ?? "nothing")")
        }
        return value
      }
      switch ropeType ?? type ?? "default" {
      case "default": return nil
      case "linear": return .linear(factor: try positive(.factor, factor))
      case "llama3":
        let low = try positive(.lowFreqFactor, lowFreqFactor)
        let high = try positive(.highFreqFactor, highFreqFactor)
        guard high > low else {
          throw Problem(
            key: CodingKeys.highFreqFactor.rawValue,
            rule: "must be above low_freq_factor \(low), got \(high)")
        }
        return .llama3(
          factor: try positive(.factor, factor), lowFactor: low, highFactor: high,
          originalPositions: try positive(
            .originalMaxPositionEmbeddings, originalMaxPositionEmbeddings))
      case let other:
        throw Problem(
          key: "rope_type", rule: "must be default, linear or llama3, got \"\(other)\"")
      }
    }
  }
}
