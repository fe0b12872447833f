import Configuration
import Layers
import Storage
import Tensors

extension LlamaForCausalLM {
  /// Reads a model of Hugging Face's layout; f16, bf16 and f32 weights become float32 in the store.
  ///
  /// - Parameters:
  ///   - choice: with `random` only `config.json` is read; matrices start normal with its
  ///     `initializer_range`, norms 1, biases 0, always with the same numbers.
  ///   - executor: whose threads convert the weights.
  /// - Throws: `ModelFileError` for what `config.json` says, or a weight that is absent or of
  ///   another shape; `ModelFolderError` or `SafetensorsError` for a file that can't be read.
  public init(
    _ folder: ModelFolder, weights choice: WeightsChoice = .pretrained, store: ParameterStore,
    executor: LaneExecutor
  ) throws {
    let description = try DecoderDescription(folder)
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
    let own = Dictionary(
      parameters.map { ($0.name.dropFirst(namePrefix.count), $0) }
    ) { first, _ in first }
    return try LlamaForCausalLM(
      description,
      in: ParameterScope(store: ParameterStore(), prefix: prefix) { name, _, values in
        guard let source = own[name.dropFirst(prefix.count)] else {
          preconditionFailure("a model of the same description has a weight \(name)")
        }
        source.store.withValues(of: source) { _ = values.update(fromContentsOf: $0) }
      })
  }

  /// What stands before the checkpoint's names.
  private var namePrefix: Substring {
    embeddingTable.name.dropLast("model.embed_tokens.weight".count)
  }
}
