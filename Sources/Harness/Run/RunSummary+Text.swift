import Reports

extension RunSummary {
  /// The comparison as text for a terminal: the arms' table, then which beats which by the primary metric.
  public var tableText: String {
    var shown = self
    shown.comparisons = comparisons.filter { $0.metric == primary ?? metricNames.first }
    let stages = arms.contains { $0.stages.count > 1 } ? "\n" + stagesTable().text() : ""
    let expected = expectationsTable().map { "\n" + $0.text() } ?? ""
    return comparisonTable().text() + "\n" + shown.comparisonsTable().text() + stages + expected
  }
}
