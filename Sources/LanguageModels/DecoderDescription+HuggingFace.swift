import Storage

extension DecoderDescription {
  /// What the `config.json` of a `LlamaForCausalLM` or `Qwen2ForCausalLM` says.
  ///
  /// - Throws: ``LanguageModelError`` with the key that is absent, malformed or not supported;
  ///   `ModelFolderError` if the file can't be read.
  public init(_ folder: ModelFolder) throws {
    try self.init(try folder.json("config.json"), path: folder.file("config.json").path)
  }

  /// - Parameter path: the file's name, for messages.
  init(_ json: JSONValue, path: String) throws(LanguageModelError) {
    let file = DecoderFile(json: json, path: path)
    let type = try file.require(.string, "model_type")
    guard let isQwen2 = ["llama": false, "qwen2": true][type] else {
      throw file.reject("model_type", "must be \"llama\" or \"qwen2\", got \"\(type)\"")
    }
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
        "num_key_value_heads", "must divide num_attention_heads \(heads), got \(keyValueHeads)")
    }
    if try file.value(.integer, "head_dim") == nil, width % heads != 0 {
      throw file.reject(
        "num_attention_heads",
        "must divide hidden_size \(width) where head_dim is absent, got \(heads)")
    }
    headWidth = try file.count("head_dim", else: width / heads)
    guard headWidth % 2 == 0 else {
      throw file.reject("head_dim", "must be even for rotary positions, got \(headWidth)")
    }
    normEpsilon = Float(try file.positive("rms_norm_eps", else: 1e-6))
    tiesEmbeddings = try file.value(.bool, "tie_word_embeddings") ?? false
    let attentionBias = try file.value(.bool, "attention_bias") ?? false
    let feedForwardBias = try file.value(.bool, "mlp_bias") ?? false
    hasQueryKeyValueBias = isQwen2 || attentionBias
    hasOutputBias = !isQwen2 && attentionBias
    hasFeedForwardBias = !isQwen2 && feedForwardBias
    initializerRange = Float(try file.positive("initializer_range", else: 0.02))
    // transformers 5 writes `rope_parameters`, which holds the base too.
    let hasParameters = try file.value(.object, "rope_parameters") != nil
    let rope = try file.member(hasParameters ? "rope_parameters" : "rope_scaling")
    let oldTheta = try file.positive("rope_theta", else: 10000)
    ropeTheta = try rope?.positive("rope_theta", else: oldTheta) ?? oldTheta
    ropeScaling = try rope?.ropeScaling()
  }
}

/// Typed reading of one JSON object of `config.json`.
private struct DecoderFile {
  let json: JSONValue
  let path: String
  /// Keys that lead here, each with its point.
  var prefix = ""

  struct Kind<Value> {
    let name: String
    let read: (JSONValue) -> Value?
  }

  func reject(_ key: String, _ rule: String) -> LanguageModelError {
    LanguageModelError(path: path, key: prefix + key, rule: rule)
  }

  /// The member of a key; nil where it is absent or null.
  func value<Value>(
    _ kind: Kind<Value>, _ key: String
  ) throws(LanguageModelError) -> Value? {
    guard json.object != nil else {
      throw LanguageModelError(path: path, key: nil, rule: "must hold a JSON object")
    }
    guard let member = json[key], !member.isNull else { return nil }
    guard let value = kind.read(member) else { throw reject(key, "must be \(kind.name)") }
    return value
  }

  func require<Value>(
    _ kind: Kind<Value>, _ key: String
  ) throws(LanguageModelError) -> Value {
    guard let value = try value(kind, key) else { throw reject(key, "is missing") }
    return value
  }

  func count(
    _ key: String, else substitute: Int? = nil
  ) throws(LanguageModelError) -> Int {
    guard let value = try value(.integer, key) ?? substitute else {
      throw reject(key, "is missing")
    }
    guard value >= 1, value <= 1 << 31 else {
      throw reject(key, "must be at least 1 and at most 2^31, got \(value)")
    }
    return value
  }

  func positive(
    _ key: String, else substitute: Double? = nil
  ) throws(LanguageModelError) -> Double {
    guard let value = try value(.number, key) ?? substitute else {
      throw reject(key, "is missing")
    }
    guard value > 0, value.isFinite else { throw reject(key, "must be positive, got \(value)") }
    return value
  }

  func member(_ key: String) throws(LanguageModelError) -> DecoderFile? {
    guard try value(.object, key) != nil, let member = json[key] else { return nil }
    return DecoderFile(json: member, path: path, prefix: prefix + key + ".")
  }

  func checkSupported() throws(LanguageModelError) {
    let activation = try value(.string, "hidden_act") ?? "silu"
    guard activation == "silu" || activation == "swish" else {
      throw reject("hidden_act", "must be \"silu\", got \"\(activation)\"")
    }
    if try value(.bool, "use_sliding_window") ?? false {
      throw reject("use_sliding_window", "true is not supported: attention sees all rows before")
    }
    let types = try value(.array, "layer_types") ?? []
    if let other = types.first(where: { $0.string != "full_attention" }) {
      throw reject(
        "layer_types", "only \"full_attention\" is supported, got \"\(other.string ?? "?")\"")
    }
    if try value(.any, "quantization_config") != nil {
      throw reject(
        "quantization_config",
        "is not supported: take the float16, bfloat16 or float32 checkpoint of the model")
    }
  }

  func ropeScaling() throws(LanguageModelError) -> DecoderDescription.RopeScaling? {
    // `type` is what `rope_type` was called before.
    let oldType = try value(.string, "type")
    let type = try value(.string, "rope_type") ?? oldType ?? "default"
    switch type {
    case "default": return nil
    case "linear": return .linear(factor: try positive("factor"))
    case "llama3":
      let low = try positive("low_freq_factor")
      let high = try positive("high_freq_factor")
      guard high > low else {
        throw reject("high_freq_factor", "must be above low_freq_factor \(low), got \(high)")
      }
      return .llama3(
        factor: try positive("factor"), lowFactor: low, highFactor: high,
        originalPositions: try positive("original_max_position_embeddings"))
    default:
      throw reject("rope_type", "must be default, linear or llama3, got \"\(type)\"")
    }
  }
}

extension DecoderFile.Kind where Value == Int {
  static var integer: Self { .init(name: "an integer", read: \.int) }
}
extension DecoderFile.Kind where Value == Double {
  static var number: Self { .init(name: "a number", read: \.double) }
}
extension DecoderFile.Kind where Value == Bool {
  static var bool: Self { .init(name: "true or false", read: \.bool) }
}
extension DecoderFile.Kind where Value == String {
  static var string: Self { .init(name: "a string", read: \.string) }
}
extension DecoderFile.Kind where Value == [JSONValue] {
  static var array: Self { .init(name: "a list", read: \.array) }
}
extension DecoderFile.Kind where Value == [String: JSONValue] {
  static var object: Self { .init(name: "an object", read: \.object) }
}
extension DecoderFile.Kind where Value == JSONValue {
  static var any: Self { .init(name: "present") { $0 } }
}
