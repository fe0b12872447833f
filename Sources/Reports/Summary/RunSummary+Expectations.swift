extension RunSummary {
  /// What the experiment file expects (`expect:`) and what came.
  public struct Expectation: Codable, Equatable, Sendable {
    public var arm: String
    public var metric: String
    public var atLeast: Double?
    public var atMost: Double?
    /// Whether every seed by itself must meet it; ``value`` is then the worst seed's.
    public var eachSeed: Bool
    /// `nil` where the table has no such row or metric.
    public var value: Double?
    /// `nil` where a run that was cut short on purpose can't tell.
    public var isMet: Bool?

    public init(
      arm: String, metric: String, atLeast: Double?, atMost: Double?, eachSeed: Bool,
      value: Double?, isMet: Bool? = nil
    ) {
      self.arm = arm
      self.metric = metric
      self.atLeast = atLeast
      self.atMost = atMost
      self.eachSeed = eachSeed
      self.value = value
      self.isMet = isMet
    }

    enum CodingKeys: String, CodingKey {
      case arm, metric, value
      case atLeast = "at_least"
      case atMost = "at_most"
      case eachSeed = "each_seed"
      case isMet = "met"
    }

    /// "at least 0.95 in each seed".
    var bound: String {
      let bounds = [
        atLeast.map { "at least \(NumberFormat.significant(4).text($0))" },
        atMost.map { "at most \(NumberFormat.significant(4).text($0))" },
      ].compactMap { $0 }
      return bounds.joined(separator: ", ") + (eachSeed ? " in each seed" : "")
    }

    var verdict: String {
      switch isMet {
      case true: "met"
      case false: value == nil ? "missed: no such row or metric" : "missed"
      case nil: "not checked"
      }
    }
  }

  /// Whether the run came to less than its file expects.
  public var missesExpectations: Bool {
    (expectations ?? []).contains { $0.isMet == false }
  }

  /// What the file expects, what came, and whether it is met; nil without expectations.
  public func expectationsTable() -> ResultTable? {
    guard let expectations, !expectations.isEmpty else { return nil }
    return ResultTable(
      title: title("what the file expects"),
      columns: [
        .init("Arm", alignment: .left), .init("Metric", alignment: .left),
        .init("Expected", alignment: .left), .init("Came", format: .significant(4)),
        .init("Verdict", alignment: .left),
      ],
      rows: expectations.map { expectation in
        ResultTable.Row([
          .text(expectation.arm), .text(expectation.metric), .text(expectation.bound),
          expectation.value.map { .number($0) } ?? .missing, .text(expectation.verdict),
        ])
      })
  }
}
