import Configuration
import Foundation
import Metrics
import Reports

/// Scores every row of answers and compares the rows.
struct Scoring {
  let evaluation: EvaluationConfig
  let seeds: [Int]
  let threads: Int
  private let metrics: [any CaptionMetric]

  /// - Parameter cache: Where the compact form of METEOR's paraphrases is kept.
  /// - Throws: `METEORDataError` if a stage of METEOR that the experiment names lacks its data.
  init(_ experiment: Experiment, cache: URL, threads: Int, console: Console) throws {
    try self.init(
      experiment.config.evaluation, seeds: experiment.config.training.seeds, cache: cache,
      threads: threads, console: console)
  }

  init(
    _ evaluation: EvaluationConfig, seeds: [Int], cache: URL, threads: Int, console: Console
  ) throws {
    self.evaluation = evaluation
    self.seeds = seeds
    self.threads = threads
    let stages = evaluation.meteorStages.sorted()
    let needsData = evaluation.metrics.contains { $0.needsResources(stages: stages) }
    let resources =
      needsData
      ? try METEORResources.find(cache: cache, progress: { console.bar($1, $0) })
      : METEORResources()
    metrics = try evaluation.metrics.map { try $0.make(stages: stages, resources: resources) }
  }

  /// One row of the table: an arm, or one of its controls.
  private struct Row {
    let name: String
    let isControl: Bool
    let arm: Arm
    let row: AnswerRow
    var cells: [FinishedCell] = []
    /// One a seed whose folds are all there.
    var seeds: [(seed: Int, scores: [MetricScores])] = []
    var folds: [Int]?
    /// What was scored, in the scores' order.
    var images: [Identifier] = []

    /// Every metric over the seeds.
    var nested: [NestedScores] {
      (seeds.first?.scores ?? []).indices.map { metric in
        NestedScores(seeds: seeds.map { $0.scores[metric] }, folds: folds)
      }
    }
  }

  /// The summary of all cells; sets each cell's own scores.
  ///
  /// - Parameters:
  ///   - folds: that there are in all; 1 without.
  /// - Throws: `CaptionSetError` when answers and references do not fit.
  func summary(
    of cells: inout [FinishedCell], folds: Int, experiment: String, question: String?
  ) throws -> RunSummary {
    let rows = try score(&cells, folds: folds)
    let complete = rows.filter { !$0.seeds.isEmpty }
    let bootstrap = Bootstrap(resamples: evaluation.bootstrap, seed: UInt64(evaluation.seed))
    let resampled = complete.map { bootstrap.resample($0.nested, threads: threads) }
    var notes: [String: String] = [:]
    for score in complete.first?.seeds.first?.scores ?? [] { notes[score.name] = score.note }
    let names = complete.first?.seeds.first?.scores.map(\.name) ?? []
    let primary = primaryIndex(among: names).map { names[$0] }
    return RunSummary(
      experiment: experiment, arms: zip(complete, resampled).map(arm),
      comparisons: compare(complete, resampled),
      question: question, seeds: seeds, folds: folds > 1 ? folds : nil, primary: primary,
      steps: cells.compactMap(\.outcome.steps).max(),
      testImages: complete.first?.seeds.first?.scores.first?.perImage.count, metricNotes: notes,
      notes: remarks(folds))
  }

  /// Place of the primary metric among the scores.
  private func primaryIndex(among names: [String]) -> Int? {
    (evaluation.primary ?? evaluation.metrics.first).flatMap { $0.primary(among: names) }
  }

  private func remarks(_ folds: Int) -> [String] {
    let over =
      (seeds.count > 1 ? ", seeds" : "") + (folds > 1 ? ", folds" : "")
    return [
      "Intervals: 95 %, \(evaluation.bootstrap) bootstrap resamples of the test images\(over)"
        + (over.isEmpty ? "" : " together") + "; document frequencies of CIDEr-D held fixed.",
      "The checkpoint is chosen by validation loss; metrics are of the test images.",
    ]
  }

  // MARK: - Scores

  private func score(_ cells: inout [FinishedCell], folds: Int) throws -> [Row] {
    var rows: [Row] = []
    for cell in cells {
      for row in AnswerRow.allCases {
        guard !cell.answers.isEmpty,
          cell.answers.allSatisfy({ $0.captions[row.rawValue] != nil })
        else { continue }
        let arm = cell.cell.arm
        let name = row == .trained ? arm.row : "\(arm.row) (\(row.rawValue))"
        if let place = rows.firstIndex(where: { $0.name == name }) {
          rows[place].cells.append(cell)
        } else {
          rows.append(
            Row(
              name: name, isControl: arm.isControl || row != .trained, arm: arm, row: row,
              cells: [cell]))
        }
      }
    }
    for index in rows.indices {
      for seed in seeds {
        let chosen = rows[index].cells.filter { $0.cell.seed == seed }
          .sorted { ($0.cell.fold ?? 0) < ($1.cell.fold ?? 0) }
        guard chosen.count == folds else { continue }
        let scores = try self.scores(of: chosen, rows[index].row)
        rows[index].seeds.append((seed, scores.metrics))
        rows[index].images = scores.images
        if folds > 1 { rows[index].folds = scores.folds }
        if folds == 1,
          let place = cells.firstIndex(where: { $0.cell.folder == chosen[0].cell.folder })
        {
          cells[place].outcome.scores[rows[index].row.rawValue] = Dictionary(
            scores.metrics.map { ($0.name, $0.corpus) }
          ) { first, _ in first }
        }
      }
    }
    return rows.filter { !$0.isControl } + rows.filter(\.isControl)
  }

  /// Of all images that the folds of one seed test, and the fold of each in the scores' order. An image with
  /// several questions, or turns, is one: its answers are not independent of each other.
  private func scores(
    of cells: [FinishedCell], _ row: AnswerRow
  ) throws -> (metrics: [MetricScores], images: [Identifier], folds: [Int]) {
    var candidates: [Identifier: String] = [:]
    var references: [Identifier: [String]] = [:]
    var owners: [Identifier: Identifier] = [:]
    var folds: [Identifier: Int] = [:]
    var kinds: [Identifier: String] = [:]
    for cell in cells {
      for (index, record) in cell.answers.enumerated() {
        var item = record.image
        if candidates[item] != nil { item = Identifier("\(record.image.text)#\(index)") }
        candidates[item] = record.captions[row.rawValue]
        references[item] = record.references
        kinds[item] = record.kind
        owners[item] = record.medium ?? record.image
        folds[record.medium ?? record.image] = cell.cell.fold ?? 0
      }
    }
    let evaluation = Evaluation(metrics: metrics, threads: threads)
    var scored = try evaluation.score(
      candidates: candidates, references: references, kinds: kinds)
    let items = candidates.keys.sorted()
    var groups: [Identifier: [Int]] = [:]
    for (place, item) in items.enumerated() {
      groups[owners[item] ?? item, default: []].append(place)
    }
    let images = groups.keys.sorted()
    if images.count < items.count {
      scored = scored.map { $0.grouped(images.map { groups[$0] ?? [] }) }
    }
    scored += pairScores(of: cells, row, order: images)
    return (scored, images, images.map { folds[$0] ?? 0 })
  }

  /// Of images and captions that were compared with each other: none where they were not.
  private func pairScores(
    of cells: [FinishedCell], _ row: AnswerRow, order images: [Identifier]
  ) -> [MetricScores] {
    let sets = cells.map { cell in
      cell.answers.map { (id: $0.medium ?? $0.image, pair: $0.pairs?[row.rawValue]) }
    }
    let all = sets.flatMap { $0 }
    let pairs = all.compactMap(\.pair)
    guard pairs.count == images.count, all.count == images.count else { return [] }
    let retrieval = Retrieval.scores(
      of: sets.map { set in
        Retrieval(
          ranks: set.compactMap(\.pair).map {
            Retrieval.ImageRanks(imageToText: $0.imageToText, textToImage: $0.textToImage)
          })
      })
    let likeness = [
      MetricScores(
        name: "likeness/matched", meanOf: pairs.map(\.matched),
        note: "mean cosine of a test image and its own captions", range: -1...1),
      MetricScores(
        name: "likeness/others", meanOf: pairs.map(\.mismatched),
        note: "mean cosine of a test image and the other images' captions", range: -1...1),
    ]
    let places = Dictionary(all.enumerated().map { ($1.id, $0) }) { first, _ in first }
    return (likeness + retrieval).map { scores in
      scores.grouped(images.map { places[$0].map { [$0] } ?? [] })
    }
  }

  private func arm(_ row: Row, _ resampled: ResampledScores) -> RunSummary.Arm {
    var metrics: [String: RunSummary.Metric] = [:]
    for estimate in resampled.estimates {
      metrics[estimate.metric] = RunSummary.Metric(
        mean: estimate.value, std: estimate.seedDeviation,
        ci95: RunSummary.Interval(estimate.ci95.lower, estimate.ci95.upper),
        perSeed: estimate.perSeed, perFold: row.folds == nil ? [] : estimate.perFold,
        foldStd: estimate.foldDeviation,
        wilson95: estimate.wilson95.map { RunSummary.Interval($0.lower, $0.upper) })
    }
    let isTrained = row.row != .untrained
    let outcomes = row.cells.map(\.outcome)
    let first = outcomes[0]
    func mean(_ values: [Double]) -> Double? {
      isTrained && !values.isEmpty ? values.reduce(0, +) / Double(values.count) : nil
    }
    return RunSummary.Arm(
      arm: row.name, control: row.isControl, visualTokens: first.visualTokens,
      trainableParameters: first.trainableParameters, flopsPerSample: first.flopsPerSample,
      seconds: mean(outcomes.map(\.seconds)),
      validationLoss: RunSummary.ValidationLoss(
        best: mean(outcomes.compactMap(\.bestValidationLoss)),
        final: mean(outcomes.compactMap(\.finalValidationLoss))),
      metrics: metrics, stages: isTrained ? first.stages : [],
      bestEpoch: isTrained ? first.bestEpoch : nil)
  }

  // MARK: - Comparisons

  /// Of shares, such as accuracy; nil for another metric.
  private func mcNemar(_ a: NestedScores, _ b: NestedScores) -> RunSummary.McNemar? {
    guard Proportions.wilson(a) != nil else { return nil }
    let test = Proportions.mcNemar(a, b)
    return RunSummary.McNemar(aBetter: test.aBetter, bBetter: test.bBetter, p: test.p)
  }

  /// Every pair of arms, and every arm against its own controls and the control arms.
  private func compare(_ rows: [Row], _ resampled: [ResampledScores]) -> [RunSummary.Comparison] {
    let arms = rows.indices.filter { !rows[$0].isControl }
    let pairs = arms.enumerated().flatMap { index, a in
      arms.dropFirst(index + 1).map { (a, $0) }
        + rows.indices.filter { b in
          rows[b].isControl && (rows[b].arm.isControl || rows[b].arm.row == rows[a].arm.row)
        }.map { (a, $0) }
    }.filter { a, b in
      // Points of a sweep may be tested on other images.
      rows[a].folds == rows[b].folds && rows[a].images == rows[b].images
    }
    let test = PairedTest(trials: evaluation.randomizations)
    let differences = pairs.map {
      test.compare(resampled[$0.0], resampled[$0.1], threads: threads)
    }
    let names = resampled.first?.estimates.map(\.metric) ?? []
    let primaryIndex = primaryIndex(among: names)
    let corrected = primaryIndex.map { primary in
      Summaries.holm(differences.map { $0[primary].p })
    }
    return (resampled.first?.scores ?? []).indices.flatMap { metric in
      pairs.indices.map { index in
        let value = differences[index][metric]
        let isPrimary = metric == primaryIndex
        return RunSummary.Comparison(
          a: rows[pairs[index].0].name, b: rows[pairs[index].1].name, metric: value.metric,
          difference: value.difference,
          ci95: RunSummary.Interval(value.ci95.lower, value.ci95.upper),
          p: isPrimary ? value.p : nil, pHolm: isPrimary ? corrected?[index] : nil,
          standardError: value.standardError,
          smallestDetectable: isPrimary ? value.smallestDetectable : nil,
          mcNemar: mcNemar(rows[pairs[index].0].nested[metric], rows[pairs[index].1].nested[metric])
        )
      }
    }
  }
}
