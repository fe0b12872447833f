import Foundation
import LanguageModels
import Reports
import Tensors

/// What `dragoman bench step` prints.
public struct StepReport: Encodable, Sendable {
  public var model: String
  public var weights: String
  public var images: Int
  public var visualTokens: Int
  public var captionTokens: Int
  public var lanes: Int
  public var threads: Int
  /// Median over the steps; the first, which warms up, is left out.
  public var secondsPerStep: Double
  public var samplesPerSecond: Double
  public var processorSecondsPerStep: Double
  /// Of each step, the first left out.
  public var seconds: [Double]
  /// Of every step, the first one too, before its update.
  public var losses: [Double]
  public var stepFlops: Double
  public var flopsPerSecond: Double
  /// Of `x Wᵀ` at the size of a lane's FFN, before and after the steps.
  public var productFlopsPerSecond: Double
  public var productShape: [Int]
  public var shareOfProducts: Double
  public var activationBytes: Int
  public var peakMemoryBytes: Int
  /// What multiplies, and its kernels.
  public var products: String
  public var precision: String

  /// Runs one step to warm up and then `steps` of them.
  ///
  /// - Parameter dump: input of the PyTorch benchmark; random input of `sizes` when nil.
  public init(
    _ model: BenchmarkModel, sizes: TrainingStepBenchmark.Sizes, dump: URL?, steps: Int, lanes: Int,
    precision: ComputePrecision, threads: Int
  ) throws {
    let language = try model.languageModel(
      precision: precision, executor: LaneExecutor(threads: threads))
    let vocabulary = language.vocabularySize
    let benchmark =
      try dump.map { try TrainingStepBenchmark(dump: $0, vocabulary: vocabulary) }
      ?? TrainingStepBenchmark(sizes, vocabulary: vocabulary)
    let tokens = benchmark.images.reduce(0) { $0 + SequenceBatch.supervisedTokens(of: $1) }
    let images = benchmark.images.count
    let rows = max(1, (images * benchmark.patches + tokens) / lanes)
    let rate = ProductRate(
      rows: rows, inputs: language.width, outputs: language.description.feedForwardWidth,
      precision: precision)
    let before = rate.measure(threads: threads)
    let result = try benchmark.run(language, steps: steps + 1, lanes: lanes, threads: threads)
    let after = rate.measure(threads: threads)
    self.model = model.folder.reference
    weights = model.weights.rawValue
    self.images = images
    visualTokens = benchmark.patches
    captionTokens = tokens
    self.lanes = lanes
    self.threads = threads
    seconds = Array(result.seconds.dropFirst())
    secondsPerStep = seconds.median
    samplesPerSecond = Double(images) / secondsPerStep
    processorSecondsPerStep = Array(result.processorSeconds.dropFirst()).median
    losses = result.losses
    stepFlops = result.stepFLOPs
    flopsPerSecond = stepFlops / secondsPerStep
    productFlopsPerSecond = (before + after) / 2
    productShape = [rate.rows, rate.inputs, rate.outputs]
    shareOfProducts = flopsPerSecond / productFlopsPerSecond
    activationBytes = result.activationBytes
    peakMemoryBytes = KernelInformation.peakMemoryBytes
    products = precision.productsText
    self.precision = precision.rawValue
  }

  public var text: String {
    let seconds = NumberFormat.decimals(3)
    var lines = LabelledLines()
    lines.add(
      "seconds a step",
      "\(seconds.text(secondsPerStep)) (median of \(self.seconds.count), "
        + "\(seconds.text(self.seconds.min() ?? 0)) to \(seconds.text(self.seconds.max() ?? 0)))")
    lines.add("samples a second", NumberFormat.significant(3).text(samplesPerSecond))
    lines.add("processor seconds", seconds.text(processorSecondsPerStep))
    lines.add("work of a step", NumberFormat.amount(stepFlops, "FLOP"))
    let share = NumberFormat.decimals(0).text(100 * shareOfProducts)
    lines.add(
      "rate",
      "\(NumberFormat.amount(flopsPerSecond, "FLOP/s")), \(share) % of the products beside it")
    let shape = productShape.map(String.init).joined(separator: "×")
    lines.add(
      "products beside it",
      "\(NumberFormat.amount(productFlopsPerSecond, "FLOP/s")): \(shape), one product a thread, "
        + "\(products)")
    lines.add("losses", losses.map { NumberFormat.decimals(6).text($0) }.joined(separator: " "))
    lines.add(
      "memory",
      "\(NumberFormat.bytes(peakMemoryBytes)) at peak, of which activations and gradients "
        + NumberFormat.bytes(activationBytes))
    return "Training step of an MLP projector, \(model) frozen (weights: \(weights)):\n"
      + "\(images) images, \(visualTokens) visual tokens each, \(captionTokens) caption tokens in all; "
      + "\(lanes) lanes, \(threads) threads\n" + lines.text
  }
}
