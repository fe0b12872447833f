import Datasets
import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors
import Training

/// What one arm and seed came to.
public struct ArmOutcome: Codable, Sendable, Equatable {
  /// Digest of everything that decides it.
  public var digest: String
  public var arm: String
  public var seed: Int
  public var isControl: Bool
  public var visualTokens: Int
  public var trainableParameters: Int
  /// Forward pass of projector and language model for one image and one caption of mean length.
  public var flopsPerSample: Double
  public var learningRate: Double
  public var bestValidationLoss: Double?
  public var finalValidationLoss: Double?
  public var bestEpoch: Int?
  public var seconds: Double
  /// Corpus scores by row (`trained`, `untrained`, `shuffled`) and metric.
  public var scores: [String: [String: Double]] = [:]

  enum CodingKeys: String, CodingKey {
    case digest, arm, seed, seconds, scores
    case isControl = "control"
    case visualTokens = "visual_tokens"
    case trainableParameters = "trainable_parameters"
    case flopsPerSample = "flops_per_sample"
    case learningRate = "learning_rate"
    case bestValidationLoss = "best_validation_loss"
    case finalValidationLoss = "final_validation_loss"
    case bestEpoch = "best_epoch"
  }

  /// Writes `metrics.json`.
  func write(to url: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try AtomicFile.write(try encoder.encode(self) + Data("\n".utf8), to: url)
  }
}

/// Rows of captions that an arm has.
enum CaptionRow: String, CaseIterable {
  case trained
  case untrained
  case shuffled
}

/// Trains one arm with one seed and writes its captions of the test images.
struct ArmRun {
  let plan: ArmPlan
  let seed: Int
  let config: ExperimentConfig
  let inputs: ExperimentInputs
  let folder: RunFolder
  let lanes: Lanes
  let stop: StopSignal
  let console: Console
  let maximumUpdates: Int?

  private var trainsLanguageModel: Bool { config.training.trains(.languageModel) }

  /// Digest of everything that decides the weights.
  private var digest: String {
    plan.digest(seed: seed, inputs: inputs, training: config.training, limit: maximumUpdates)
  }

  /// - Throws: `CheckpointError` when an earlier run left a checkpoint that this one can't go on from.
  func checkCheckpoint() throws {
    var exports = [WeightExport.best]
    if trainsLanguageModel { exports.append(RunFolder.languageModelFile) }
    try StageTrainer.checkCheckpoint(in: folder.url, digest: digest, exports: exports)
  }

  /// The trained projector, its best weights loaded, and what it came to.
  ///
  /// - Throws: ``RunStopped`` at a signal, leaving a checkpoint.
  func run() throws -> (projector: any Projector, outcome: ArmOutcome, captions: [CaptionRecord]) {
    let projector = try plan.makeProjector(seed: seed, inputs: inputs)
    let model = try plan.makeLanguageModel(inputs: inputs, training: config.training)
    let digest = digest
    let summary = try train(projector, model, digest: digest)
    let evaluated = Digest.of(
      digest + config.evaluation.decode.resolved.yaml + "\(config.evaluation.controls)"
        + String(config.evaluation.seed))
    if let outcome = savedOutcome(digest: evaluated),
      let captions = try? CaptionRecord.read(folder.captions),
      captions.map(\.image) == inputs.dataset.test.map(\.id)
    {
      return (projector, outcome, captions)
    }
    let captions = try caption(projector, model)
    let outcome = ArmOutcome(
      digest: evaluated, arm: plan.name, seed: seed, isControl: plan.isControl,
      visualTokens: visualTokens(projector),
      trainableParameters: Set(config.training.stages.flatMap(\.train))
        .reduce(0) { $0 + parameters(of: $1, projector, model).reduce(0) { $0 + $1.count } },
      flopsPerSample: flopsPerSample(projector),
      learningRate: plan.config.optimizer(in: config.training.stages[0]).peakLearningRate,
      bestValidationLoss: summary.bestValidationLoss,
      finalValidationLoss: summary.finalValidationLoss, bestEpoch: summary.bestEpoch,
      seconds: summary.seconds)
    // Metrics vouch for the captions beside them: the old ones go first.
    try? FileManager.default.removeItem(at: folder.metrics)
    try CaptionRecord.write(captions, to: folder.captions)
    try outcome.write(to: folder.metrics)
    return (projector, outcome, captions)
  }

  private func savedOutcome(digest: String) -> ArmOutcome? {
    guard let data = try? Data(contentsOf: folder.metrics),
      let outcome = try? JSONDecoder().decode(ArmOutcome.self, from: data),
      outcome.digest == digest
    else { return nil }
    return outcome
  }

  /// The weights of a part of the model.
  private func parameters(
    of part: TrainablePart, _ projector: any Projector, _ model: any LanguageModel
  ) -> [Parameter] {
    switch part {
    case .projector: projector.parameters
    case .languageModel: model.parameters
    case .encoder: preconditionFailure("the configuration lets no stage train the encoder")
    }
  }

  private func train(
    _ projector: any Projector, _ model: any LanguageModel, digest: String
  ) throws -> TrainingSummary {
    let stages = config.training.stages.enumerated().map { index, stage in
      func objective(
        _ images: [Datasets.CaptionedImage], from start: Int, choice: CaptionChoice
      ) -> CaptionObjective {
        CaptionObjective(
          projector: projector, model: model, features: inputs.features, format: inputs.format,
          samples: inputs.samples(images, from: start, limit: stage.maxTextTokens), choice: choice)
      }
      return Stage(
        name: stage.name ?? "stage \(index + 1)",
        objective: objective(inputs.dataset.train, from: 0, choice: stage.captions),
        parameters: stage.train.flatMap { parameters(of: $0, projector, model) },
        epochs: stage.epochs, batchSize: stage.batchSize,
        optimizer: plan.config.optimizer(in: stage),
        validation: objective(
          inputs.dataset.validation, from: inputs.validationStart, choice: .all),
        maximumUpdates: maximumUpdates)
    }
    try AtomicFile.ensureFolder(folder.url)
    try AtomicFile.write(plan.config.resolved.yaml, to: folder.config)
    let title = "\(plan.name), seed \(seed)"
    let console = console
    let trainer = StageTrainer(
      stages: stages, lanes: lanes,
      order: RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("order"), folder: folder.url,
      digest: digest,
      exports: [.projector(projector)] + (trainsLanguageModel ? [.languageModel(model)] : []),
      checkpointMinutes: config.training.checkpointMinutes, stop: stop
    ) { progress in
      console.show(progress, title: title)
    } note: {
      console.log("  " + $0)
    }
    do {
      return try trainer.run()
    } catch is TrainingStopped {
      throw RunStopped(signal: stop.signal)
    }
  }

  private func caption(
    _ projector: any Projector, _ model: any LanguageModel
  ) throws -> [CaptionRecord] {
    let test = inputs.dataset.test
    let places = test.indices.map { inputs.testStart + $0 }
    var rows:
      [(row: CaptionRow, projector: any Projector, model: any LanguageModel, places: [Int])] = [
        (.trained, projector, model, places)
      ]
    let controls = config.evaluation.controls
    if controls.contains(.untrained), !plan.isControl {
      rows.append(
        (.untrained, try plan.makeProjector(seed: seed, inputs: inputs), inputs.model, places))
    }
    if controls.contains(.shuffled), !plan.isControl {
      rows.append((.shuffled, projector, model, derangement(of: places)))
    }
    let captioner = Captioner(
      inputs: inputs, decode: config.evaluation.decode, executor: lanes.executor, pool: lanes.pool,
      stop: stop)
    var records = test.map {
      CaptionRecord(image: $0.id, captions: [:], references: $0.captions)
    }
    for (row, projector, model, places) in rows {
      let done = SharedCount()
      let (name, console) = (plan.name, console)
      let captions = captioner.captions(of: places, by: projector, model) { count in
        let total = done.add(count)
        console.bar(
          Double(total) / Double(places.count), "\(name): captions of test images, \(row.rawValue)")
      }
      guard let captions else { throw RunStopped(signal: stop.signal) }
      for (index, caption) in captions.enumerated() {
        records[index].captions[row.rawValue] = caption
      }
    }
    return records
  }

  /// Another image for each place: a random cycle through all of them.
  private func derangement(of places: [Int]) -> [Int] {
    var stream = RandomKey(seed: UInt64(bitPattern: Int64(config.evaluation.seed)))
      .named("shuffled").stream
    let cycle = stream.permutation(places.count)
    var result = places
    for (position, index) in cycle.enumerated() {
      result[index] = places[cycle[(position + 1) % cycle.count]]
    }
    return result
  }

  private func visualTokens(_ projector: any Projector) -> Int {
    projector.visualTokens(patches: inputs.features.tokens)
  }

  private func flopsPerSample(_ projector: any Projector) -> Double {
    let samples = inputs.samples(inputs.dataset.test, from: 0, limit: .max)
    let lengths = samples.flatMap { $0.captions.map(\.count) }
    let mean = lengths.isEmpty ? 1 : max(1, lengths.reduce(0, +) / lengths.count)
    return inputs.sequence.forwardFLOPs(
      of: inputs.model, visualTokens: visualTokens(projector),
      captions: [[Int32](repeating: 0, count: mean)])
      + Double(projector.flopsPerSample(patches: inputs.features.tokens))
  }
}
