extension RunSummary {
  /// Right answers over all and by kind of question, with Wilson's intervals, and McNemar's test of the pairs of
  /// arms that have one; `nil` where no metric is a share.
  public func sharesTable() -> ResultTable? {
    let metrics = metricNames.filter { name in
      arms.contains { $0.metrics[name]?.wilson95 != nil }
    }
    guard !metrics.isEmpty else { return nil }
    let rows = metrics.enumerated().flatMap { place, name in
      arms.compactMap { arm in
        arm.metrics[name].flatMap { metric in
          metric.wilson95.map { (arm.arm, metric.mean, $0) }
        }
      }.enumerated().map { index, row in
        ResultTable.Row(
          [
            .text(name), .text(row.0), .optional(row.1), .number(row.2.low),
            .number(row.2.high),
          ], ruleAbove: index == 0 && place > 0)
      }
    }
    return ResultTable(
      title: "\(experiment): right answers",
      columns: [
        .init("Metric", alignment: .left), .init("Arm", alignment: .left),
        .init("Share", format: .decimals(4)), .init("95 % low", format: .decimals(4)),
        .init("95 % high", format: .decimals(4)),
      ], rows: rows,
      footnotes: [
        "Intervals: Wilson's, over the images that have such a question; several questions on one image and "
          + "several seeds are averaged and do not narrow them."
      ] + mcNemarFootnotes(metrics))
  }

  private func mcNemarFootnotes(_ metrics: [String]) -> [String] {
    let tested = comparisons.filter { metrics.contains($0.metric) }
    let texts = tested.compactMap { pair in
      pair.mcNemar.map { test in
        "\(pair.metric), \(pair.a) against \(pair.b): better on \(test.aBetter) and \(test.bBetter) images, p "
          + NumberFormat.probability.text(test.p)
      }
    }
    guard !texts.isEmpty else { return [] }
    return [
      "McNemar's exact test, an image counted once: \(texts.joined(separator: "; ")). p is not corrected for the "
        + "number of pairs."
    ]
  }
}
