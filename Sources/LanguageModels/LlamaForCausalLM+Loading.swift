import Layers
import Storage
import Synchronization
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
    let reads = DeferredReads(try folder.weights)
    let scope = ParameterScope(store: store) { name, shape, values in
      try reads.append(name, shape: shape, values)
    }
    try self.init(description, in: scope)
    try reads.run(on: executor)
  }
}

/// Reads of a checkpoint, checked as they are asked for and then done by several threads at once: most of
/// the time goes to the first touch of the weights' pages.
private final class DeferredReads: Sendable {
  // The pointers stay valid while the store lives, and no two overlap.
  private struct Read: @unchecked Sendable {
    let name: String
    let values: UnsafeMutableBufferPointer<Float>
  }
  private let source: Storage.WeightSource
  private let reads = Mutex<[Read]>([])

  init(_ source: Storage.WeightSource) { self.source = source }

  func append(
    _ name: String, shape: [Int], _ values: UnsafeMutableBufferPointer<Float>
  ) throws(LanguageModelError) {
    let path = source.files.first?.url.path ?? "the checkpoint"
    guard let found = source.shape(of: name) else {
      throw LanguageModelError(
        path: path, key: name, rule: "is missing: config.json describes another model")
    }
    guard found == shape else {
      throw LanguageModelError(
        path: path, key: name, rule: "has shape \(found), config.json asks for \(shape)")
    }
    let read = Read(name: name, values: values)
    reads.withLock { $0.append(read) }
  }

  func run(on executor: LaneExecutor) throws(SafetensorsError) {
    // Large ones first, so that no thread is left with one at the end.
    let ordered = reads.withLock { $0 }.sorted { $0.values.count > $1.values.count }
    _ = try executor.map(count: ordered.count) { index throws(SafetensorsError) in
      try source.read(ordered[index].name, into: ordered[index].values)
    }
  }
}
