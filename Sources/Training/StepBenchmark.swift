import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors

/// The training step that a projector run repeats, by itself: a frozen language model, an
/// `mlp2x_gelu` projector, one caption an image, the loss on the caption's tokens, gradients clipped to 1
/// and AdamW at rate 1e-3 without decay.
///
/// It reads what the PyTorch benchmark of the same step dumps (`features [image, patch, width]`, `input_ids
/// [image, token]`, `lengths [image]`, `projector.0.weight` …), so losses can be compared step by step.
public struct TrainingStepBenchmark: Sendable {
  /// What a run of steps took and gave.
  public struct Result: Sendable {
    /// Wall-clock seconds of each step.
    public var seconds: [Double] = []
    /// Processor seconds of each step, all threads: what the step costs whoever else runs here.
    public var processorSeconds: [Double] = []
    /// Loss of each step before its update.
    public var losses: [Double] = []
    /// Multiplications and additions of a step: forward, and backward to the visual tokens.
    public var stepFLOPs = 0.0
    /// The most bytes of activations and gradients in use at one time.
    public var peakBytes = 0
  }

  private let features: [Float]
  private let patches: Int
  private let featureWidth: Int
  private let images: [CaptionedImage]
  private let startValues: [String: [Float]]

  /// - Throws: `SafetensorsError` if the dump can't be read or lacks a tensor.
  public init(dump: URL) throws {
    let file = try SafetensorsFile(dump)
    features = try file.floats("features")
    let shape = file.info("features")?.shape ?? []
    precondition(shape.count == 3, "features of a dump are [image, patch, width], got \(shape)")
    let patches = shape[1]
    self.patches = patches
    featureWidth = shape[2]
    let ids = try file.int64s("input_ids").map { Int32($0) }
    let longest = ids.count / shape[0]
    images = try file.int64s("lengths").enumerated().map { image, length in
      let start = image * longest
      return CaptionedImage(
        visualTokens: patches, captions: [Array(ids[start..<start + Int(length)])])
    }
    startValues = try ["0.weight", "0.bias", "2.weight", "2.bias"].reduce(into: [:]) {
      $0[$1] = try file.floats("projector.\($1)")
    }
  }

  /// Runs `steps` updates of a fresh projector.
  public func run(
    _ model: any LanguageModel, steps: Int, lanes laneCount: Int, threads: Int
  ) throws -> Result {
    let store = ParameterStore()
    let projector = try MLPProjector(
      patchWidth: featureWidth, languageWidth: model.width,
      in: ParameterScope(store: store) { name, _, values in
        _ = values.update(fromContentsOf: startValues[name] ?? [])
      })
    projector.setTrainable(true)
    var options = AdamW.Options()
    options.weightDecay = 0
    options.clipNorm = 1
    let optimizer = AdamW(
      projector.parameters, options: options, executor: LaneExecutor(threads: threads))
    let lanes = Lanes(count: laneCount, threads: threads)
    let scale = 1 / Float(CaptionBatch.supervisedTokens(images, end: nil))
    let shares = Lanes.split(images.count, lanes: laneCount)
    let batches = shares.map { CaptionBatch(images: Array(images[$0]), end: nil) }
    var result = Result()
    for _ in 0..<steps {
      let start = (ContinuousClock.now, processorSeconds())
      let loss = lanes.gradients(of: projector.parameters) { lane, tape in
        guard !shares[lane].isEmpty else { return nil }
        let context = Context(tape: tape, mode: .training)
        let visual = projector(features(of: shares[lane], on: tape), in: context)
        return model.captionLoss(visual: visual.tensor, batches[lane], scale: scale, in: context)
      }
      optimizer.step(learningRate: 1e-3)
      result.seconds.append((ContinuousClock.now - start.0) / .seconds(1))
      result.processorSeconds.append(processorSeconds() - start.1)
      result.losses.append(loss)
    }
    let projection = Double(projector.flopsPerSample(patches: patches) * images.count)
    // Backward: the inputs' gradients of the frozen model, inputs' and weights' of the projector.
    result.stepFLOPs =
      batches.reduce(0) { $0 + 2 * model.forwardFLOPs($1.work) } + 3 * projection
    result.peakBytes = lanes.pool.peakBytes
    return result
  }

  private func features(of share: Range<Int>, on tape: Tape) -> Rows {
    let count = patches * featureWidth
    let tensor = tape.tensor(rows: share.count * patches, width: featureWidth) { values in
      _ = values.update(
        fromContentsOf: features[share.lowerBound * count..<share.upperBound * count])
    }
    return Rows(tensor, .uniform(count: share.count, length: patches))
  }

  /// Multiplications and additions a second of `x Wᵀ` at the given size, one product a thread at a time:
  /// what the machine gives while others use it too.
  public static func productRate(
    rows: Int, inputs: Int, outputs: Int, threads: Int, repetitions: Int
  ) -> Double {
    let store = ParameterStore()
    let weight = store.add("weight", shape: [outputs, inputs]) { $0.update(repeating: 0.5) }
    let executor = LaneExecutor(threads: threads)
    let pool = BufferPool()
    let multiply: @Sendable (Int) -> Void = { _ in
      let tape = Tape(pool: pool, recordsGradients: false)
      let input = tape.tensor(rows: rows, width: inputs) { $0.update(repeating: 0.25) }
      for _ in 0..<repetitions {
        _ = tape.scoped { tape.linear(input, weight) }
      }
    }
    executor.run(count: threads, multiply)
    let start = ContinuousClock.now
    executor.run(count: threads, multiply)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return 2 * Double(rows * inputs * outputs * repetitions * threads) / seconds
  }
}

private func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
