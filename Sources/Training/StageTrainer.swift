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
  /// Batches of which one update is made: as if they were one of `batchSize` times as many samples.
  public var accumulation: Int
  /// Ends the stage after so many epochs in a row without a lower validation loss.
  public var patience: Int?
  /// Parts of ``parameters`` of which each must get a gradient at the first update, by name.
  public var watched: [String: [Parameter]]
  /// Ends the stage early, to try a large setting.
  public var maximumUpdates: Int?

  public init(
    name: String, objective: any Objective, parameters: [Parameter], epochs: Int, batchSize: Int,
    optimizer: OptimizerConfig, validation: (any Objective)? = nil, accumulation: Int = 1,
    patience: Int? = nil, watched: [String: [Parameter]] = [:], maximumUpdates: Int? = nil
  ) {
    self.name = name
    self.objective = objective
    self.parameters = parameters
    self.epochs = epochs
    self.batchSize = batchSize
    self.optimizer = optimizer
    self.validation = validation
    self.accumulation = accumulation
    self.patience = patience
    self.watched = watched
    self.maximumUpdates = maximumUpdates
  }

  /// Samples of an update.
  var updateSize: Int { batchSize * accumulation }
  var updatesPerEpoch: Int { (objective.sampleCount + updateSize - 1) / updateSize }
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
  /// Whether a stage was ended by its ``Stage/maximumUpdates``.
  public let isTruncated: Bool
  public let records: [TrainingRecord]
}

/// How a run of stages keeps what it makes.
public struct TrainerSettings: Sendable {
  /// Time between checkpoints.
  public var checkpointMinutes = 5.0
  /// Which weights count in the end.
  public var weights = CheckpointChoice.best
  public var trackers: [Tracker] = []

  public init() {}
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
  private let settings: TrainerSettings
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
    exports: [WeightExport]? = nil, settings: TrainerSettings = TrainerSettings(),
    stop: StopSignal,
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
    // What trains only to train others (the head of a contrast stage) is kept beside them.
    let exported = Set(exports.flatMap(\.parameters))
    let rest = trained.filter { !exported.contains($0) }
    self.trained = trained
    self.exports =
      exports + (rest.isEmpty ? [] : [WeightExport(file: "auxiliary.safetensors", rest)])
    self.settings = settings
    self.stop = stop
    self.progress = progress
    self.note = note
  }

  /// What lies in a folder for ``run()``.
  public enum Found: Sendable, Equatable {
    case nothing
    /// A checkpoint of other settings or inputs.
    case foreign
    /// A checkpoint to go on from.
    case own
  }

  /// Looks whether ``run()`` could go on from what is in a folder; nothing is changed.
  ///
  /// - Parameter exports: names of the files of the best weights.
  /// - Throws: ``CheckpointError`` when the checkpoint there is damaged.
  public static func found(
    in folder: URL, digest: String, exports: [String] = [WeightExport.best]
  ) throws -> Found {
    let checkpoint = CheckpointFolder(url: folder.appending(path: "checkpoint"))
    guard let state = try checkpoint.anyState() else { return .nothing }
    guard state.digest == digest else { return .foreign }
    if state.bestEpoch != nil || state.isFinished { try checkpoint.checkBest(exports) }
    _ = try TrainingLog(url: folder.appending(path: "log.jsonl"), keeping: state.logRecords)
    return .own
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
    let own = TrainingState(digest: digest).kernels
    if !state.isFinished, state.kernels != own {
      note(
        "The checkpoint's kernels are \(state.kernels), here they are \(own): the last bits will "
          + "differ from those of one sitting.")
      state.kernels = own
    }
    var log = try TrainingLog(url: logURL, keeping: state.logRecords)
    while !state.isFinished {
      try runStage(stages[state.stage], state: &state, log: &log)
    }
    if stages.last?.validation != nil { try folder.loadBest(exports) }
    return TrainingSummary(
      bestValidationLoss: state.bestValidationLoss, finalValidationLoss: state.lastValidationLoss,
      bestEpoch: state.bestEpoch, seconds: state.seconds,
      isTruncated: stages.contains { $0.updates < $0.epochs * $0.updatesPerEpoch },
      records: log.records)
  }

  private func runStage(
    _ stage: Stage, state: inout TrainingState, log: inout TrainingLog
  ) throws {
    trained.setTrainable(false)
    stage.parameters.setTrainable(true)
    defer { trained.setTrainable(false) }
    let optimizer = Adam(
      stage.parameters, options: stage.optimizer.options, executor: lanes.executor)
    if state.update > 0 {
      try folder.loadMoments(optimizer.state)
      optimizer.updates = state.update
    }
    guard stage.epochs > 0 else {
      // Left out: what it would have started from counts.
      try folder.saveBest(exports)
      return try end(stage, &state, optimizer, log)
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
        let first = state.batch * stage.updateSize
        let batch = Array(permutation[first..<min(first + stage.updateSize, permutation.count)])
        let loss = try gradients(
          stage, of: batch, draw: epochKey.named("draw"),
          update: key.named("update").numbered(state.update))
        // Looked at before the step: it would spoil the weights, and a checkpoint would keep them.
        let norm = optimizer.gradientNorm()
        guard loss.isFinite, norm.isFinite, optimizer.canStep(norm: norm) else {
          throw TrainingDiverged(
            stage: stage.name, update: state.update + 1, loss: loss, gradientNorm: norm,
            samples: batch)
        }
        if state.update == 0 { try checkGradients(of: stage) }
        let rate = schedule.learningRate(at: state.update)
        optimizer.step(learningRate: rate, norm: norm)
        stage.objective.afterUpdate()
        let seconds = start.duration(to: .now).seconds
        state.seconds += seconds
        state.batch += 1
        state.update += 1
        state.totalUpdates += 1
        clock.add(samples: batch.count, seconds: seconds)
        log.append(
          TrainingRecord(
            stage: state.stage, epoch: state.epoch, update: state.update,
            totalUpdate: state.totalUpdates, loss: loss, learningRate: rate, gradientNorm: norm,
            seconds: state.seconds))
        progress(clock.progress(stage, state, loss: loss, validationLoss: nil))
        if lastSave.duration(to: .now).seconds > settings.checkpointMinutes * 60 {
          try save(&state, stage, optimizer, log)
          lastSave = .now
        }
      }
      try endEpoch(stage, state: &state, log: &log, clock: clock, optimizer)
      lastSave = .now
    }
    try end(stage, &state, optimizer, log)
  }

  private func end(
    _ stage: Stage, _ state: inout TrainingState, _ optimizer: Adam, _ log: TrainingLog
  ) throws {
    state.stage += 1
    state.epoch = 0
    state.batch = 0
    state.update = 0
    state.epochsWithoutGain = 0
    state.isFinished = state.stage == stages.count
    if !state.isFinished {
      // The best of a stage is of that stage: losses of two stages need not be comparable.
      state.bestValidationLoss = nil
      state.bestEpoch = nil
      state.lastValidationLoss = nil
    }
    try save(&state, stage, optimizer, log)
  }

  private func endEpoch(
    _ stage: Stage, state: inout TrainingState, log: inout TrainingLog, clock: SittingClock,
    _ optimizer: Adam
  ) throws {
    if let validation = stage.validation {
      precondition(validation.sampleCount > 0, "validation needs samples")
      let stop = stop
      let mean = try validation.meanLoss(
        group: validation.evaluationGroup(batchSize: stage.batchSize), executor: lanes.executor,
        pool: lanes.pool, shouldStop: { stop.isRequested })
      guard let (loss, accuracy) = mean else {
        guard stop.isRequested else { throw NothingToValidate(stage: stage.name) }
        // Stopped in the middle of validation: the checkpoint says that the epoch's updates are done.
        try save(&state, stage, optimizer, log)
        throw TrainingStopped()
      }
      guard loss.isFinite else {
        throw TrainingDiverged(stage: stage.name, update: state.update, validationLoss: loss)
      }
      state.lastValidationLoss = loss
      let isBest = loss < state.bestValidationLoss ?? .infinity
      state.epochsWithoutGain = isBest ? 0 : state.epochsWithoutGain + 1
      if isBest { state.bestValidationLoss = loss }
      if isBest || settings.weights == .last {
        state.bestEpoch = state.epoch
        try folder.saveBest(exports)
      }
      log.append(
        TrainingRecord(
          stage: state.stage, epoch: state.epoch, update: state.update,
          totalUpdate: state.totalUpdates, validationLoss: loss, validationAccuracy: accuracy,
          seconds: state.seconds))
      progress(clock.progress(stage, state, loss: loss, validationLoss: loss))
    } else {
      try folder.saveBest(exports)
    }
    state.epoch += 1
    state.batch = 0
    if let patience = stage.patience, state.epochsWithoutGain >= patience {
      state.epoch = stage.epochs
    }
    try save(&state, stage, optimizer, log)
  }

  /// Leaves the gradients of one update's mean loss in the weights.
  private func gradients(
    _ stage: Stage, of samples: [Int], draw: RandomKey, update: RandomKey
  ) throws -> Double {
    guard stage.accumulation > 1 else {
      return try stage.objective.gradients(
        of: samples, for: stage.parameters, draw: draw, update: update, lanes: lanes)
    }
    let batches = stride(from: 0, to: samples.count, by: stage.batchSize).map {
      Array(samples[$0..<min($0 + stage.batchSize, samples.count)])
    }
    // One mean over the units of all batches, not a mean of their means.
    let units = batches.map { batch in
      batch.reduce(0) { $0 + stage.objective.units(of: $1, draw: draw) }
    }
    let all = Double(max(units.reduce(0, +), 1))
    let sum = GradientSum(of: stage.parameters)
    var loss = 0.0
    for (index, batch) in batches.enumerated() {
      let share = Double(units[index]) / all
      loss +=
        share
        * (try stage.objective.gradients(
          of: batch, for: stage.parameters, draw: draw, update: update.numbered(index),
          lanes: lanes))
      sum.add(times: Float(share))
    }
    sum.store()
    return loss
  }

  /// - Throws: ``NoGradient`` for a part that would stay as it is.
  private func checkGradients(of stage: Stage) throws {
    for (name, parameters) in stage.watched.sorted(by: { $0.key < $1.key }) {
      let moves = parameters.contains { $0.squaredGradient(elements: 0..<$0.count) > 0 }
      guard moves else { throw NoGradient(stage: stage.name, part: name) }
    }
  }

  /// Log first: a checkpoint never speaks of records that are not there.
  private func save(
    _ state: inout TrainingState, _ stage: Stage, _ optimizer: Adam, _ log: TrainingLog
  ) throws {
    try AtomicFile.ensureFolder(logURL.deletingLastPathComponent())
    try log.write()
    if settings.trackers.contains(.tensorboard) {
      try TensorBoardWriter.write(
        log.records, stages: stages.count,
        to: logURL.deletingLastPathComponent().appending(path: TensorBoardWriter.folder))
    }
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
