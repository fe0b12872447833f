import Foundation
import Layers
import Storage
import Tensors

/// One stage as the trainer needs it.
public struct Stage: Sendable {
  public var name: String
  public var objective: any Objective
  /// The weights that learn; all others are frozen.
  public var parameters: [Parameter]
  public var epochs: Int
  /// Samples of an update.
  public var batchSize: Int
  public var optimizer: OptimizerConfig
  /// Measured after each epoch; nil for none.
  public var validation: (any Objective)?
  /// Ends the stage early, to try a large setting.
  public var maximumUpdates: Int?

  public init(
    name: String, objective: any Objective, parameters: [Parameter], epochs: Int, batchSize: Int,
    optimizer: OptimizerConfig, validation: (any Objective)? = nil, maximumUpdates: Int? = nil
  ) {
    self.name = name
    self.objective = objective
    self.parameters = parameters
    self.epochs = epochs
    self.batchSize = batchSize
    self.optimizer = optimizer
    self.validation = validation
    self.maximumUpdates = maximumUpdates
  }

  var updatesPerEpoch: Int { (objective.sampleCount + batchSize - 1) / batchSize }
  var updates: Int {
    let all = epochs * updatesPerEpoch
    return maximumUpdates.map { min($0, all) } ?? all
  }
}

/// What a progress bar shows.
public struct TrainingProgress: Sendable {
  public let stage: String
  public let epoch: Int
  public let epochs: Int
  public let update: Int
  public let updates: Int
  public let loss: Double
  /// Of this sitting, validation left out.
  public let samplesPerSecond: Double
  public let secondsLeft: Double
  /// Set on the progress that ends an epoch.
  public let validationLoss: Double?
}

/// How a finished training went.
public struct TrainingSummary: Sendable, Equatable {
  public let bestValidationLoss: Double?
  public let finalValidationLoss: Double?
  public let bestEpoch: Int?
  public let seconds: Double
  public let records: [TrainingRecord]
  /// Whether a stage ended after its `maximumUpdates`, before its last epoch.
  public let isTruncated: Bool
}

/// Runs stages one after the other: batches in an order that the seed fixes, lanes, clipping, schedule,
/// validation, checkpoints.
///
/// The same command goes on from the last checkpoint with the same bits: order and random choices come
/// from keys named by epoch, and weights and moments are stored exactly.
public final class StageTrainer {
  private let stages: [Stage]
  /// Every weight that some stage trains, once.
  private let trained: [Parameter]
  private let lanes: Lanes
  private let order: RandomKey
  private let folder: CheckpointFolder
  private let logURL: URL
  private let digest: String
  private let exports: [WeightExport]
  private let checkpointSeconds: Double
  private let stop: StopSignal
  private let progress: (TrainingProgress) -> Void
  private let note: (String) -> Void

  /// - Parameters:
  ///   - order: the key of batches and random choices; equal for all arms of a seed.
  ///   - folder: receives `checkpoint/` and `log.jsonl`.
  ///   - digest: of everything that decides the result.
  ///   - exports: the files of the best weights; when nil one file, of all that train. The weights at
  ///     the end are the best ones, so the files hold every weight that trains.
  ///   - note: is told when the bits may differ from those of one sitting.
  public init(
    stages: [Stage], lanes: Lanes, order: RandomKey, folder: URL, digest: String,
    exports: [WeightExport]? = nil, checkpointMinutes: Double = 5, stop: StopSignal,
    progress: @escaping (TrainingProgress) -> Void, note: @escaping (String) -> Void = { _ in }
  ) {
    self.stages = stages
    self.lanes = lanes
    self.order = order
    self.folder = CheckpointFolder(url: folder.appending(path: "checkpoint"))
    logURL = folder.appending(path: "log.jsonl")
    self.digest = digest
    var seen: Set<Parameter> = []
    let trained = stages.flatMap(\.parameters).filter { seen.insert($0).inserted }
    let exports = exports ?? [WeightExport(trained)]
    precondition(
      Set(exports.flatMap(\.parameters)).isSuperset(of: trained),
      "a weight trains that no file of the best weights holds")
    self.trained = trained
    self.exports = exports
    checkpointSeconds = checkpointMinutes * 60
    self.stop = stop
    self.progress = progress
    self.note = note
  }

  /// Looks whether ``run()`` could go on from what is in a folder; nothing is changed.
  ///
  /// - Parameter exports: names of the files of the best weights.
  /// - Throws: ``CheckpointError`` when the checkpoint there is damaged or of another configuration.
  public static func checkCheckpoint(
    in folder: URL, digest: String, exports: [String] = [WeightExport.best]
  ) throws {
    let checkpoint = CheckpointFolder(url: folder.appending(path: "checkpoint"))
    guard let state = try checkpoint.state(digest: digest) else { return }
    if state.bestEpoch != nil || state.isFinished { try checkpoint.checkBest(exports) }
    _ = try TrainingLog(url: folder.appending(path: "log.jsonl"), keeping: state.logRecords)
  }

  /// Trains to the end, or from the last checkpoint to the end, and loads the best weights.
  ///
  /// - Throws: ``TrainingStopped`` after a checkpoint when the stop signal came; ``CheckpointError``;
  ///   ``TrainingDiverged``; a file error when the disk is full.
  public func run() throws -> TrainingSummary {
    // A killed program may have left some.
    AtomicFile.removePartials(in: folder.url)
    AtomicFile.removePartials(in: logURL.deletingLastPathComponent())
    var state = TrainingState(digest: digest)
    if let saved = try folder.load(digest: digest, into: trained) { state = saved }
    if !state.isFinished, state.blasKernel != BLASInformation.kernel {
      note(
        "The checkpoint's BLAS kernel is \(state.blasKernel), this processor's is "
          + "\(BLASInformation.kernel): the last bits will differ from those of one sitting.")
      state.blasKernel = BLASInformation.kernel
    }
    var log = try TrainingLog(url: logURL, keeping: state.logRecords)
    while !state.isFinished {
      try runStage(stages[state.stage], state: &state, log: &log)
    }
    if stages.last?.validation != nil { try folder.loadBest(exports) }
    return TrainingSummary(
      bestValidationLoss: state.bestValidationLoss, finalValidationLoss: state.lastValidationLoss,
      bestEpoch: state.bestEpoch, seconds: state.seconds, records: log.records,
      isTruncated: stages.contains { $0.updates < $0.epochs * $0.updatesPerEpoch })
  }

  private func runStage(
    _ stage: Stage, state: inout TrainingState, log: inout TrainingLog
  ) throws {
    trained.setTrainable(false)
    stage.parameters.setTrainable(true)
    defer { trained.setTrainable(false) }
    let optimizer = AdamW(
      stage.parameters, options: stage.optimizer.adamW, executor: lanes.executor)
    if state.update > 0 {
      try folder.loadMoments(optimizer.state)
      optimizer.updates = state.update
    }
    let schedule = stage.optimizer.learningRates(updates: stage.epochs * stage.updatesPerEpoch)
    let key = order.named("stage").numbered(state.stage)
    var clock = SittingClock(updatesBefore: state.update)
    var lastSave = ContinuousClock.now

    // A stop during validation leaves batch at the epoch's end: the validation is done again.
    while state.epoch < stage.epochs, state.update < stage.updates || state.batch > 0 {
      let epochKey = key.numbered(state.epoch)
      var stream = epochKey.named("order").stream
      let permutation = stream.permutation(stage.objective.sampleCount)
      while state.batch < stage.updatesPerEpoch, state.update < stage.updates {
        if stop.isRequested {
          try save(&state, stage, optimizer, log)
          throw TrainingStopped()
        }
        let start = ContinuousClock.now
        let first = state.batch * stage.batchSize
        let batch = Array(permutation[first..<min(first + stage.batchSize, permutation.count)])
        let loss = try stage.objective.gradients(
          of: batch, for: stage.parameters, draw: epochKey.named("draw"),
          update: key.named("update").numbered(state.update), lanes: lanes)
        guard loss.isFinite else {
          throw TrainingDiverged(stage: stage.name, update: state.update + 1, loss: loss)
        }
        let rate = schedule.learningRate(at: state.update)
        let norm = optimizer.step(learningRate: rate)
        stage.objective.afterUpdate()
        let seconds = start.duration(to: .now).seconds
        state.seconds += seconds
        state.batch += 1
        state.update += 1
        clock.add(samples: batch.count, seconds: seconds)
        log.append(
          TrainingRecord(
            stage: state.stage, epoch: state.epoch, update: state.update,
            totalUpdate: totalUpdate(state), loss: loss, learningRate: rate, gradientNorm: norm, seconds: state.seconds))
        progress(clock.progress(stage, state, loss: loss, validationLoss: nil))
        if lastSave.duration(to: .now).seconds > checkpointSeconds {
          try save(&state, stage, optimizer, log)
          lastSave = .now
        }
      }
      try endEpoch(stage, state: &state, log: &log, clock: clock, optimizer)
      lastSave = .now
    }
    state.stage += 1
    state.epoch = 0
    state.batch = 0
    state.update = 0
    state.isFinished = state.stage == stages.count
    if !state.isFinished {
      // The best of a stage is of that stage: losses of two stages need not be comparable.
      state.bestValidationLoss = nil
      state.bestEpoch = nil
      state.lastValidationLoss = nil
    }
    try save(&state, stage, optimizer, log)
  }

  private func totalUpdate(_ state: TrainingState) -> Int {
    stages.prefix(state.stage).reduce(state.update) { $0 + $1.updates }
  }

  private func endEpoch(
    _ stage: Stage, state: inout TrainingState, log: inout TrainingLog, clock: SittingClock,
    _ optimizer: AdamW
  ) throws {
    if let validation = stage.validation {
      precondition(validation.sampleCount > 0, "validation needs samples")
      let stop = stop
      let loss = try validation.meanLoss(
        group: 4, executor: lanes.executor, pool: lanes.pool, shouldStop: { stop.isRequested })
      guard let loss else {
        // Stopped in the middle of validation: the checkpoint says that the epoch's updates are done.
        try save(&state, stage, optimizer, log)
        throw TrainingStopped()
      }
      guard loss.isFinite else {
        throw TrainingDiverged(stage: stage.name, update: state.update, loss: loss)
      }
      state.lastValidationLoss = loss
      if loss < state.bestValidationLoss ?? .infinity {
        state.bestValidationLoss = loss
        state.bestEpoch = state.epoch
        try folder.saveBest(exports)
      }
      log.append(
        TrainingRecord(
          stage: state.stage, epoch: state.epoch, update: state.update,
          totalUpdate: totalUpdate(state), validationLoss: loss, seconds: state.seconds))
      progress(clock.progress(stage, state, loss: loss, validationLoss: loss))
    } else {
      try folder.saveBest(exports)
    }
    state.epoch += 1
    state.batch = 0
    try save(&state, stage, optimizer, log)
  }

  /// Log first: a checkpoint never speaks of records that are not there.
  private func save(
    _ state: inout TrainingState, _ stage: Stage, _ optimizer: AdamW, _ log: TrainingLog
  ) throws {
    try AtomicFile.ensureFolder(logURL.deletingLastPathComponent())
    try log.write()
    state.logRecords = log.records.count
    let moments = state.isFinished ? [] : optimizer.state
    try folder.save(state, parameters: trained, moments: moments)
  }
}

/// Samples a second and time left, of this sitting.
private struct SittingClock {
  private let updatesBefore: Int
  private var samples = 0
  private var seconds = 0.0

  init(updatesBefore: Int) { self.updatesBefore = updatesBefore }

  mutating func add(samples: Int, seconds: Double) {
    self.samples += samples
    self.seconds += seconds
  }

  func progress(
    _ stage: Stage, _ state: TrainingState, loss: Double, validationLoss: Double?
  ) -> TrainingProgress {
    let done = state.update - updatesBefore
    let left = Double(stage.updates - state.update) * seconds / Double(max(done, 1))
    return TrainingProgress(
      stage: stage.name, epoch: state.epoch + 1, epochs: stage.epochs, update: state.update,
      updates: stage.updates, loss: loss, samplesPerSecond: Double(samples) / max(seconds, 1e-9),
      secondsLeft: left, validationLoss: validationLoss)
  }
}

extension Duration {
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
