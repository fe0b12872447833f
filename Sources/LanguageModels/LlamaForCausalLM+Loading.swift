import Configuration
import Layers
import Storage
import Tensors

/// The architectures that a model folder may hold, by the names that configs and `model_type` use.
public enum PretrainedKind: String, Sendable, CaseIterable {
  case llama
  case qwen2
  case qwen3
  case smollm3

  /// transformers' name of the class.
  public var className: String {
    switch self {
    case .llama: "LlamaForCausalLM"
    case .qwen2: "Qwen2ForCausalLM"
    case .qwen3: "Qwen3ForCausalLM"
    case .smollm3: "SmolLM3ForCausalLM"
    }
  }
}

extension DecoderDescription {
  /// What the `config.json` of a model of one kind says.
  ///
  /// - Parameter kind: either when nil.
  /// - Throws: as ``init(_:)``, and `ModelFileError` if the folder holds a model of another kind.
  public init(_ folder: ModelFolder, kind: PretrainedKind?) throws {
    try self.init(folder)
    guard let kind else { return }
    let type = try folder.json("config.json")["model_type"]?.string ?? ""
    guard type == kind.rawValue else {
      throw ModelFileError(
        file: folder.file("config.json").path, key: "model_type",
        rule: "is \"\(type)\": the experiment says kind: \(kind.rawValue). Write kind: \(type)")
    }
  }
}

extension LlamaForCausalLM {
  /// Reads a model of Hugging Face's layout; f16, bf16 and f32 weights become what the store keeps.
  ///
  /// - Parameters:
  ///   - kind: what the folder must hold; either when nil.
  ///   - choice: with `random` only `config.json` is read; matrices start normal with its
  ///     `initializer_range`, norms 1, biases 0, always with the same numbers.
  ///   - executor: whose threads convert the weights.
  /// - Throws: `ModelFileError` for what `config.json` says, or a weight that is absent or of
  ///   another shape; `ModelFolderError` or `SafetensorsError` for a file that can't be read.
  public init(
    _ folder: ModelFolder, kind: PretrainedKind? = nil, weights choice: WeightsChoice = .pretrained,
    store: ParameterStore, executor: LaneExecutor
  ) throws {
    let description = try DecoderDescription(folder, kind: kind)
    guard choice == .pretrained else {
      let key = RandomKey(seed: 0).named("weights")
      try self.init(description, in: ParameterScope(store: store, random: key))
      return
    }
    let weights = try folder.weights
    let path = weights.files.first?.url.path ?? "the checkpoint"
    let reader = CheckpointReader(shape: weights.shape(of:)) { name, values in
      try weights.read(name, into: values)
    } refusal: { name, mismatch in
      switch mismatch {
      case .missing:
        ModelFileError(
          file: path, key: name, rule: "is missing: config.json describes another model")
      case .shape(let found, let expected):
        ModelFileError(
          file: path, key: name, rule: "has shape \(found), config.json asks for \(expected)")
      }
    }
    try self.init(description, in: reader.scope(store: store))
    try reader.run(on: executor)
  }

  public func copied(prefix: String) throws -> LlamaForCausalLM {
    try LlamaForCausalLM(
      description, in: .copies(of: parameters, dropping: namePrefix.count, prefix: prefix))
  }

  /// What stands before the checkpoint's names.
  private var namePrefix: Substring {
    embeddingTable.name.dropLast("model.embed_tokens.weight".count)
  }
}

extension ParameterScope {
  /// Weights of a store of their own with the values and the formats of others.
  ///
  /// - Parameters:
  ///   - length: of what stands before the others' names.
  ///   - prefix: stands before the new ones instead.
  static func copies(
    of parameters: [Parameter], dropping length: Int, prefix: String
  ) -> ParameterScope {
    let own = Dictionary(parameters.map { ($0.name.dropFirst(length), $0) }) { first, _ in first }
    let store = ParameterStore(matrices: parameters.first?.store.matrices ?? .float32)
    return ParameterScope(
      store: store, prefix: prefix,
      format: { name, _, values in
        guard let source = own[name.dropFirst(prefix.count)] else {
          preconditionFailure("a model of the same description has a weight \(name)")
        }
        values.update(from: source)
      })
  }
}
