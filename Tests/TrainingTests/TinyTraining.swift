import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Synchronization
import Tensors
import Training

/// A frozen language model, made-up features and a projector: a training of milliseconds.
struct TinyTraining {
  struct Features: FeatureSource {
    let width = 6
    func patches(of image: Int) -> Int { 4 }
    func copy(_ image: Int, to values: UnsafeMutableBufferPointer<Float>) {
      for index in values.indices { values[index] = sin(Float(image * 31 + index)) }
    }
  }

  static let samples = (0..<10).map { image in
    CaptionSample(
      feature: image,
      // Lengths 1, 2, 3, …: a caption is known by its length.
      captions: (1...5).map { length in (0..<length).map { Int32(($0 + image) % 20) } })
  }

  let folder: URL
  let model: LlamaForCausalLM
  let projector: any Projector

  init(_ kind: (ParameterScope) throws -> any Projector = TinyTraining.mlp) throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(UUID().uuidString)", directoryHint: .isDirectory)
    model = try LlamaForCausalLM(
      .small(width: 16, layers: 1, heads: 2, feedForwardWidth: 32, vocabularySize: 24),
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 1)))
    projector = try kind(ParameterScope(store: ParameterStore(), random: RandomKey(seed: 2)))
  }

  static func mlp(_ scope: ParameterScope) throws -> any Projector {
    try MLPProjector(patchWidth: 6, languageWidth: 16, in: scope)
  }

  static func linear(_ scope: ParameterScope) throws -> any Projector {
    try LinearProjector(patchWidth: 6, languageWidth: 16, in: scope)
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  func objective(
    _ samples: [CaptionSample] = TinyTraining.samples, choice: CaptionChoice = .all
  ) -> CaptionObjective {
    CaptionObjective(
      projector: projector, model: model, features: Features(),
      format: CaptionFormat(prompt: [21, 22], end: 23), samples: samples, choice: choice)
  }

  /// Three epochs of three updates (4 + 4 + 2 samples).
  func train(
    _ objective: any Objective, validation: (any Objective)? = nil, maximumUpdates: Int? = nil,
    threads: Int = 2, stop: StopSignal = StopSignal(), digest: String = "a",
    progress: @escaping (TrainingProgress) -> Void = { _ in },
    note: @escaping (String) -> Void = { _ in }
  ) throws -> TrainingSummary {
    var optimizer = OptimizerConfig()
    optimizer.peakLearningRate = 0.05
    let stage = Stage(
      name: "tiny", objective: objective, parameters: projector.parameters, epochs: 3,
      batchSize: 4, optimizer: optimizer, validation: validation ?? self.objective(),
      maximumUpdates: maximumUpdates)
    return try StageTrainer(
      stages: [stage], lanes: Lanes(count: 3, threads: threads),
      order: RandomKey(seed: 5).named("order"), folder: folder, digest: digest,
      exports: [WeightExport(projector.parameters, prefix: "mm_projector.")], stop: stop,
      progress: progress, note: note
    ).run()
  }

  var weights: [[Float]] { projector.parameters.map(\.values) }
  var best: URL { folder.appending(path: "checkpoint/best.safetensors") }
}

/// Hands on to another objective and writes down what the trainer asked for.
final class Recorder: Objective {
  private let inner: CaptionObjective
  private let recorded = Mutex<[(batch: [Int], weights: [Int])]>([])

  init(_ inner: CaptionObjective) { self.inner = inner }

  var batches: [[Int]] { recorded.withLock { $0.map(\.batch) } }
  /// Supervised tokens of each sample of each batch.
  var weights: [[Int]] { recorded.withLock { $0.map(\.weights) } }

  var sampleCount: Int { inner.sampleCount }
  func weight(of sample: Int, draw: RandomKey) -> Int { inner.weight(of: sample, draw: draw) }
  func loss(of samples: [Int], draw: RandomKey, scale: Float, in context: Context) -> Loss {
    inner.loss(of: samples, draw: draw, scale: scale, in: context)
  }
  func gradients(
    of batch: [Int], for parameters: [Parameter], draw: RandomKey, lanes: Lanes
  ) -> Double {
    let weights = batch.map { inner.weight(of: $0, draw: draw) }
    recorded.withLock { $0.append((batch, weights)) }
    return inner.gradients(of: batch, for: parameters, draw: draw, lanes: lanes)
  }
}

/// A validation whose losses are the real ones times given factors, one an epoch.
final class Scripted: Objective {
  private let inner: CaptionObjective
  private let factors: Mutex<[Float]>
  private let onLoss: @Sendable (Int) -> Void
  private let calls = Mutex(0)

  /// - Parameters:
  ///   - inner: with factors, of one sample, so that an epoch asks once.
  ///   - onLoss: is told how many losses were asked for so far.
  init(
    _ inner: CaptionObjective, factors: [Float],
    onLoss: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.inner = inner
    self.factors = Mutex(factors)
    self.onLoss = onLoss
  }

  var sampleCount: Int { inner.sampleCount }
  func weight(of sample: Int, draw: RandomKey) -> Int { inner.weight(of: sample, draw: draw) }
  func loss(of samples: [Int], draw: RandomKey, scale: Float, in context: Context) -> Loss {
    let factor = factors.withLock { $0.isEmpty ? 1 : $0.removeFirst() }
    let call = calls.withLock { calls in
      calls += 1
      return calls
    }
    onLoss(call)
    return inner.loss(of: samples, draw: draw, scale: scale * factor, in: context)
  }
}
