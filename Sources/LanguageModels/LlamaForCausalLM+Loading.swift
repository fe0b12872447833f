import Layers
import Storage
import Tensors

extension LlamaForCausalLM {
  /// Reads a model of Hugging Face's layout; f16, bf16 and f32 weights become float32 in the store.
  ///
  /// - Parameter executor: whose threads convert the weights.
  /// - Throws: ``LanguageModelError`` for what `config.json` says, or a weight that is absent or of
  ///   another shape; `ModelFolderError` or `SafetensorsError` for a file that can't be read.
  public init(
    _ folder: ModelFolder, store: ParameterStore, executor: LaneExecutor
  ) throws {
    let description = try DecoderDescription(folder)
    let weights = try folder.weights
    let path = weights.files.first?.url.path ?? "the checkpoint"
    let reader = CheckpointReader(shape: weights.shape(of:)) { name, values in
      try weights.read(name, into: values)
    } refusal: { name, mismatch in
      switch mismatch {
      case .missing:
        LanguageModelError(
          path: path, key: name, rule: "is missing: config.json describes another model")
      case .shape(let found, let expected):
        LanguageModelError(
          path: path, key: name, rule: "has shape \(found), config.json asks for \(expected)")
      }
    }
    try self.init(description, in: reader.scope(store: store))
    try reader.run(on: executor)
  }
}
