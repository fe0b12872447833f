import Configuration
import Reports

/// One entry of `expect:`: what the run must come to. A run that misses it says so and fails.
public struct ExpectConfig: ConfigSection {
  public var arm = ""
  public var metric = ""
  public var atLeast: Double?
  public var atMost: Double?
  public var eachSeed = false

  public init() {}

  public static let fields: [Field<Self>] = [
    .string("arm", \.arm, .nonEmpty, "A row of the table, such as `mlp` or `mlp (shuffled)`.")
      .required,
    .string(
      "metric", \.metric, .nonEmpty,
      "A metric's name as in the table; with `*` at its end all that begin so (`accuracy/*`)."
    )
    .required,
    .number("at_least", \.atLeast, .any, "The least value that meets it."),
    .number("at_most", \.atMost, .any, "The greatest value that meets it."),
    .bool("each_seed", \.eachSeed, "true: every seed by itself, instead of their mean."),
  ]

  public var problems: [SectionProblem] {
    guard atLeast == nil, atMost == nil else { return [] }
    return [SectionProblem("metric", "has no bound; give at_least or at_most")]
  }

  /// What a summary says of it: one entry a metric, or one without a value where there is none.
  func outcomes(in summary: RunSummary) -> [RunSummary.Expectation] {
    let values = summary.arms.first { $0.arm == arm }?.metrics ?? [:]
    let names = values.keys.filter { name in
      metric.hasSuffix("*") ? name.hasPrefix(metric.dropLast()) : name == metric
    }.sorted()
    guard !names.isEmpty else { return [outcome(metric, nil, in: summary)] }
    return names.map { name in
      // The seed that is furthest on the wrong side of a bound decides.
      let seeds = values[name]?.perSeed ?? []
      let value = eachSeed ? (atLeast == nil ? seeds.max() : seeds.min()) : values[name]?.mean
      return outcome(name, value, in: summary)
    }
  }

  private func outcome(
    _ name: String, _ value: Double?, in summary: RunSummary
  ) -> RunSummary.Expectation {
    var result = RunSummary.Expectation(
      arm: arm, metric: name, atLeast: atLeast, atMost: atMost, eachSeed: eachSeed, value: value)
    // A run that was cut short on purpose is neither.
    let isCut = summary.steps != nil || (value == nil && summary.missing != nil)
    if !isCut {
      result.isMet =
        value.map { value in
          (atLeast.map { value >= $0 } ?? true) && (atMost.map { value <= $0 } ?? true)
        } ?? false
    }
    return result
  }
}

extension ExperimentConfig {
  /// What the file expects, held against a summary; nil where it expects nothing.
  func expectations(of summary: RunSummary) -> [RunSummary.Expectation]? {
    expect.isEmpty ? nil : expect.flatMap { $0.outcomes(in: summary) }
  }
}
