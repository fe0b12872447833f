import Configuration
import LanguageModels
import Layers
import Reports
import Synchronization
import Tensors

/// What `dragoman bench generate` prints.
public struct GenerationReport: Encodable, Sendable {
  public var model: String
  public var weights: String
  /// Captions generated together, one such batch a thread.
  public var batch: Int
  public var visualTokens: Int
  public var newTokens: Int
  public var threads: Int
  /// From the files to weights in memory, converted to 32 bits; of random weights, making them.
  public var loadingSeconds: Double
  /// New tokens over all the time, prefixes too.
  public var tokensPerSecond: Double
  /// New tokens over the time after the prefixes.
  public var decodingTokensPerSecond: Double
  /// Prefix rows over the time to the first logits.
  public var prefixRowsPerSecond: Double
  public var captionsPerSecond: Double
  public var processorSecondsPerToken: Double
  public var peakMemoryBytes: Int
  public var blasKernel: String

  /// Greedy decoding of one batch a thread, from random visual tokens; no sequence ends early.
  ///
  /// - Throws: ``BenchmarkError`` for more rows than the model has positions.
  public init(
    _ model: BenchmarkModel, batch: Int, visualTokens: Int, newTokens: Int, threads: Int
  ) throws {
    let loading = Stopwatch()
    let language = try model.languageModel(executor: LaneExecutor(threads: threads))
    loadingSeconds = loading.seconds
    guard visualTokens + newTokens <= language.maximumPositions else {
      throw BenchmarkError(
        description: "\(visualTokens) visual and \(newTokens) new tokens are more than the "
          + "\(language.maximumPositions) positions of the model.")
    }
    let run = GenerationTiming(
      model: language, batch: batch, prefix: visualTokens, threads: threads)
    _ = run.seconds(newTokens: 2)
    let watch = Stopwatch()
    let (first, total) = run.seconds(newTokens: newTokens)
    let processorSeconds = watch.processorSeconds
    let sequences = batch * threads
    self.model = model.folder.reference
    weights = model.weights.rawValue
    self.batch = batch
    self.visualTokens = visualTokens
    self.newTokens = newTokens
    self.threads = threads
    tokensPerSecond = Double(sequences * newTokens) / total
    // The first token comes with the prefixes.
    decodingTokensPerSecond = Double(sequences * (newTokens - 1)) / max(total - first, 1e-9)
    prefixRowsPerSecond = Double(sequences * visualTokens) / first
    captionsPerSecond = Double(sequences) / total
    processorSecondsPerToken = processorSeconds / Double(sequences * newTokens)
    peakMemoryBytes = KernelInformation.peakMemoryBytes
    blasKernel = BLASInformation.kernel
  }

  public var text: String {
    var lines = LabelledLines()
    let rate = NumberFormat.significant(3)
    lines.add(
      "tokens a second",
      "\(rate.text(tokensPerSecond)) in all; \(rate.text(decodingTokensPerSecond)) after the prefix"
    )
    lines.add("prefix rows a second", rate.text(prefixRowsPerSecond))
    lines.add("captions a second", rate.text(captionsPerSecond))
    lines.add(
      "processor seconds", "\(NumberFormat.decimals(4).text(processorSecondsPerToken)) a token")
    lines.add("loading", "\(rate.text(loadingSeconds)) s")
    lines.add(
      "memory", "\(NumberFormat.bytes(peakMemoryBytes)) at peak; OpenBLAS \(blasKernel)")
    return "Greedy decoding, \(model) (weights: \(weights)):\n"
      + "\(batch) captions together, \(threads) such batches at a time; \(visualTokens) visual tokens, "
      + "\(newTokens) new tokens each\n" + lines.text
  }
}

/// Times generation from random prefixes, one batch a thread.
struct GenerationTiming {
  let model: any LanguageModel
  let batch: Int
  /// Rows before the first new token.
  let prefix: Int
  let threads: Int
  private let pool = BufferPool()

  init(model: any LanguageModel, batch: Int, prefix: Int, threads: Int) {
    self.model = model
    self.batch = batch
    self.prefix = prefix
    self.threads = threads
  }

  /// Seconds to the first logits, mean over the threads, and to the end.
  func seconds(newTokens: Int) -> (first: Double, total: Double) {
    let (model, batch, prefix, pool) = (model, batch, prefix, pool)
    let firsts = Mutex<[Double]>([])
    let watch = Stopwatch()
    LaneExecutor(threads: threads).run(count: threads) { thread in
      let tape = Tape(pool: pool, recordsGradients: false)
      let rows = tape.tensor(rows: batch * prefix, width: model.width) {
        RandomStream.fillNormal($0, key: RandomKey(seed: 0).numbered(thread), deviation: 0.02)
      }
      var isFirst = true
      _ = Generator(model).generate(
        prefixes: GenerationPrefixes(Rows(rows, .uniform(count: batch, length: prefix))),
        maxNewTokens: newTokens,
        endTokens: [], in: Context(tape: tape)
      ) { _, _ in
        if isFirst { firsts.withLock { $0.append(watch.seconds) } }
        isFirst = false
      }
    }
    let total = watch.seconds
    let times = firsts.withLock { $0 }
    return (times.reduce(0, +) / Double(max(times.count, 1)), total)
  }
}
