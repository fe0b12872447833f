import Foundation
import Layers
import Projectors
import Reports
import Storage
import Tensors
import Training

/// What `dragoman run` was asked for beside the experiment.
public struct RunOptions: Sendable {
  public var results: URL
  public var cache: URL
  public var threads: Int
  /// Ends each stage after so many updates.
  public var maximumUpdates: Int?
  /// Throws away what an earlier run left.
  public var isFresh: Bool
  public var isQuiet: Bool

  public init(
    results: URL, cache: URL, threads: Int, maximumUpdates: Int? = nil, isFresh: Bool = false,
    isQuiet: Bool = false
  ) {
    self.results = results
    self.cache = cache
    self.threads = threads
    self.maximumUpdates = maximumUpdates
    self.isFresh = isFresh
    self.isQuiet = isQuiet
  }
}

/// Runs an experiment from its file to its results folder.
public struct ExperimentRunner {
  let experiment: Experiment
  let options: RunOptions
  let stop: StopSignal
  let console: Console

  public init(_ experiment: Experiment, options: RunOptions, stop: StopSignal) {
    self.experiment = experiment
    self.options = options
    self.stop = stop
    console = Console(quiet: options.isQuiet)
  }

  /// Trains what is not trained yet, scores it and writes tables, figures and report.
  ///
  /// - Returns: what the results folder's `summary.json` says.
  /// - Throws: ``RunStopped`` at a signal; errors of files, data and models.
  @discardableResult
  public func run() throws -> RunSummary {
    do {
      return try runToEnd()
    } catch var stopped as RunStopped {
      stopped.isFresh = options.isFresh
      throw stopped
    }
  }

  private func runToEnd() throws -> RunSummary {
    let config = experiment.config
    let folder = ResultsFolder(options.results.appending(path: experiment.name))
    defer { console.endBar() }
    // Before the work, not after it; an empty folder goes again.
    try folder.prepare()
    defer { rmdir(folder.url.path) }
    let lock = try folder.lock()
    defer { lock.release() }
    let executor = LaneExecutor(threads: options.threads)
    let scoring = try Scoring(
      config: config, cache: options.cache, threads: options.threads, console: console)
    let inputs = try InputLoader(
      config: config, cache: options.cache, executor: executor, console: console, stop: stop,
      maximumUpdates: options.maximumUpdates
    ).load()
    try checkHeatmapLayer(of: config, inputs: inputs)
    let lanes = Lanes(count: config.training.lanes, threads: options.threads)
    let armRuns = config.training.seeds.flatMap { seed in
      ArmPlan.arms(of: config).map { plan in
        ArmRun(
          plan: plan, seed: seed, config: config, inputs: inputs,
          folder: folder.run(arm: plan.name, seed: seed), lanes: lanes, stop: stop,
          console: console, maximumUpdates: options.maximumUpdates)
      }
    }
    if options.isFresh {
      try folder.clear()
    } else {
      // All of them before any file changes: a refused run leaves the earlier results as they were.
      for run in armRuns { try run.checkCheckpoint() }
    }
    try AtomicFile.write(experiment.resolvedYAML, to: folder.experiment)
    var runs: [FinishedRun] = []
    // Heatmaps are drawn of the first seed.
    var drawn: [HeatmapArm] = []
    for run in armRuns {
      console.log("\(run.plan.name), seed \(run.seed)")
      let result = try run.run()
      lanes.pool.trim()  // the next arm's buffers have other sizes
      runs.append(FinishedRun(outcome: result.outcome, captions: result.captions))
      if run.seed == config.training.seeds.first {
        drawn.append(
          HeatmapArm(
            plan: run.plan, projector: result.projector, captions: result.captions,
            folder: run.folder
          ) { [plan = run.plan, folder = run.folder] in
            try plan.trainedLanguageModel(in: folder, inputs: inputs, training: config.training)
          })
      }
    }
    console.log("Scoring")
    var summary = try scoring.summary(of: &runs, question: experiment.question)
    summary.notes = (summary.notes ?? []) + inputs.remarks + config.training.remarks
    for run in runs {
      try run.outcome.write(
        to: folder.run(arm: run.outcome.arm, seed: run.outcome.seed).metrics)
    }
    console.log("Drawing heatmaps")
    let heatmaps = try writeHeatmaps(
      arms: drawn, inputs: inputs, config: config, to: folder, executor: executor,
      console: console, stop: stop)
    let magnitudes = try writeMagnitudes(
      inputs: inputs, config: config, to: folder, executor: executor, stop: stop)
    try RunReport(
      experiment: experiment, summary: summary, runs: runs, inputs: inputs, folder: folder,
      threads: options.threads,
      heatmaps: (heatmaps + magnitudes).map {
        .init(path: "figures/" + $0.url.lastPathComponent, caption: $0.title)
      }
    ).write()
    console.log("Results are in \(folder.url.path)")
    return summary
  }
}
