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
  struct Features: PatchSource {
    let width = 6
    func grid(of medium: Int) -> PatchGrid { PatchGrid(rows: 2, columns: 2) }
    func patches(of media: [Int], in context: Context) -> Patches {
      let grids = media.map(grid)
      let tensor = context.tape.tensor(rows: 4 * media.count, width: width) { values in
        for (place, medium) in media.enumerated() {
          for index in 0..<24 { values[24 * place + index] = sin(Float(medium * 31 + index)) }
        }
      }
      return Patches(tensor, grids: grids)
    }
  }

  static let samples = (0..<10).map { image in
    SequenceSample(
      media: [image], prefix: [.visual(0), .text([21, 22])],
      // Lengths 1, 2, 3, …: a caption is known by its length.
      branches: (1...5).map { length in
        [.answer((0..<length).map { Int32(($0 + image) % 20) })]
      })
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
    _ samples: [SequenceSample] = TinyTraining.samples, choice: CaptionChoice = .all
  ) -> AnswerObjective {
    AnswerObjective(
      projector: projector, model: model, patches: Features(), sequences: SequenceSet(samples),
      end: 23, choice: choice)
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
  private let inner: AnswerObjective
  private let recorded = Mutex<[(batch: [Int], units: [Int])]>([])

  init(_ inner: AnswerObjective) { self.inner = inner }

  var batches: [[Int]] { recorded.withLock { $0.map(\.batch) } }
  /// Supervised tokens of each sample of each batch.
  var units: [[Int]] { recorded.withLock { $0.map(\.units) } }

  var sampleCount: Int { inner.sampleCount }
  func units(of sample: Int, draw: RandomKey) -> Int { inner.units(of: sample, draw: draw) }
  func loss(
    of samples: [Int], draw: RandomKey, scale: Float, in context: Context
  ) throws -> Loss {
    try inner.loss(of: samples, draw: draw, scale: scale, in: context)
  }
  func gradients(
    of batch: [Int], for parameters: [Parameter], draw: RandomKey, update: RandomKey, lanes: Lanes
  ) throws -> Double {
    let units = batch.map { inner.units(of: $0, draw: draw) }
    recorded.withLock { $0.append((batch, units)) }
    return try inner.gradients(
      of: batch, for: parameters, draw: draw, update: update, lanes: lanes)
  }
}

/// A validation whose losses are the real ones times given factors, one an epoch.
final class Scripted: Objective {
  private let inner: AnswerObjective
  private let factors: Mutex<[Float]>
  private let onLoss: @Sendable (Int) -> Void
  private let calls = Mutex(0)

  /// - Parameters:
  ///   - inner: with factors, of one sample, so that an epoch asks once.
  ///   - onLoss: is told how many losses were asked for so far.
  init(
    _ inner: AnswerObjective, factors: [Float],
    onLoss: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.inner = inner
    self.factors = Mutex(factors)
    self.onLoss = onLoss
  }

  var sampleCount: Int { inner.sampleCount }
  func units(of sample: Int, draw: RandomKey) -> Int { inner.units(of: sample, draw: draw) }
  func loss(
    of samples: [Int], draw: RandomKey, scale: Float, in context: Context
  ) throws -> Loss {
    let factor = factors.withLock { $0.isEmpty ? 1 : $0.removeFirst() }
    let call = calls.withLock { calls in
      calls += 1
      return calls
    }
    onLoss(call)
    return try inner.loss(of: samples, draw: draw, scale: scale * factor, in: context)
  }
}
