import Storage

extension DecoderDescription {
  /// What the `config.json` of a model of one of the ``PretrainedKind``s says.
  ///
  /// - Parameter types: the values of `model_type` that are taken.
  /// - Throws: `ModelFileError` with the key that is absent, malformed or not supported;
  ///   `ModelFolderError` if the file can't be read.
  public init(_ folder: ModelFolder, modelTypes types: [String] = Self.modelTypes) throws {
    try self.init(ModelConfigFile(folder), modelTypes: types)
  }

  /// Every `model_type` that is understood.
  public static let modelTypes = PretrainedKind.allCases.map(\.rawValue)

  init(
    _ file: ModelConfigFile, modelTypes types: [String] = Self.modelTypes
  ) throws(ModelFileError) {
    let type = try file.modelType(among: types, kind: "language model")
    let kind = PretrainedKind(rawValue: type) ?? .llama
    let isQwen2 = kind == .qwen2
    try file.checkSupported()
    width = try file.count("hidden_size")
    layers = try file.count("num_hidden_layers")
    heads = try file.count("num_attention_heads")
    keyValueHeads = try file.count("num_key_value_heads", else: heads)
    feedForwardWidth = try file.count("intermediate_size")
    vocabularySize = try file.count("vocab_size")
    maximumPositions = try file.count("max_position_embeddings", else: 2048)
    guard heads % keyValueHeads == 0 else {
      throw file.reject(
        "num_key_value_heads", "must divide num_attention_heads \(heads)", "\(keyValueHeads)")
    }
    // Qwen3's configuration has a head width of its own where the file says none.
    let ownHeadWidth = kind == .qwen3 ? 128 : nil
    if ownHeadWidth == nil, !file.contains("head_dim"), width % heads != 0 {
      throw file.reject(
        "num_attention_heads", "must divide hidden_size \(width) where head_dim is absent",
        "\(heads)")
    }
    headWidth = try file.count("head_dim", else: ownHeadWidth ?? width / heads)
    guard headWidth % 2 == 0 else {
      throw file.reject("head_dim", "must be even for rotary positions", "\(headWidth)")
    }
    normEpsilon = Float(try file.positive("rms_norm_eps", else: 1e-6))
    tiesEmbeddings = try file.bool("tie_word_embeddings", else: false)
    let attentionBias = try file.bool("attention_bias", else: false)
    let feedForwardBias = try file.bool("mlp_bias", else: false)
    hasQueryKeyValueBias = isQwen2 || attentionBias
    hasOutputBias = !isQwen2 && attentionBias
    hasFeedForwardBias = !isQwen2 && feedForwardBias
    initializerRange = Float(try file.positive("initializer_range", else: 0.02))
    // transformers 5 writes `rope_parameters`, which holds the base too.
    let rope = try file.member(
      file.contains("rope_parameters") ? "rope_parameters" : "rope_scaling")
    let oldTheta = try file.positive("rope_theta", else: kind == .smollm3 ? 2_000_000 : 10000)
    ropeTheta = try rope?.positive("rope_theta", else: oldTheta) ?? oldTheta
    ropeScaling = try rope?.ropeScaling()
    normsQueriesAndKeys = kind == .qwen3
    if kind == .smollm3 { layersWithoutRotary = try file.layersWithoutRotary(of: layers) }
  }
}

extension ModelConfigFile {
  fileprivate func checkSupported() throws(ModelFileError) {
    let activation = try string("hidden_act", else: "silu")
    guard activation == "silu" || activation == "swish" else {
      throw reject("hidden_act", "must be silu", activation)
    }
    if try bool("use_sliding_window", else: false) {
      throw reject("use_sliding_window", "true is not supported: attention sees all rows before")
    }
    let types = try strings("layer_types", else: [])
    if let other = types.first(where: { $0 != "full_attention" }) {
      throw reject("layer_types", "may only hold full_attention", other)
    }
    if contains("quantization_config") {
      throw reject(
        "quantization_config",
        "is not supported: take the float16, bfloat16 or float32 checkpoint of the model")
    }
  }

  /// Those with a 0 in `no_rope_layers`, which in spite of its name has a 1 for a layer that rotates; where it
  /// is absent, every `no_rope_layer_interval`-th.
  fileprivate func layersWithoutRotary(of layers: Int) throws(ModelFileError) -> Set<Int> {
    let interval = try count("no_rope_layer_interval", else: 4)
    let flags = try integers(
      "no_rope_layers", else: (1...layers).map { $0 % interval == 0 ? 0 : 1 })
    guard flags.count == layers, flags.allSatisfy({ $0 == 0 || $0 == 1 }) else {
      throw reject(
        "no_rope_layers", "must hold a 0 or 1 for each of the \(layers) layers", "\(flags)")
    }
    return Set(flags.indices.filter { flags[$0] == 0 })
  }

  fileprivate func ropeScaling() throws(ModelFileError) -> DecoderDescription.RopeScaling? {
    // `type` is what `rope_type` was called before.
    let type = try string("rope_type", else: try string("type", else: "default"))
    switch type {
    case "default": return nil
    case "linear": return .linear(factor: try positive("factor"))
    case "llama3":
      let low = try positive("low_freq_factor")
      let high = try positive("high_freq_factor")
      guard high > low else {
        throw reject("high_freq_factor", "must be above low_freq_factor \(low)", "\(high)")
      }
      return .llama3(
        factor: try positive("factor"), lowFactor: low, highFactor: high,
        originalPositions: try positive("original_max_position_embeddings"))
    default:
      throw reject("rope_type", "must be default, linear or llama3", type)
    }
  }
}
