import Foundation
import Metrics
import Reports

/// An arm and seed with its captions, ready to be scored.
struct FinishedRun {
  var outcome: ArmOutcome
  let captions: [CaptionRecord]
}

/// Scores every row of captions and compares the rows.
struct Scoring {
  let config: ExperimentConfig
  let threads: Int
  private let metrics: [any CaptionMetric]

  /// - Parameter cache: Where the compact form of METEOR's paraphrases is kept.
  /// - Throws: `METEORDataError` if a stage of METEOR that the experiment names lacks its data.
  init(config: ExperimentConfig, cache: URL, threads: Int, console: Console) throws {
    self.config = config
    self.threads = threads
    let stages = config.evaluation.meteorStages.sorted()
    let needsData = config.evaluation.metrics.contains(.meteor) && stages.contains { $0 > .stem }
    let resources =
      needsData
      ? try METEORResources.find(cache: cache, progress: { console.bar($1, $0) })
      : METEORResources()
    metrics = try config.evaluation.metrics.map { choice in
      switch choice {
      case .ciderD: CIDErD()
      case .meteor: try METEOR(stages: stages, resources: resources)
      case .bleu: BLEU()
      case .rougeL: ROUGEL()
      }
    }
  }

  /// One row of the table: an arm, or one of its controls.
  private struct Row {
    let name: String
    let isControl: Bool
    let arm: String
    let row: CaptionRow
    /// One set of scores a seed.
    var scores: [[MetricScores]] = []
    var outcomes: [ArmOutcome] = []
  }

  /// The summary of all runs; sets each run's own scores.
  ///
  /// - Throws: `CaptionSetError` when captions and references do not fit.
  func summary(of runs: inout [FinishedRun], question: String?) throws -> RunSummary {
    let rows = try score(&runs)
    let comparisons = compare(rows)
    var notes: [String: String] = [:]
    for score in rows.first?.scores.first ?? [] { notes[score.name] = score.note }
    return RunSummary(
      experiment: config.experiment, arms: rows.map(arm), comparisons: comparisons,
      question: question, seeds: config.training.seeds,
      testImages: runs.first?.captions.count, metricNotes: notes, notes: remarks)
  }

  private var remarks: [String] {
    var remarks = [
      "Intervals: 95 %, \(config.evaluation.bootstrap) bootstrap resamples of the test images; "
        + "document frequencies of CIDEr-D held fixed.",
      "The checkpoint is chosen by validation loss; metrics are of the test images.",
    ]
    if config.training.seeds.count > 1 {
      remarks.append("Intervals and differences are means over seeds of those of each seed.")
    }
    return remarks
  }

  private func score(_ runs: inout [FinishedRun]) throws -> [Row] {
    let evaluation = Evaluation(metrics: metrics, threads: threads)
    var rows: [Row] = []
    for index in runs.indices {
      let outcome = runs[index].outcome
      for row in CaptionRow.allCases {
        let captions = runs[index].captions
        let candidates = captions.compactMap { record in
          record.captions[row.rawValue].map { (record.image, $0) }
        }
        guard candidates.count == captions.count, !captions.isEmpty else { continue }
        let scores = try evaluation.score(
          candidates: Dictionary(candidates) { first, _ in first },
          references: Dictionary(captions.map { ($0.image, $0.references) }) { first, _ in first })
        runs[index].outcome.scores[row.rawValue] = Dictionary(
          scores.map { ($0.name, $0.corpus) }
        ) { first, _ in first }
        let name = row == .trained ? outcome.arm : "\(outcome.arm) (\(row.rawValue))"
        if let place = rows.firstIndex(where: { $0.name == name }) {
          rows[place].scores.append(scores)
          rows[place].outcomes.append(outcome)
        } else {
          rows.append(
            Row(
              name: name, isControl: outcome.isControl || row != .trained, arm: outcome.arm,
              row: row, scores: [scores], outcomes: [outcome]))
        }
      }
    }
    return rows.filter { !$0.isControl } + rows.filter(\.isControl)
  }

  private func arm(_ row: Row) -> RunSummary.Arm {
    let bootstrap = Bootstrap(
      resamples: config.evaluation.bootstrap, seed: UInt64(config.evaluation.seed))
    let intervals = row.scores.map { bootstrap.intervals(of: $0, threads: threads) }
    var metrics: [String: RunSummary.Metric] = [:]
    for (index, score) in (row.scores.first ?? []).enumerated() {
      let values = row.scores.map { $0[index].corpus }
      let (mean, deviation) = Summaries.meanAndDeviation(values)
      metrics[score.name] = RunSummary.Metric(
        mean: mean, std: values.count > 1 ? deviation : nil,
        ci95: RunSummary.Interval(
          average(intervals.map { $0[index].lower }), average(intervals.map { $0[index].upper })),
        perSeed: values)
    }
    let isTrained = row.row != .untrained
    let first = row.outcomes[0]
    let best = row.outcomes.compactMap(\.bestValidationLoss)
    let last = row.outcomes.compactMap(\.finalValidationLoss)
    return RunSummary.Arm(
      arm: row.name, control: row.isControl, visualTokens: first.visualTokens,
      trainableParameters: first.trainableParameters, flopsPerSample: first.flopsPerSample,
      seconds: isTrained ? average(row.outcomes.map(\.seconds)) : nil,
      validationLoss: RunSummary.ValidationLoss(
        best: isTrained && !best.isEmpty ? average(best) : nil,
        final: isTrained && !last.isEmpty ? average(last) : nil), metrics: metrics,
      learningRate: isTrained ? first.learningRate : nil, bestEpoch: first.bestEpoch.map { $0 + 1 },
      note: nil)
  }

  private func average(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(max(values.count, 1))
  }

  /// Every pair of arms, and every arm against its controls; Holm over the pairs of a metric.
  private func compare(_ rows: [Row]) -> [RunSummary.Comparison] {
    let arms = rows.filter { !$0.isControl }
    var pairs: [(Row, Row)] = []
    for (index, a) in arms.enumerated() {
      for b in arms.dropFirst(index + 1) { pairs.append((a, b)) }
      for control in rows where control.isControl {
        if control.arm == a.arm || control.row == .trained { pairs.append((a, control)) }
      }
    }
    let test = PairedTest(
      resamples: config.evaluation.bootstrap, trials: config.evaluation.randomizations,
      seed: UInt64(config.evaluation.seed))
    let differences = pairs.map { a, b in
      zip(a.scores, b.scores).map { test.differences(a: $0, b: $1, threads: threads) }
    }
    var comparisons: [RunSummary.Comparison] = []
    for metric in (rows.first?.scores.first ?? []).indices {
      let p = differences.map { seeds in average(seeds.map { $0[metric].p }) }
      let corrected = Summaries.holm(p)
      for (index, (a, b)) in pairs.enumerated() {
        let seeds = differences[index].map { $0[metric] }
        comparisons.append(
          RunSummary.Comparison(
            a: a.name, b: b.name, metric: seeds[0].metric,
            difference: average(seeds.map(\.difference)),
            ci95: RunSummary.Interval(
              average(seeds.map(\.ci95.lower)), average(seeds.map(\.ci95.upper))),
            p: p[index], pHolm: corrected[index]))
      }
    }
    return comparisons
  }
}
