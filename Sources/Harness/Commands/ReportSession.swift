import Foundation
import Layers
import Reports
import Tensors
import Training

/// Makes the tables and the page of a results folder again: `dragoman report`.
public struct ReportSession {
  let results: StoredResults
  let experimentFile: String?
  let cache: URL
  let threads: Int

  /// - Parameter experimentFile: The experiment file, whose folder relative paths start from; the results
  ///   folder when nil.
  /// - Throws: ``ComparisonRefusal`` for a folder without results.
  public init(_ url: URL, experimentFile: String? = nil, cache: URL, threads: Int) throws {
    results = try StoredResults(url)
    self.experimentFile = experimentFile
    self.cache = cache
    self.threads = threads
  }

  /// - Throws: errors of the data set, whose photographs stand on the page, and of files.
  public func run() throws -> RunSummary {
    let experiment = try Experiment.load(
      results.folder.experiment.path, relativeTo: experimentFile)
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
    // The question stood in a comment of the experiment file, which the folder's copy does not have.
    let before = try? RunSummary(json: Data(contentsOf: results.folder.summary))
    summary.question = summary.question ?? before?.question
    summary.missing = results.missing.isEmpty ? nil : results.missing
    summary.failures = results.failures > 0 ? results.failures : nil
    summary.notes = (summary.notes ?? []) + inputs.remarks + experiment.config.training.remarks
    summary.expectations = experiment.config.expectations(of: summary)
    let figures =
      (try? FileManager.default.contentsOfDirectory(atPath: results.folder.figures.path))
    let heatmaps = (figures ?? []).sorted().filter {
      $0.hasPrefix("attention-") || $0.hasPrefix("queries-") || $0.hasPrefix("magnitude-")
    }
    try RunReport(
      experiment: experiment, summary: summary, cells: cells, inputs: inputs,
      folder: results.folder, threads: threads,
      heatmaps: heatmaps.map { .init(path: "figures/\($0)", caption: $0) }, isRepeated: true
    ).write()
    return summary
  }
}
