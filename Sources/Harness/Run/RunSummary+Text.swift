import Reports

extension RunSummary {
  /// The comparison as text for a terminal: the arms' table, then which beats which by the first metric.
  public var tableText: String {
    var shown = self
    shown.comparisons = comparisons.filter { $0.metric == metricNames.first }
    return comparisonTable().text() + "\n" + shown.comparisonsTable().text()
  }
}
