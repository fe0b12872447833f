import Metrics

/// What a paired comparison shows.
public enum Verdict: String, Sendable, Equatable {
  case aBeatsB
  case bBeatsA
  case noDifferenceShown
  /// Of a metric that is described only.
  case notTested
}

extension RunSummary.Comparison {
  /// `a` beats `b` only if the 95 % interval of the paired difference excludes 0 and p after Holm's
  /// correction is below 0.05.
  public var verdict: Verdict {
    guard let pHolm else { return .notTested }
    let aIsHigher = ci95.low > 0
    let bIsHigher = ci95.high < 0
    guard aIsHigher || bIsHigher, pHolm < 0.05 else { return .noDifferenceShown }
    return aIsHigher != RunSummary.lowerIsBetter(metric) ? .aBeatsB : .bBeatsA
  }

  /// "qformer beats mlp", or "no difference shown".
  public var finding: String {
    switch verdict {
    case .aBeatsB: "\(a) beats \(b)"
    case .bBeatsA: "\(b) beats \(a)"
    case .noDifferenceShown: "no difference shown"
    case .notTested: "described, not tested"
    }
  }
}

extension RunSummary {
  /// Metrics of the comparison table, in its order: the first name part that matches.
  static let headlineMetrics = [
    "CIDEr-D", "METEOR", "BLEU-4", "ROUGE-L", "accuracy", "attribute/", "zero-shot accuracy",
    "R@1 ", "median rank",
  ]

  static func lowerIsBetter(_ metric: String) -> Bool {
    let name = metric.lowercased()
    return name.contains("loss") || name.contains("perplexity") || name.hasPrefix("nll")
      || name.hasPrefix("median rank")
  }

  /// Names of every metric that an arm has, headline metrics first and the rest by name.
  public var metricNames: [String] {
    func place(_ name: String) -> Int {
      Self.headlineMetrics.firstIndex { name.lowercased().hasPrefix($0.lowercased()) }
        ?? Self.headlineMetrics.count
    }
    return Set(arms.flatMap(\.metrics.keys)).sorted { (place($0), $0) < (place($1), $1) }
  }

  var headlineMetricNames: [String] {
    let headline = metricNames.filter { name in
      Self.headlineMetrics.contains { name.lowercased().hasPrefix($0.lowercased()) }
    }
    return headline.isEmpty ? metricNames : headline
  }

  /// "quickstart: comparison", with a mark where the run is not a whole one.
  func title(_ what: String) -> String {
    let cut = steps.map { " (stages ended after \($0) updates)" } ?? ""
    return "\(experiment): \(what)" + cut + ((missing ?? []).isEmpty ? "" : " (cells missing)")
  }

  /// One row an arm, controls below a rule: cost, validation loss and metrics.
  ///
  /// `metrics` names the metrics to show; `nil` shows the headline metrics.
  public func comparisonTable(metrics: [String]? = nil) -> ResultTable {
    let metrics = metrics ?? headlineMetricNames
    let columns: [ResultTable.Column] =
      [
        .init("Arm", alignment: .left),
        .init("Visual tokens", format: .integer),
        .init("Trainable parameters", format: .integer),
        .init("FLOPs per sample", format: .prefixed(3)),
        .init("Time", unit: "s", format: .integer),
        .init("Learning rate", format: .significant(3)),
        .init("Best val. loss", format: .decimals(4)),
        .init("Final val. loss", format: .decimals(4)),
      ] + metrics.map { .init($0, format: .decimals(3)) }
    func row(_ arm: Arm, ruleAbove: Bool) -> ResultTable.Row {
      .init(
        [
          .text(arm.arm), .number(Double(arm.visualTokens)),
          .number(Double(arm.trainableParameters)), .optional(arm.flopsPerSample),
          .optional(arm.seconds), arm.learningRateCell, .optional(arm.validationLoss.best),
          .optional(arm.validationLoss.final),
        ] + metrics.map { .metric(arm.metrics[$0]) }, ruleAbove: ruleAbove)
    }
    let trained = arms.filter { !$0.control }.map { row($0, ruleAbove: false) }
    let controls = arms.filter(\.control).enumerated().map { index, arm in
      row(arm, ruleAbove: index == 0)
    }
    return ResultTable(
      title: title("comparison"), columns: columns, rows: trained + controls,
      footnotes: footnotes(metrics: metrics)
    ).droppingEmptyColumns(keeping: [0, 1, 2])
  }

  /// Every metric, one row an arm.
  public func metricsTable() -> ResultTable {
    var table = comparisonTable(metrics: metricNames)
    table = ResultTable(
      title: title("all metrics"),
      columns: [.init("Arm", alignment: .left)]
        + metricNames.map { .init($0, format: .decimals(4)) },
      rows: (arms.filter { !$0.control } + arms.filter(\.control)).enumerated().map { index, arm in
        .init(
          [.text(arm.arm)] + metricNames.map { .metric(arm.metrics[$0]) },
          ruleAbove: table.rows[index].ruleAbove)
      },
      footnotes: metricFootnotes(metricNames))
    return table
  }

  /// Mean and standard deviation over seeds and each seed's score; `nil` for runs of one seed.
  public func seedTable(metrics: [String]? = nil) -> ResultTable? {
    spreadTable("seed", metrics, values: \.perSeed, deviation: \.std) { index in
      seeds.flatMap { $0.indices.contains(index) ? "Seed \($0[index])" : nil }
        ?? "Seed no. \(index + 1)"
    }
  }

  /// Mean and standard deviation over folds and each fold's score; `nil` without folds.
  public func foldTable(metrics: [String]? = nil) -> ResultTable? {
    spreadTable("fold", metrics, values: \.perFold, deviation: \.foldStd) { "Fold \($0)" }
  }

  /// Scores of each seed or fold beside their mean and spread; `nil` if there are not several.
  private func spreadTable(
    _ what: String, _ metrics: [String]?, values: (Metric) -> [Double],
    deviation: (Metric) -> Double?, name: (Int) -> String
  ) -> ResultTable? {
    let metrics = metrics ?? headlineMetricNames
    let most = arms.flatMap { $0.metrics.values.map { values($0).count } }.max() ?? 0
    guard most > 1 else { return nil }
    let rows = metrics.enumerated().flatMap { place, metricName in
      arms.compactMap { arm in arm.metrics[metricName].map { (arm.arm, $0) } }.enumerated()
        .map { index, row in
          let (arm, metric) = row
          let own = values(metric)
          let scores = (0..<most).map { place -> ResultTable.Cell in
            own.indices.contains(place) ? .optional(own[place]) : .missing
          }
          return ResultTable.Row(
            [.text(metricName), .text(arm), .optional(metric.mean), .optional(deviation(metric))]
              + scores, ruleAbove: index == 0 && place > 0)
        }
    }
    return ResultTable(
      title: title("scores by \(what)"),
      columns: [
        .init("Metric", alignment: .left), .init("Arm", alignment: .left),
        .init("Mean", format: .decimals(4)), .init("Std", format: .decimals(4)),
      ] + (0..<most).map { .init(name($0), format: .decimals(4)) },
      rows: rows, footnotes: ["Std is the sample standard deviation over \(what)s."])
  }

  /// Which arm beats which: one row a pair, a group of rows a metric.
  ///
  /// `metrics` names the metrics to show, in order; `nil` shows every one that was compared.
  public func comparisonsTable(metrics: [String]? = nil) -> ResultTable {
    let compared = Set(comparisons.map(\.metric))
    let metrics =
      metrics ?? metricNames.filter(compared.contains)
      + compared.subtracting(metricNames).sorted()
    let rows = metrics.enumerated().flatMap { place, metric in
      comparisons.filter { $0.metric == metric }.enumerated().map { index, pair in
        ResultTable.Row(
          [
            .text(pair.metric), .text(pair.a), .text(pair.b), .number(pair.difference),
            .number(pair.ci95.low), .number(pair.ci95.high), .optional(pair.p),
            .optional(pair.pHolm), .optional(pair.smallestDetectable), .text(pair.finding),
          ], ruleAbove: index == 0 && place > 0)
      }
    }
    return ResultTable(
      title: title("paired differences"),
      columns: [
        .init("Metric", alignment: .left), .init("A", alignment: .left),
        .init("B", alignment: .left), .init("A − B", format: .decimals(4)),
        .init("95 % low", format: .decimals(4)), .init("95 % high", format: .decimals(4)),
        .init("p", format: .probability), .init("p (Holm)", format: .probability),
        .init("Detectable", format: .decimals(4)), .init("Finding", alignment: .left),
      ],
      rows: rows,
      footnotes: [
        "\"Beats\" means that the 95 % interval of the paired difference excludes 0 and that p (Holm) is "
          + "below 0.05. Only pairs of the primary metric"
          + (primary.map { ", \($0)," } ?? "") + " are tested; others are described.",
        "p: paired approximate randomisation over the images; with several seeds or folds the larger of it "
          + "and of Student's t over the runs. p (Holm): corrected over the pairs of the primary metric.",
        "Detectable: the smallest true difference that this test would have found with power 0.8.",
      ] + metricFootnotes(metrics, interval: false)
    ).droppingEmptyColumns(keeping: [0, 1, 2, 3, 4, 5, 9])
  }

  /// Every table but that of all metrics, those that say nothing left out.
  public var tables: [ResultTable] {
    var tables = [comparisonTable()]
    if !comparisons.isEmpty { tables.append(comparisonsTable()) }
    if let shares = sharesTable() { tables.append(shares) }
    if let seeds = seedTable() { tables.append(seeds) }
    if let folds = foldTable() { tables.append(folds) }
    if arms.contains(where: { $0.stages.count > 1 }) { tables.append(stagesTable()) }
    if let expected = expectationsTable() { tables.append(expected) }
    return tables
  }

  /// How each stage trained each arm: what learned, from what, at which rate.
  public func stagesTable() -> ResultTable {
    // A control that is an arm shown other images was trained as that arm.
    let trained = arms.filter { arm in
      !arm.stages.isEmpty
        && (!arm.control || !arms.contains { !$0.control && $0.stages == arm.stages })
    }
    let hasSeveral = trained.contains { $0.stages.count > 1 }
    let rows = trained.flatMap { arm in
      arm.stages.enumerated().map { index, stage in
        ResultTable.Row(
          [
            .text(arm.arm), .text(stage.name), .text(stage.train.joined(separator: ", ")),
            .text(stage.data), .number(Double(stage.epochs)),
            .number(Double(stage.trainableParameters)), .number(Double(stage.totalParameters)),
            .number(stage.learningRate), .text(stage.rateSource),
          ], ruleAbove: index == 0 && hasSeveral && arm.arm != trained.first?.arm)
      }
    }
    return ResultTable(
      title: title("stages"),
      columns: [
        .init("Arm", alignment: .left), .init("Stage", alignment: .left),
        .init("Trains", alignment: .left), .init("Data", alignment: .left),
        .init("Epochs", format: .integer), .init("Trainable parameters", format: .integer),
        .init("Total parameters", format: .integer),
        .init("Learning rate", format: .significant(3)), .init("Rate", alignment: .left),
      ], rows: rows)
  }

  private func footnotes(metrics: [String]) -> [String] {
    var notes = metricFootnotes(metrics)
    var sources: [(source: String, arms: [String])] = []
    for arm in arms.filter({ !$0.stages.isEmpty }) {
      let source = Set(arm.stages.map(\.rateSource)).sorted().joined(separator: ", ")
      if let place = sources.firstIndex(where: { $0.source == source }) {
        sources[place].arms.append(arm.arm)
      } else {
        sources.append((source, [arm.arm]))
      }
    }
    if !sources.isEmpty {
      let texts = sources.map { source, names in
        sources.count == 1 ? source : "\(names.joined(separator: ", ")): \(source)"
      }
      notes.append("Learning rates: \(texts.joined(separator: "; ")).")
    }
    if let steps {
      notes.append("Each stage was ended after \(steps) updates: no finished result.")
    }
    if let missing, !missing.isEmpty {
      notes.append("Missing cells: \(missing.joined(separator: "; ")).")
    }
    if let folds {
      notes.append("\(folds) folds: each image is tested once, by cells that did not train on it.")
    }
    if let seeds {
      notes.append(
        "\(seeds.count == 1 ? "Seed" : "Seeds"): \(seeds.map(String.init).joined(separator: ", "))."
      )
    }
    if arms.contains(where: { $0.flopsPerSample != nil }) {
      notes.append(
        "FLOPs per sample: one image and one caption, forward pass, a multiply-add counted as two.")
    }
    if arms.contains(where: \.control) {
      notes.append(
        "Rows below the rule are controls: what is earned without training, without the image, or "
          + "with another one.")
    }
    notes += arms.compactMap { arm in arm.note.map { "\(arm.arm): \($0)" } }
    return notes + (self.notes ?? [])
  }

  private func metricFootnotes(_ metrics: [String], interval: Bool = true) -> [String] {
    let hasInterval = arms.contains { arm in metrics.contains { arm.metrics[$0]?.ci95 != nil } }
    let others = [
      (seeds?.count ?? 1) > 1 ? "\(seeds?.count ?? 1) seeds" : nil, folds.map { "\($0) folds" },
    ].compactMap(\.self)
    let images =
      (testImages.map { " over the \($0) test images" } ?? " over the test images")
      + (others.isEmpty ? "" : " and " + others.joined(separator: " and "))
    return
      (interval && hasInterval
      ? ["± is half the width of the 95 % bootstrap interval\(images)."] : [])
      + metrics.compactMap { name in metricNotes?[name].map { "\(name): \($0)." } }
  }
}

extension RunSummary.Arm {
  /// Each stage's rate.
  var learningRateCell: ResultTable.Cell {
    guard stages.count > 1 else { return .optional(stages.first?.learningRate) }
    let format = NumberFormat.significant(3)
    return .text(stages.map { format.text($0.learningRate) }.joined(separator: " / "))
  }
}

extension ResultTable.Cell {
  static func optional(_ value: Double?) -> Self {
    value.map { $0.isFinite ? .number($0) : .missing } ?? .missing
  }

  static func metric(_ metric: RunSummary.Metric?) -> Self {
    guard let metric, let mean = metric.mean?.finite else { return .missing }
    guard let interval = metric.ci95?.finite else { return .number(mean) }
    return .interval(mean, low: interval.low, high: interval.high)
  }
}
