/// The resamples of one system: made once, used for its own intervals and in every comparison.
public struct ResampledScores: Sendable {
  let bootstrap: Bootstrap
  public let scores: [NestedScores]
  /// For each metric `[resample · S + seed]`, images drawn in drawn folds.
  let all: [[Double]]
  /// The same, images drawn and folds as they are; equal to `all` where there is one fold.
  let images: [[Double]]
  /// The same, folds drawn and their images as they are; empty where there is one fold.
  let folds: [[Double]]

  /// What each metric says of the system.
  public var estimates: [Estimate] {
    scores.indices.map { metric in
      let nested = scores[metric]
      let seeds = nested.seeds.count
      let drawn = bootstrap.means(all[metric], seeds: seeds, drawnBy: .a)
      let spread = Spread(a: self, b: nil, metric: metric)
      let (ci95, standardError, _) = spread.interval(of: drawn, about: nested.value)
      return Estimate(
        metric: nested.name, value: nested.value, ci95: ci95.clamped(to: nested.seeds[0].range),
        standardError: standardError, perSeed: nested.perSeed, perFold: nested.perFold,
        wilson95: Proportions.wilson(nested))
    }
  }

  /// For each metric the differences of `a` and `b` in all resamples.
  static func differences(_ a: Self, _ b: Self) -> [[Double]] {
    a.scores.indices.map { metric in
      let left = a.bootstrap.means(
        a.all[metric], seeds: a.scores[metric].seeds.count, drawnBy: .a)
      let right = b.bootstrap.means(
        b.all[metric], seeds: b.scores[metric].seeds.count, drawnBy: .b)
      return zip(left, right).map { $0 - $1 }
    }
  }
}

/// One system on one metric.
public struct Estimate: Sendable, Equatable {
  public let metric: String
  /// Mean over seeds of the corpus value.
  public let value: Double
  /// Bootstrap interval over images, seeds and folds; see ``Spread``.
  public let ci95: Interval
  public let standardError: Double
  public let perSeed: [Double]
  public let perFold: [Double]
  /// Wilson's interval of a share; see ``Proportions/wilson(_:)``.
  public let wilson95: Interval?

  /// Sample standard deviation between seeds; `nil` for one seed.
  public var seedDeviation: Double? { Self.deviation(perSeed) }
  /// Sample standard deviation between folds; `nil` for one fold.
  public var foldDeviation: Double? { Self.deviation(perFold) }

  private static func deviation(_ values: [Double]) -> Double? {
    values.count > 1 ? Summaries.meanAndDeviation(values).deviation : nil
  }
}
