import Configuration
import Foundation
import Storage
import Tensors
import Training

/// One setting of the grid that a search tries for an arm.
struct SearchTrial: Sendable {
  let arm: Arm
  /// `optimizer.peak_learning_rate=0.001`.
  let label: String

  var folderName: String {
    "search-"
      + Experiment.folderName([arm.label, label].filter { !$0.isEmpty }.joined(separator: ","))
  }
}

extension SearchConfig {
  /// Every combination of the values, for one arm: as many trials for each.
  ///
  /// - Throws: ``ConfigError`` for a key that an arm doesn't have or a value it refuses.
  func grid(of arm: Arm) throws -> [SearchTrial] {
    var points: [[(path: String, value: ConfigNode)]] = [[]]
    for entry in settings {
      points = points.flatMap { point in
        entry.value.map { point + [(entry.key, $0)] }
      }
    }
    return try points.map { point in
      var node = arm.config.resolved
      for (path, value) in point {
        try ConfigOverride(
          setting: path.split(separator: ".").map(String.init), to: value
        ).apply(to: &node, shape: ArmConfig.shape)
      }
      let settings = try ArmConfig.decode(node, folder: "", environment: [:])
      return SearchTrial(
        arm: arm.with(settings),
        label: point.map { "\($0.path)=\($0.value.inlineText)" }.joined(separator: ","))
    }
  }
}

/// Chooses an arm's settings by validation loss, on part of the training images and epochs: `search:`.
///
/// A trial is a cell of its own, kept by its small file; the grid and so the number of trials is the same for
/// every arm, controls that train among them.
struct SettingSearch {
  let study: Study
  let search: SearchConfig
  let inputs: LazyInputs

  enum Outcome {
    case chosen(ArmConfig, source: String)
    /// Trials are missing and were not to be run.
    case notRun
    /// Every trial diverged.
    case failed(reason: String)
  }

  /// What a trial came to: `metrics.json` in its folder.
  private struct TrialOutcome: Codable {
    var weightsDigest: String
    /// nil: it diverged.
    var validationLoss: Double?
    var message: String?

    enum CodingKeys: String, CodingKey {
      case message
      case weightsDigest = "weights_digest"
      case validationLoss = "validation_loss"
    }
  }

  /// - Parameter mayRun: whether trials that are missing are run.
  func choose(_ arm: Arm, _ config: ExperimentConfig, mayRun: Bool) throws -> Outcome {
    var trials: [(trial: SearchTrial, loss: Double?)] = []
    for trial in try search.grid(of: arm) {
      guard let outcome = try outcome(of: trial, config, mayRun: mayRun) else {
        return .notRun
      }
      trials.append((trial, outcome.validationLoss))
    }
    let tried = trials.map { trial, loss in
      "\(trial.label): \(loss.map { String(format: "%.4f", $0) } ?? "diverged")"
    }.joined(separator: ", ")
    guard let best = trials.filter({ $0.loss != nil }).min(by: { $0.loss ?? 0 < $1.loss ?? 0 })
    else { return .failed(reason: "every trial of the search diverged (\(tried))") }
    console.log("\(arm.row): searched \(tried); chosen \(best.trial.label)")
    return .chosen(
      best.trial.arm.config,
      source: "searched by validation loss after \(search.epochs) "
        + "\(search.epochs == 1 ? "epoch" : "epochs") on \(search.images) images (\(tried))")
  }

  private var console: Console { study.console }

  private func outcome(
    of trial: SearchTrial, _ config: ExperimentConfig, mayRun: Bool
  ) throws -> TrialOutcome? {
    var config = config
    for index in config.training.stages.indices {
      config.training.stages[index].epochs = search.epochs
    }
    let shapes = inputs.shapes
    let cell = Cell(
      arm: trial.arm, seed: config.training.seeds[0],
      fold: shapes.data.folds.count > 1 ? 0 : nil, config: config,
      folder: study.folder.cell(arm: trial.arm.name, trial.folderName))
    let limit = study.options.maximumUpdates
    let digest = Digest.of(
      try cell.weightsDigest(shapes, limit: limit) + "search \(search.images)")
    if let data = try? Data(contentsOf: cell.folder.metrics),
      let known = try? JSONDecoder().decode(TrialOutcome.self, from: data),
      known.weightsDigest == digest
    {
      return known
    }
    guard mayRun else { return nil }
    console.log("search, \(trial.arm.row): \(trial.label)")
    let values = try inputs.values()
    let lanes = Lanes(count: config.training.lanes, threads: study.options.threads)
    defer { lanes.pool.trim() }
    var run = CellRun(
      cell: cell, inputs: values, lanes: lanes, stop: study.stop, console: console, limit: limit)
    run.images = search.images
    var outcome = TrialOutcome(weightsDigest: digest)
    do {
      let model = try ArmModel(
        trial.arm, seed: cell.seed, inputs: values, training: config.training)
      outcome.validationLoss = try run.train(model, digest: digest).bestValidationLoss
    } catch let error as TrainingDiverged {
      outcome.message = error.description
      console.log("  \(error)")
    }
    try JSONOutput.write(outcome, to: cell.folder.metrics)
    // Its weights are of no use any more.
    try? FileManager.default.removeItem(at: cell.folder.checkpoint)
    return outcome
  }
}
