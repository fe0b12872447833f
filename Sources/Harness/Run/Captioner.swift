import LanguageModels
import Layers
import Tensors
import Training

/// Writes captions of images with a projector and a language model.
struct Captioner {
  let inputs: ExperimentInputs
  let decode: DecodeConfig
  let executor: LaneExecutor
  let pool: BufferPool
  let stop: StopSignal

  /// One caption for each place in the features, in that order.
  ///
  /// Batches are cut by `decode.batch` alone, so the captions do not depend on the threads.
  /// - Returns: nil when stopped.
  func captions(
    of images: [Int], by projector: any Projector, _ model: any LanguageModel,
    progress: @escaping @Sendable (Int) -> Void
  ) -> [String]? {
    let size = decode.batch
    let batches = stride(from: 0, to: images.count, by: size).map {
      Array(images[$0..<min($0 + size, images.count)])
    }
    let (inputs, decode, pool, stop) = (inputs, decode, pool, stop)
    let written = executor.map(count: batches.count) { index -> [String]? in
      guard !stop.isRequested else { return nil }
      let tape = Tape(pool: pool, recordsGradients: false)
      let context = Context(tape: tape)
      let patches = inputs.features.rows(of: batches[index], on: tape)
      let visual = projector(patches, in: context)
      let prefixes = model.prefixes(
        visual: visual, opening: inputs.format.opening,
        prompts: batches[index].map { _ in inputs.format.prompt }, in: context)
      let ids = Generator(model).generate(
        prefixes: prefixes, maxNewTokens: decode.maxNewTokens, endTokens: inputs.sequence.endTokens,
        strategy: Self.strategy(decode, batches[index]), in: context)
      progress(batches[index].count)
      return ids.map { tokens in
        let text = inputs.tokenizer.decode(tokens, skipSpecialTokens: true)
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      }
    }
    var all: [String] = []
    for batch in written {
      guard let batch else { return nil }
      all += batch
    }
    return all
  }

  private static func strategy(_ decode: DecodeConfig, _ images: [Int]) -> Generator.Strategy {
    switch decode.strategy {
    case .greedy: .greedy
    case .sample:
      .sample(
        temperature: Float(decode.temperature),
        keys: images.map {
          RandomKey(seed: UInt64(bitPattern: Int64(decode.seed))).named("sampling").numbered($0)
        })
    }
  }
}
