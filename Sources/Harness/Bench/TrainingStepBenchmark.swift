import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors
import Training

/// The training step that a projector run repeats, by itself: a frozen language model, an
/// `mlp2x_gelu` projector, one caption an image, the loss on the caption's tokens, gradients clipped to 1
/// and AdamW at rate 1e-3 without decay.
///
/// Its input is random, or what the PyTorch benchmark of the same step dumps (`features [image, patch,
/// width]`, `input_ids [image, token]`, `lengths [image]`, `projector.0.weight` …), so that losses can be
/// compared step by step.
public struct TrainingStepBenchmark: Sendable {
  /// Sizes of random input.
  public struct Sizes: Sendable {
    public var batch = 8
    public var patches = 256
    public var width = 384
    /// Tokens of the longest caption; the others have down to half of it.
    public var caption = 16

    public init() {}
  }

  /// What a run of steps took and gave.
  struct Result {
    /// Wall-clock seconds of each step.
    var seconds: [Double] = []
    /// Processor seconds of each step.
    var processorSeconds: [Double] = []
    /// Loss of each step before its update.
    var losses: [Double] = []
    /// Multiplications and additions of a step: forward, and backward to the visual tokens.
    var stepFLOPs = 0.0
    /// The most bytes of activations and gradients in use at one time.
    var activationBytes = 0
    /// Where the time of the last step went, when that was asked for.
    var parts: [TapeProfile.Part] = []
  }

  let patches: Int
  private let features: [Float]
  private let featureWidth: Int
  let images: [SequenceSample]
  /// Of the projector; nil for PyTorch's random ones.
  private let startValues: Dump?

  /// - Precondition: sizes are positive.
  /// - Parameter vocabulary: token ids are below it.
  public init(_ sizes: Sizes, vocabulary: Int) {
    let key = RandomKey(seed: 0)
    patches = sizes.patches
    featureWidth = sizes.width
    var features = [Float](repeating: 0, count: sizes.batch * sizes.patches * sizes.width)
    features.withUnsafeMutableBufferPointer {
      RandomStream.fillNormal($0, key: key.named("features"), deviation: 1)
    }
    self.features = features
    var stream = key.named("captions").stream
    images = (0..<sizes.batch).map { image in
      let length = sizes.caption - image % (sizes.caption / 2 + 1)
      return Self.sample((0..<length).map { _ in Int32(stream.integer(below: vocabulary)) })
    }
    startValues = nil
  }

  /// - Throws: `SafetensorsError` if the dump can't be read or lacks a tensor, ``BenchmarkError`` if its
  ///   tensors don't fit together.
  public init(dump url: URL, vocabulary: Int) throws {
    let dump = try Dump(url)
    let shape = try dump.shape("features", rank: 3, "[image, patch, width]")
    (patches, featureWidth) = (shape[1], shape[2])
    let idShape = try dump.shape("input_ids", rank: 2, "[image, token]")
    let lengthShape = try dump.shape("lengths", rank: 1, "[image]")
    guard idShape[0] == shape[0], lengthShape[0] == shape[0] else {
      throw dump.reject(
        "features, input_ids and lengths have \(shape[0]), \(idShape[0]) and \(lengthShape[0]) "
          + "images; they must be the same")
    }
    let ids = try dump.file.int64s("input_ids")
    if let id = ids.first(where: { $0 < 0 || $0 >= Int64(vocabulary) }) {
      throw dump.reject("input_ids holds \(id); the model has ids 0 to \(vocabulary - 1)")
    }
    let longest = idShape[1]
    images = try dump.file.int64s("lengths").enumerated().map { image, length in
      guard length >= 1, length <= Int64(longest) else {
        throw dump.reject("lengths holds \(length); must be between 1 and \(longest)")
      }
      let start = image * longest
      return Self.sample(ids[start..<start + Int(length)].map { Int32($0) })
    }
    features = try dump.file.floats("features")
    startValues = dump
  }

  /// Visual tokens and a caption whose end is not taught.
  private static func sample(_ caption: [Int32]) -> SequenceSample {
    SequenceSample(
      media: [0], prefix: [.visual(0)], branches: [[.answer(caption, isWhole: false)]])
  }

  /// Runs `steps` updates of a fresh projector.
  ///
  /// - Parameter isProfiled: whether the last step's time is told apart by operation, which takes a single
  ///   thread.
  /// - Throws: ``BenchmarkError`` for a projector of a dump that doesn't fit the model, or more rows than
  ///   the model has positions.
  func run(
    _ model: any LanguageModel, steps: Int, lanes laneCount: Int, threads: Int,
    isProfiled: Bool = false
  ) throws -> Result {
    let longest = patches + (images.map(SequenceBatch.supervisedTokens).max() ?? 0)
    guard longest <= model.maximumPositions else {
      throw BenchmarkError(
        description:
          "A sequence has \(longest) rows; the model takes \(model.maximumPositions) at most.")
    }
    let store = ParameterStore()
    let projector = try MLPProjector(
      patchWidth: featureWidth, languageWidth: model.width,
      in: startValues?.scope(store: store, prefix: "projector.")
        ?? ParameterScope(store: store, random: RandomKey(seed: 0).named("projector")))
    projector.setTrainable(true)
    var options = Adam.Options()
    options.weightDecay = 0
    options.clipNorm = 1
    let optimizer = Adam(
      projector.parameters, options: options, executor: LaneExecutor(threads: threads))
    let lanes = Lanes(count: laneCount, threads: threads)
    let scale = 1 / Float(images.reduce(0) { $0 + SequenceBatch.supervisedTokens(of: $1) })
    let shares = Lanes.split(images.count, lanes: laneCount)
    let batches = shares.map { share in
      SequenceBatch(
        Array(images[share]), visualTokens: share.map { _ in patches }, end: 0)
    }
    var result = Result()
    let profiled = isProfiled ? SharedParts() : nil
    for step in 0..<steps {
      let watch = Stopwatch()
      let loss = lanes.gradients(of: projector.parameters) { lane, tape in
        guard !shares[lane].isEmpty else { return nil }
        if step == steps - 1 { profiled?.watch(tape) }
        let context = Context(tape: tape, mode: .training)
        let visual = projector(features(of: shares[lane], on: tape), in: context)
        return model.answerLoss(visual: visual.tensor, batches[lane], scale: scale, in: context)
      }
      let gradients = watch.seconds
      optimizer.step(learningRate: 1e-3)
      let all = watch.seconds
      result.seconds.append(all)
      if step == steps - 1, let profiled {
        result.parts = profiled.parts
        let seconds = result.parts.reduce(0) { $0 + $1.seconds }
        var rest = TapeProfile.Part(name: "weight gradients and the rest")
        (rest.calls, rest.seconds) = (1, gradients - seconds)
        rest.flops = Double(projector.flops(of: .sequence(patches)) * images.count)
        var update = TapeProfile.Part(name: "update")
        (update.calls, update.seconds) = (1, all - gradients)
        update.bytes = 7 * 4 * Double(projector.parameters.reduce(0) { $0 + $1.count })
        result.parts += [rest, update]
      }
      result.processorSeconds.append(watch.processorSeconds)
      result.losses.append(loss)
    }
    let projection = Double(projector.flops(of: .sequence(patches)) * images.count)
    // Backward: the inputs' gradients of the frozen model, inputs' and weights' of the projector.
    result.stepFLOPs =
      batches.reduce(0) { $0 + 2 * model.forwardFLOPs($1.work) } + 3 * projection
    result.activationBytes = lanes.pool.peakBytes
    return result
  }

  private func features(of share: Range<Int>, on tape: Tape) -> Patches {
    let count = patches * featureWidth
    let tensor = tape.tensor(rows: share.count * patches, width: featureWidth) { values in
      _ = values.update(
        fromContentsOf: features[share.lowerBound * count..<share.upperBound * count])
    }
    return Patches(tensor, grids: share.map { _ in .sequence(patches) })
  }
}

/// The profiles of all lanes, which one thread runs after each other.
private final class SharedParts: @unchecked Sendable {
  // @unchecked: a profiled run has one thread.
  private var profiles: [TapeProfile] = []

  func watch(_ tape: Tape) {
    let profile = TapeProfile()
    profiles.append(profile)
    tape.profile = profile
  }

  /// The same kinds of all lanes together.
  var parts: [TapeProfile.Part] {
    var sums: [TapeProfile.Part] = []
    for part in profiles.flatMap(\.parts) {
      if let place = sums.firstIndex(where: { $0.name == part.name }) {
        sums[place].calls += part.calls
        sums[place].seconds += part.seconds
        sums[place].flops += part.flops
        sums[place].bytes += part.bytes
      } else {
        sums.append(part)
      }
    }
    return sums
  }
}

/// The file of a dump, its tensors checked as they are asked for.
private struct Dump: Sendable {
  let file: SafetensorsFile

  init(_ url: URL) throws { file = try SafetensorsFile(url) }

  func reject(_ rule: String) -> BenchmarkError {
    BenchmarkError(description: "\(file.url.path): \(rule).")
  }

  /// - Throws: `SafetensorsError` if there is no such tensor.
  func shape(_ name: String, rank: Int, _ meaning: String) throws -> [Int] {
    guard let shape = file.info(name)?.shape else {
      _ = try file.bytes(name)  // its error names what is there instead
      return []
    }
    guard shape.count == rank, shape.allSatisfy({ $0 > 0 }) else {
      throw reject("\(name) must be \(meaning), got shape \(shape)")
    }
    return shape
  }

  func scope(store: ParameterStore, prefix: String) -> ParameterScope {
    ParameterScope(store: store, prefix: prefix) {
      (name: String, expected: [Int], values: UnsafeMutableBufferPointer<Float>) in
      let found = try shape(name, rank: expected.count, "\(expected)")
      guard found == expected else {
        throw reject("\(name) has shape \(found), this model needs \(expected)")
      }
      try file.read(name, into: values)
    }
  }
}
