/// What a paired comparison of two systems on one metric says.
public struct PairedComparison: Sendable, Equatable {
  public let metric: String
  /// Corpus value of `a` less that of `b`.
  public let difference: Double
  /// Bootstrap interval of the difference, the same images drawn for both.
  public let ci95: Interval
  /// Two-sided p of paired approximate randomisation, (c + 1) / (R + 1).
  public let p: Double
}

/// Compares two systems on the same images.
///
/// The interval is a percentile bootstrap of the difference with the same images drawn for both. The
/// p-value is approximate randomisation (Noreen 1989; Riezler & Maxwell 2005): under the hypothesis
/// of no difference the two outputs of an image may be exchanged, so in each of R trials every image
/// swaps by a coin, and c counts the trials whose absolute difference is at least the observed one.
public struct PairedTest: Sendable {
  public let resamples: Int
  public let trials: Int
  public let seed: UInt64

  public init(resamples: Int = 10_000, trials: Int = 10_000, seed: UInt64 = 0) {
    precondition(resamples > 0 && trials > 0)
    self.resamples = resamples
    self.trials = trials
    self.seed = seed
  }

  /// Compares two systems' scores of one metric.
  ///
  /// - Precondition: Both are scores of the same metric and the same images in the same order.
  public func difference(
    a: MetricScores, b: MetricScores, threads: Int? = nil
  ) -> PairedComparison {
    differences(a: [a], b: [b], threads: threads)[0]
  }

  /// Compares two systems on each of several metrics, with the same draws for all.
  ///
  /// - Precondition: Both are scores of the same metrics and the same images in the same order.
  public func differences(
    a: [MetricScores], b: [MetricScores], threads: Int? = nil,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) -> [PairedComparison] {
    precondition(a.map(\.name) == b.map(\.name), "different metrics")
    let bootstrap = Bootstrap(resamples: resamples, seed: seed)
    let first = bootstrap.values(of: a, threads: threads) { progress($0 / 3) }
    let second = bootstrap.values(of: b, threads: threads) { progress((1 + $0) / 3) }
    let extreme = extremeTrials(a, b, threads: threads) { progress((2 + $0) / 3) }
    return a.indices.map { metric in
      let drawn = zip(first[metric], second[metric]).map { $0 - $1 }
      return PairedComparison(
        metric: a[metric].name,
        difference: a[metric].corpus - b[metric].corpus,
        ci95: Interval(percentilesOf: drawn, level: 0.95),
        p: Double(extreme[metric] + 1) / Double(trials + 1))
    }
  }

  /// For each metric the trials with a difference at least as large as the one observed.
  private func extremeTrials(
    _ a: [MetricScores], _ b: [MetricScores], threads: Int?,
    progress: @escaping @Sendable (Double) -> Void
  ) -> [Int] {
    let tables = (a: StatisticsTable(a), b: StatisticsTable(b))
    let images = tables.a.images
    precondition(images == tables.b.images, "scores of different images")
    // A swap is decided by one bit, 64 images to a random number.
    let words = (images + 63) / 64
    let random = CounterRandom(seed: seed, purpose: Bootstrap.Purpose.randomization)
    // Sums are made in another order than the corpus value: allow for rounding in a tie.
    let observed = zip(a, b).map { abs($0.corpus - $1.corpus) * (1 - 1e-12) - 1e-15 }
    let flags = Parallel.map(trials, threads: threads ?? Parallel.availableThreads) { range in
      var flags: [Bool] = []
      var left = [Double](repeating: 0, count: tables.a.width)
      var right = [Double](repeating: 0, count: tables.b.width)
      for trial in range {
        Bootstrap.report(trial, of: range, to: progress)
        for column in left.indices { left[column] = 0 }
        for column in right.indices { right[column] = 0 }
        for image in 0..<images {
          let word = random.bits(UInt64(trial * words + image / 64))
          let swap = (word >> UInt64(image % 64)) & 1 == 1
          tables.a.add(image, swap, to: &left, &right)
          tables.b.add(image, !swap, to: &left, &right)
        }
        let values = zip(tables.a.values(left), tables.b.values(right))
        flags.append(contentsOf: zip(values, observed).map { abs($0.0 - $0.1) >= $1 })
      }
      return flags
    }
    return a.indices.map { metric in
      (0..<trials).count { flags[$0 * a.count + metric] }
    }
  }
}

extension StatisticsTable {
  fileprivate func add(
    _ image: Int, _ toSecond: Bool, to first: inout [Double], _ second: inout [Double]
  ) {
    if toSecond { add(image, to: &second) } else { add(image, to: &first) }
  }
}
