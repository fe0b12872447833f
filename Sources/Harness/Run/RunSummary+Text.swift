import Reports

extension RunSummary {
  /// The comparison as text for a terminal: the arms' table, then which beats which.
  public var tableText: String {
    comparisonTable().text() + "\n" + comparisonsTable().text()
  }
}
