import Foundation
import Layers
import Reports
import Tensors
import Training

/// Makes the tables and the page of a results folder again: `dragoman report`.
public struct ReportSession {
  let results: StoredResults
  let cache: URL
  let threads: Int

  /// - Throws: ``ComparisonRefusal`` for a folder without results.
  public init(_ url: URL, cache: URL, threads: Int) throws {
    results = try StoredResults(url)
    self.cache = cache
    self.threads = threads
  }

  /// - Throws: errors of the data set, whose photographs stand on the page, and of files.
  public func run() throws -> RunSummary {
    let experiment = try Experiment.load(results.folder.experiment.path)
    let lock = try results.folder.lock()
    defer { lock.release() }
    let console = Console(quiet: true)
    let inputs = try InputLoader(
      config: experiment.config, cache: cache, executor: LaneExecutor(threads: threads),
      console: console, stop: StopSignal(), maximumUpdates: nil
    ).shapes()
    var cells = results.cells
    var summary = try Scoring(experiment, cache: cache, threads: threads, console: console)
      .summary(
        of: &cells, folds: inputs.data.folds.count, experiment: experiment.name,
        question: experiment.question)
    let before = try? RunSummary(json: Data(contentsOf: results.folder.summary))
    summary.missing = before?.missing
    summary.question = summary.question ?? before?.question
    summary.notes = (summary.notes ?? []) + inputs.remarks + experiment.config.training.remarks
    let figures = (try? FileManager.default.contentsOfDirectory(atPath: results.folder.figures.path))
    let heatmaps = (figures ?? []).sorted().filter {
      $0.hasPrefix("attention-") || $0.hasPrefix("queries-") || $0.hasPrefix("magnitude-")
    }
    try RunReport(
      experiment: experiment, summary: summary, cells: cells, inputs: inputs,
      folder: results.folder, threads: threads,
      heatmaps: heatmaps.map { .init(path: "figures/\($0)", caption: $0) }
    ).write()
    return summary
  }
}
