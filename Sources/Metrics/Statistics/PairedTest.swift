/// Compares two systems on the same images.
///
/// The interval is the bootstrap's (see ``Bootstrap``). The p-value is that of approximate
/// randomisation (Noreen 1989; Riezler & Maxwell 2005): under the hypothesis of no difference the two
/// outputs of an image may be exchanged, so in each of R trials every image swaps by a coin, in all
/// seeds at once, and c counts the trials whose absolute difference is at least the observed one.
///
/// That test takes the runs as they are: where seeds differ much it called 15 to 80 % of systems
/// without a true difference different. With several seeds or folds p is therefore the larger of it
/// and of Student's t with the variance that they have too (``NestedComparison/pRuns``).
public struct PairedTest: Sendable {
  public let trials: Int

  public init(trials: Int = 10_000) {
    precondition(trials > 0)
    self.trials = trials
  }

  /// Compares two systems on each of their metrics, with the same draws for all.
  ///
  /// - Precondition: Both were resampled by the same bootstrap, from scores of the same metrics, the
  ///   same images in the same order, and the same folds.
  public func compare(
    _ a: ResampledScores, _ b: ResampledScores, threads: Int? = nil,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) -> [NestedComparison] {
    precondition(a.bootstrap == b.bootstrap, "different draws")
    precondition(a.scores.map(\.name) == b.scores.map(\.name), "different metrics")
    precondition(
      zip(a.scores, b.scores).allSatisfy { $0.folds == $1.folds }, "different images or folds")
    let drawn = ResampledScores.differences(a, b)
    let extreme = extremeTrials(a, b, threads: threads, progress: progress)
    return a.scores.indices.map { metric in
      let difference = a.scores[metric].value - b.scores[metric].value
      let spread = Spread(a: a, b: b, metric: metric)
      let (ci95, error, critical) = spread.interval(of: drawn[metric], about: difference)
      let pImages = Double(extreme[metric] + 1) / Double(trials + 1)
      let pRuns = spread.p(of: difference)
      return NestedComparison(
        metric: a.scores[metric].name, difference: difference, ci95: ci95, standardError: error,
        p: max(pImages, pRuns ?? 0), pImages: pImages, pRuns: pRuns,
        smallestDetectable: (critical + NestedComparison.powerQuantile) * error,
        lowerIsBetter: a.scores[metric].lowerIsBetter)
    }
  }

  /// For each metric the trials with a difference at least as large as the one observed.
  private func extremeTrials(
    _ a: ResampledScores, _ b: ResampledScores, threads: Int?,
    progress: @escaping @Sendable (Double) -> Void
  ) -> [Int] {
    let runs = zip(a.scores, b.scores).map { Self.exchanged($0, $1) }
    let tables = (
      a: StatisticsTable(runs.map(\.a)), b: StatisticsTable(runs.map(\.b))
    )
    let images = tables.a.images
    // A swap is decided by one bit, 64 images to a random number.
    let words = (images + 63) / 64
    let random = CounterRandom(seed: a.bootstrap.seed, purpose: Bootstrap.Purpose.randomization)
    let counts = runs.map(\.a.count)
    // Sums are made in another order than the corpus value: allow for rounding in a tie.
    let observed = zip(a.scores, b.scores).map {
      abs($0.value - $1.value) * (1 - 1e-12) - 1e-15
    }
    let flags = Parallel.map(trials, threads: threads ?? Parallel.availableThreads) { range in
      var flags: [Bool] = []
      var left = [Double](repeating: 0, count: tables.a.width)
      var right = left
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
        let values = (
          a: tables.a.values(left, images: images), b: tables.b.values(right, images: images)
        )
        var first = 0
        for (count, observed) in zip(counts, observed) {
          let seeds = first..<first + count
          flags.append(abs(mean(values.a[seeds]) - mean(values.b[seeds])) >= observed)
          first += count
        }
      }
      return flags
    }
    return counts.indices.map { metric in
      (0..<trials).count { flags[$0 * counts.count + metric] }
    }
  }

  /// The runs whose outputs are exchanged, as many for both.
  ///
  /// For a mean over images one run of the means over seeds says the same. Else run meets run; where
  /// one system has fewer, each run of both is taken equally often.
  private static func exchanged(
    _ a: NestedScores, _ b: NestedScores
  ) -> (a: [MetricScores], b: [MetricScores]) {
    let counts = (a: a.seeds.count, b: b.seeds.count)
    if counts == (1, 1) { return (a.seeds, b.seeds) }
    if (a.seeds + b.seeds).allSatisfy({ $0.rule == .mean }) {
      return (
        [MetricScores(name: a.name, meanOf: a.perImage)],
        [MetricScores(name: b.name, meanOf: b.perImage)]
      )
    }
    let both = Array(1...counts.b).first { $0 * counts.a % counts.b == 0 } ?? 1
    return (
      (0..<both * counts.a).map { a.seeds[$0 % counts.a] },
      (0..<both * counts.a).map { b.seeds[$0 % counts.b] }
    )
  }
}

extension StatisticsTable {
  fileprivate func add(
    _ image: Int, _ toSecond: Bool, to first: inout [Double], _ second: inout [Double]
  ) {
    if toSecond { add(image, to: &second) } else { add(image, to: &first) }
  }
}
