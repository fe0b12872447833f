import Configuration
import Foundation
import Reports
import Storage
import Training

extension Study {
  /// Heatmaps of the first seed and fold of each arm whose weights are there, and magnitudes.
  func draw(_ group: LazyInputs, into results: inout StudyResults) throws {
    let config = group.group.config
    let cells = results.finished.filter { finished in
      finished.cell.seed == config.training.seeds.first && (finished.cell.fold ?? 0) == 0
        && FileManager.default.fileExists(atPath: finished.cell.folder.weights.path)
        && group.group.points.contains { $0.config == finished.cell.config }
    }
    let heatmaps = config.figures.heatmaps
    guard !cells.isEmpty,
      heatmaps.images > 0 || heatmaps.magnitude || config.figures.features > 0
    else { return }
    console.log("Drawing heatmaps")
    let inputs = try group.values()
    let arms = try cells.filter { !$0.cell.arm.isControl }.compactMap {
      finished -> HeatmapArm? in
      do {
        return try HeatmapArm(
          TrainedCell(
            arm: finished.cell.arm.name, finished.cell.folder, experiment: finished.cell.config),
          inputs)
      } catch let error as CheckpointError {
        // The cell's results are whole without its weights.
        console.log("  no heatmap of \(finished.cell.arm.row): \(error)")
        return nil
      }
    }
    let files =
      try writeHeatmaps(
        arms: arms, inputs: inputs, config: config, to: folder, executor: executor,
        console: console, stop: stop)
      + writeMagnitudes(
        inputs: inputs, config: config, to: folder, executor: executor, stop: stop)
    try writeFeatures(arms: arms, inputs: inputs, config: config, to: folder)
    results.pictures += files.map {
      .init(path: "figures/" + $0.url.lastPathComponent, caption: $0.title)
    }
  }

  /// Scores, tables and page of what the cells came to.
  func report(_ results: StudyResults, _ groups: [LazyInputs], _ scoring: Scoring) throws
    -> RunSummary
  {
    let inputs = groups[0].shapes
    var cells = results.finished
    var summary = try scoring.summary(
      of: &cells, folds: inputs.data.folds.count, experiment: experiment.name,
      question: experiment.question)
    summary.failures = results.failures > 0 ? results.failures : nil
    summary.missing = results.missing.isEmpty ? nil : results.missing
    summary.notes = (summary.notes ?? []) + inputs.remarks + experiment.config.training.remarks
    summary.expectations = experiment.config.expectations(of: summary)
    for cell in cells where !cell.outcome.scores.isEmpty {
      try cell.outcome.write(to: cell.cell.folder.metrics)
    }
    try RunReport(
      experiment: experiment, summary: summary, cells: cells, inputs: inputs, folder: folder,
      threads: options.threads, heatmaps: results.pictures
    ).write()
    console.log("Results are in \(folder.url.path)")
    return summary
  }
}

extension ConfigNode {
  /// What differs from `other`, key by key: "arm.optimizer.peak_learning_rate 0.001 → 0.003".
  func differences(to other: ConfigNode, at path: String = "") -> [String] {
    let name = path.isEmpty ? "the settings" : path
    switch (content, other.content) {
    case (.mapping(let mine), .mapping(let theirs)):
      let keys =
        mine.map(\.key)
        + theirs.map(\.key).filter { key in
          !mine.contains { $0.key == key }
        }
      return keys.flatMap { key -> [String] in
        let inner = path.isEmpty ? key : "\(path).\(key)"
        switch (self[key], other[key]) {
        case (let old?, let new?): return old.differences(to: new, at: inner)
        case (let old?, nil): return ["\(inner) \(old.inlineText) is gone"]
        case (nil, let new?): return ["\(inner) \(new.inlineText) is new"]
        case (nil, nil): return []
        }
      }
    case (.sequence(let mine), .sequence(let theirs)) where mine.count == theirs.count:
      return zip(mine, theirs).enumerated().flatMap { index, pair in
        pair.0.differences(to: pair.1, at: "\(path).\(index)")
      }
    default:
      return inlineText == other.inlineText
        ? [] : ["\(name) \(inlineText) → \(other.inlineText)"]
    }
  }

  /// The value in one line.
  var inlineText: String {
    switch content {
    case .scalar(let text, _): text
    case .sequence(let values): "[" + values.map(\.inlineText).joined(separator: ", ") + "]"
    case .mapping(let entries):
      "{" + entries.map { "\($0.key): \($0.value.inlineText)" }.joined(separator: ", ") + "}"
    }
  }
}
