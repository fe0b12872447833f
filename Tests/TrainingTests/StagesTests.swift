import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors
import Testing
import Training

@Suite("Stages")
struct StagesTests {
  /// Projector, then projector and language model at another rate.
  private struct TwoStages {
    let tiny: TinyTraining
    let model: LlamaForCausalLM

    init(folder: URL? = nil) throws {
      tiny = try TinyTraining()
      model = try tiny.model.copied(prefix: "language_model.")
    }

    func train(
      in folder: URL, accumulation: Int = 1, patience: Int? = nil,
      settings: TrainerSettings = .init(),
      stop: StopSignal = StopSignal(), progress: @escaping (TrainingProgress) -> Void = { _ in }
    ) throws -> TrainingSummary {
      let objective = AnswerObjective(
        projector: tiny.projector, model: model, patches: TinyTraining.Features(),
        sequences: SequenceSet(TinyTraining.samples), end: 23)
      var first = OptimizerConfig()
      first.peakLearningRate = 0.01
      var second = OptimizerConfig()
      second.kind = .adam
      second.peakLearningRate = 0.003
      let stages = [
        Stage(
          name: "alignment", objective: objective, parameters: tiny.projector.parameters,
          epochs: 2, batchSize: 4, optimizer: first, validation: objective,
          accumulation: accumulation, patience: patience),
        Stage(
          name: "both", objective: objective,
          parameters: tiny.projector.parameters + model.parameters,
          epochs: 2, batchSize: 4, optimizer: second, validation: objective),
      ]
      return try StageTrainer(
        stages: stages, lanes: Lanes(count: 3, threads: 2),
        order: RandomKey(seed: 5).named("order"), folder: folder, digest: "a",
        exports: [
          WeightExport(tiny.projector.parameters),
          WeightExport(
            file: "language_model.safetensors", model.parameters, dropping: "language_model."),
        ], settings: settings, stop: stop, progress: progress
      ).run()
    }

    var weights: [[Float]] { (tiny.projector.parameters + model.parameters).map(\.values) }
  }

  private func folder() -> URL {
    FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(UUID().uuidString)", directoryHint: .isDirectory)
  }

  @Test("a stop at any update of two stages, and at the boundary, goes on with the same bits")
  func resume() throws {
    let whole = folder()
    defer { try? FileManager.default.removeItem(at: whole) }
    let undisturbed = try TwoStages()
    let expected = try undisturbed.train(in: whole)
    for stopped in 1...12 {
      let place = folder()
      defer { try? FileManager.default.removeItem(at: place) }
      let stop = StopSignal()
      var seen = 0
      let first = try TwoStages()
      #expect(throws: TrainingStopped.self) {
        try first.train(in: place, stop: stop) { progress in
          guard progress.validationLoss == nil else { return }
          seen += 1
          if seen == stopped { stop.request() }
        }
      }
      let second = try TwoStages()
      let summary = try second.train(in: place)
      #expect(second.weights == undisturbed.weights, "stopped after update \(stopped)")
      #expect(summary.bestValidationLoss == expected.bestValidationLoss)
      #expect(summary.records.map(\.loss) == expected.records.map(\.loss))
    }
  }

  /// A killed program leaves what its folder held at that moment: between any two updates, between the best
  /// weights and the checkpoint that speaks of them, at the boundary.
  @Test("killed at any moment of two stages, it goes on with the same bits, log and events")
  func kills() throws {
    let whole = folder()
    defer { try? FileManager.default.removeItem(at: whole) }
    var settings = TrainerSettings()
    settings.checkpointMinutes = 0  // after every update
    settings.trackers = [.tensorboard]
    var left: [URL] = []
    defer { for url in left { try? FileManager.default.removeItem(at: url) } }
    let undisturbed = try TwoStages()
    let expected = try undisturbed.train(in: whole, settings: settings) { _ in
      guard FileManager.default.fileExists(atPath: whole.path) else { return }
      let copy = folder()
      #expect(throws: Never.self) { try FileManager.default.copyItem(at: whole, to: copy) }
      left.append(copy)
    }
    #expect(left.count == 12 + 4 - 1, "one a report of progress, but for the first")
    let best = ["best.safetensors", "language_model.safetensors"]
    for (moment, place) in left.enumerated() {
      let resumed = try TwoStages()
      let summary = try resumed.train(in: place, settings: settings)
      #expect(resumed.weights == undisturbed.weights, "killed at \(moment)")
      #expect(summary.records.map(\.loss) == expected.records.map(\.loss))
      #expect(summary.records.map(\.totalUpdate) == expected.records.map(\.totalUpdate))
      for file in best {
        let path = "checkpoint/\(file)"
        #expect(
          try Data(contentsOf: place.appending(path: path))
            == Data(contentsOf: whole.appending(path: path)), "\(file), killed at \(moment)")
      }
      // Lengths do not depend on the times in them: no step is there twice, and none is missing.
      let events = "\(TensorBoardWriter.folder)/events.out.tfevents.dragoman"
      let bytes = try Data(contentsOf: place.appending(path: events))
      #expect(try bytes.count == Data(contentsOf: whole.appending(path: events)).count)
      #expect(bytes.range(of: Data("stage 1/loss".utf8)) != nil)
      #expect(bytes.range(of: Data("\u{4}loss".utf8)) == nil, "a tag without its stage")
    }
  }

  @Test("a validation without a supervised unit is refused, not taken for a stop")
  func nothingToValidate() throws {
    struct Silent: Objective {
      let inner: AnswerObjective
      var sampleCount: Int { 1 }
      func units(of sample: Int, draw: RandomKey) -> Int { 0 }
      func loss(
        of samples: [Int], draw: RandomKey, scale: Float, in context: Context
      ) throws -> Loss { try inner.loss(of: samples, draw: draw, scale: 0, in: context) }
    }
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    #expect(throws: NothingToValidate.self) {
      try tiny.train(tiny.objective(), validation: Silent(inner: tiny.objective()))
    }
  }

  @Test("updates are counted on over the stages, and each stage has its own best")
  func counting() throws {
    let place = folder()
    defer { try? FileManager.default.removeItem(at: place) }
    let summary = try TwoStages().train(in: place)
    let updates = summary.records.filter { $0.loss != nil }
    #expect(updates.map(\.totalUpdate) == Array(1...12))
    #expect(updates.map(\.update) == Array(1...6) + Array(1...6))
    #expect(updates.map(\.stage) == Array(repeating: 0, count: 6) + Array(repeating: 1, count: 6))
    let losses = summary.records.filter { $0.stage == 1 }.compactMap(\.validationLoss)
    #expect(summary.bestValidationLoss == losses.min())
    #expect(!summary.isTruncated)
  }

  @Test("batches that are accumulated give the gradient of one large batch")
  func accumulation() throws {
    func first(_ batch: Int, _ accumulation: Int) throws -> (loss: Double, norm: Double) {
      let tiny = try TinyTraining()
      defer { tiny.remove() }
      let stage = Stage(
        name: "one", objective: tiny.objective(), parameters: tiny.projector.parameters, epochs: 1,
        batchSize: batch, optimizer: OptimizerConfig(), accumulation: accumulation)
      let summary = try StageTrainer(
        stages: [stage], lanes: Lanes(count: 2, threads: 1), order: RandomKey(seed: 5),
        folder: tiny.folder, digest: "a", stop: StopSignal(), progress: { _ in }
      ).run()
      let record = summary.records[0]
      return (record.loss ?? .nan, record.gradientNorm ?? .nan)
    }
    // Samples have answers of unlike lengths: a mean of means would differ.
    let (large, small) = (try first(9, 1), try first(3, 3))
    #expect(abs(large.loss - small.loss) < 1e-5 * large.loss)
    #expect(abs(large.norm - small.norm) < 1e-4 * large.norm)
  }

  @Test("a stage without gain for so many epochs ends early")
  func earlyStopping() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let validation = Scripted(tiny.objective([TinyTraining.samples[0]]), factors: [1, 5, 6, 7, 8])
    let stage = Stage(
      name: "one", objective: tiny.objective(), parameters: tiny.projector.parameters, epochs: 5,
      batchSize: 10, optimizer: OptimizerConfig(), validation: validation, patience: 2)
    let summary = try StageTrainer(
      stages: [stage], lanes: Lanes(count: 2, threads: 1), order: RandomKey(seed: 5),
      folder: tiny.folder, digest: "a", stop: StopSignal(), progress: { _ in }
    ).run()
    #expect(summary.records.compactMap(\.validationLoss).count == 3)
    #expect(summary.bestEpoch == 0)
  }

  @Test("weights that count: the best by default, the last if asked")
  func choice() throws {
    for (weights, epoch) in [(CheckpointChoice.best, 0), (.last, 2)] {
      let tiny = try TinyTraining()
      defer { tiny.remove() }
      let validation = Scripted(tiny.objective([TinyTraining.samples[0]]), factors: [1, 5, 6])
      let stage = Stage(
        name: "one", objective: tiny.objective(), parameters: tiny.projector.parameters, epochs: 3,
        batchSize: 10, optimizer: OptimizerConfig(), validation: validation)
      var settings = TrainerSettings()
      settings.weights = weights
      let summary = try StageTrainer(
        stages: [stage], lanes: Lanes(count: 2, threads: 1), order: RandomKey(seed: 5),
        folder: tiny.folder, digest: "a", settings: settings, stop: StopSignal(),
        progress: { _ in }
      ).run()
      #expect(summary.bestEpoch == epoch)
    }
  }

  /// Hands on losses whose gradients are no numbers from some update on.
  private struct Poisoned: Objective {
    let inner: AnswerObjective
    let parameter: Parameter
    let after: RandomKey

    var sampleCount: Int { inner.sampleCount }
    func units(of sample: Int, draw: RandomKey) -> Int { inner.units(of: sample, draw: draw) }
    func loss(
      of samples: [Int], draw: RandomKey, scale: Float, in context: Context
    ) throws -> Loss { try inner.loss(of: samples, draw: draw, scale: scale, in: context) }
    func gradients(
      of batch: [Int], for parameters: [Parameter], draw: RandomKey, update: RandomKey,
      lanes: Lanes
    ) throws -> Double {
      let loss = try inner.gradients(
        of: batch, for: parameters, draw: draw, update: update, lanes: lanes)
      guard update == after else { return loss }
      // A weight that is no number makes gradients that are none; the loss of this batch was finite.
      let values = parameter.values
      parameter.assign(values.map { _ in .nan })
      _ = try inner.gradients(
        of: batch, for: parameters, draw: draw, update: update, lanes: lanes)
      parameter.assign(values)
      return loss
    }
  }

  @Test("gradients that are no numbers stop the run before a weight changes, with step and batch")
  func poisonedGradients() throws {
    let tiny = try TinyTraining()
    defer { tiny.remove() }
    let order = RandomKey(seed: 5)
    let objective = Poisoned(
      inner: tiny.objective(), parameter: tiny.projector.parameters[0],
      after: order.named("stage").numbered(0).named("update").numbered(2))
    var seen: [[Float]] = []
    let stage = Stage(
      name: "one", objective: objective, parameters: tiny.projector.parameters, epochs: 2,
      batchSize: 4, optimizer: OptimizerConfig())
    var settings = TrainerSettings()
    settings.checkpointMinutes = 0
    let error = #expect(throws: TrainingDiverged.self) {
      try StageTrainer(
        stages: [stage], lanes: Lanes(count: 2, threads: 1), order: order, folder: tiny.folder,
        digest: "a", settings: settings, stop: StopSignal(), progress: { _ in seen = tiny.weights }
      ).run()
    }
    #expect(error?.update == 3)
    #expect(error?.samples.count == 2)
    #expect(error?.gradientNorm?.isFinite == false)
    #expect(tiny.weights == seen, "no weight changed")
    let last = try SafetensorsFile(tiny.folder.appending(path: "checkpoint/last.safetensors"))
    for name in last.names { #expect(try last.floats(name).allSatisfy(\.isFinite), "\(name)") }
  }

  @Test("a part that gets no gradient is named before a weight changes")
  func noGradient() throws {
    let tiny = try TinyTraining { try LearnedPrompt(tokens: 2, languageWidth: 16, in: $0) }
    defer { tiny.remove() }
    let silent = try LinearProjector(
      patchWidth: 6, languageWidth: 16,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 3)))
    let stage = Stage(
      name: "one", objective: tiny.objective(),
      parameters: tiny.projector.parameters + silent.parameters, epochs: 1, batchSize: 4,
      optimizer: OptimizerConfig(),
      watched: ["prompt": tiny.projector.parameters, "projector": silent.parameters])
    let error = #expect(throws: NoGradient.self) {
      try StageTrainer(
        stages: [stage], lanes: Lanes(count: 2, threads: 1), order: RandomKey(seed: 5),
        folder: tiny.folder, digest: "a", stop: StopSignal(), progress: { _ in }
      ).run()
    }
    #expect(error?.part == "projector")
  }
}
