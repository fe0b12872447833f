import Configuration
import Foundation
import LanguageModels
import Layers
import Reports
import Storage
import Tensors
import Training

/// Runs single cells: trains what is not trained, answers what is not answered.
struct CellRunner: Sendable {
  let results: ResultsFolder
  let inputs: LazyInputs
  let stop: StopSignal
  let console: Console
  let limit: Int?
  let threads: Int
  private let wanted: [String]
  private let known: [CellFolder: KnownCell]

  /// - Parameter known: cells that were looked at before; none of another's folder.
  init(study: Study, inputs: LazyInputs, known: [CellFolder: KnownCell] = [:]) {
    self.known = known
    results = study.folder
    self.inputs = inputs
    stop = study.stop
    console = study.console
    limit = study.options.maximumUpdates
    threads = study.options.threads
    wanted = study.options.only
  }

  /// How many cells run side by side unless the user says: one for every four threads, and no more than
  /// memory holds twice over.
  func affordableJobs(_ cells: Int) -> Int {
    let shapes = inputs.shapes
    let bytes = 4 * shapes.model.parameterCount
    let room = Double(ProcessInfo.processInfo.physicalMemory) / 2
    let byMemory = Int(room / Double(max(bytes, 1)) / 2)
    return max(1, min(cells, threads / 4, byMemory))
  }

  /// - Throws: ``RunStopped`` at a signal; `FileError` when results can't be kept; `CheckpointError` for a
  ///   checkpoint that is damaged; what is wrong with the inputs of all cells. What is wrong with the cell
  ///   alone is recorded in its folder and returned.
  func run(_ cell: Cell, threads: Int) throws -> CellEnding {
    let known = try self.known[cell.folder] ?? KnownCell(cell, inputs.shapes, limit: limit)
    if let finished = known.finished { return .finished(finished) }
    guard wanted.isEmpty || wanted.contains(cell.arm.name) else { return .notRun }
    let inputs = try inputs.values()
    do {
      console.log(cell.title)
      let lanes = Lanes(count: cell.config.training.lanes, threads: threads)
      defer { lanes.pool.trim() }  // the next arm's buffers have other sizes
      let run = CellRun(
        cell: cell, inputs: inputs, lanes: lanes, stop: stop, console: console,
        limit: limit)
      return .finished(try run.run(weights: known.weights, answers: known.answers))
    } catch let error as RunStopped {
      throw error
    } catch let error as CheckpointError {
      throw error
    } catch {
      let failure = ProgramFailure(error)
      guard failure.exit != .inputOutput else { throw error }
      let message = failure.messages.joined(separator: "; ")
      console.log("  \(cell.title) failed: \(message)")
      try JSONOutput.write(
        CellFailure(weightsDigest: known.weights, message: message), to: cell.folder.failure)
      return .failed(message)
    }
  }
}

/// One cell with its inputs as values.
struct CellRun {
  let cell: Cell
  let inputs: ExperimentInputs
  let lanes: Lanes
  let stop: StopSignal
  let console: Console
  let limit: Int?
  /// Of a search's trial: training examples that are used.
  var images: Int?

  private var training: TrainingConfig { cell.config.training }

  func run(weights: String, answers digest: String) throws -> FinishedCell {
    let model = try ArmModel(cell.arm, seed: cell.seed, inputs: inputs, training: training)
    let summary = try train(model, digest: weights)
    try completeModelFolder()
    let answers = try answer(model)
    let test = try inputs.sequences.sequences(
      inputs.data.set(cell.fold).test, cell.config.answeredData, limit: nil
    ).samples
    var outcome = CellOutcome(
      weightsDigest: weights, answersDigest: digest, answersFileDigest: "", arm: cell.arm.name,
      seed: cell.seed, fold: cell.fold, isControl: cell.arm.isControl,
      visualTokens: model.projector.visualTokens(of: inputs.grid),
      flopsPerSample: inputs.flopsPerSample(model, answering: test),
      trainableParameters: model.trainableCount, stages: stageSummaries(model),
      bestValidationLoss: summary.bestValidationLoss,
      finalValidationLoss: summary.finalValidationLoss,
      bestEpoch: summary.bestEpoch.map { $0 + 1 }, seconds: summary.seconds,
      steps: summary.isTruncated ? limit : nil)
    // Metrics vouch for the answers beside them: the old ones go first.
    for file in [cell.folder.metrics, cell.folder.failure] {
      try? FileManager.default.removeItem(at: file)
    }
    try JSONLines.write(answers, to: cell.folder.answers)
    outcome.answersFileDigest = try Digest.ofFile(cell.folder.answers)
    try outcome.write(to: cell.folder.metrics)
    return FinishedCell(cell: cell, outcome: outcome, answers: answers)
  }

  // MARK: - Training

  /// Trains to the end, or from the last checkpoint to the end; the model then has the weights that count.
  func train(_ model: ArmModel, digest: String) throws -> TrainingSummary {
    let stages = try training.stages.indices.map { try stage($0, model) }
    try AtomicFile.ensureFolder(cell.folder.url)
    try remakeIfForeign(digest)
    for stage in stages {
      let trainable = stage.parameters.reduce(0) { $0 + $1.count }
      console.log(
        "  \(stage.name): \(trainable) of \(model.parameterCount) parameters train, "
          + "\(stage.objective.sampleCount) samples")
    }
    let title = cell.title
    let console = console
    let trainer = StageTrainer(
      stages: stages, lanes: lanes,
      order: RandomKey(seed: UInt64(bitPattern: Int64(cell.seed))).named("order"),
      folder: cell.folder.url, digest: digest, exports: model.exports,
      settings: training.trainer, stop: stop
    ) { progress in
      console.show(
        progress, title: stages.count > 1 ? "\(title), \(progress.stage)" : title)
    } note: {
      console.log("  " + $0)
    }
    do {
      try AtomicFile.write(cell.trainingSettings(limit: limit).yaml, to: cell.folder.config)
      try Preflight(inputs: inputs, config: cell.config, console: console)
        .checkValues(model)
      return try trainer.run()
    } catch is TrainingStopped {
      throw RunStopped(signal: stop.signal)
    }
  }

  /// What another configuration left is told with the keys that differ, and made anew.
  private func remakeIfForeign(_ digest: String) throws {
    let state = try StageTrainer.found(
      in: cell.folder.url, digest: digest, exports: ArmModel.exportFiles(of: training))
    // A cell whose checkpoint was removed is still known by its small files.
    let known = CellOutcome.read(cell.folder.metrics)?.weightsDigest ?? digest
    guard state == .foreign || known != digest else { return }
    let now = cell.trainingSettings(limit: limit)
    let before = try? String(contentsOf: cell.folder.config, encoding: .utf8)
    let changes =
      before.flatMap { try? YAMLReader.node(from: $0, file: "config.yaml") }
      .map { $0.differences(to: now) } ?? []
    console.log(
      "  trained anew, since "
        + (changes.isEmpty ? "its inputs changed" : changes.joined(separator: ", ")))
    try cell.folder.clear()
    try AtomicFile.ensureFolder(cell.folder.url)
  }

  private func stage(_ index: Int, _ model: ArmModel) throws -> Stage {
    let config = training.stages[index]
    let set = inputs.data.set(of: index, fold: cell.fold)
    let train = images.map { Array(set.train.prefix($0)) } ?? set.train
    return try StageBuilder(inputs: inputs, model: model).stage(
      index, config, optimizer: cell.arm.config.optimizer(in: config), train: train,
      validation: set.validation, limit: limit)
  }

  private func stageSummaries(_ model: ArmModel) -> [RunSummary.Stage] {
    training.stages.enumerated().map { index, stage in
      RunSummary.Stage(
        name: stage.title(index), train: stage.train.map(\.rawValue), data: stage.data.rawValue,
        epochs: stage.epochs,
        trainableParameters: model.parameters(of: stage).reduce(0) { $0 + $1.count },
        totalParameters: model.parameterCount,
        learningRate: cell.arm.config.optimizer(in: stage).peakLearningRate,
        rateSource: cell.rateSource)
    }
  }
}
