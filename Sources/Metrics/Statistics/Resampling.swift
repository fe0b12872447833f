/// An interval of values, from a resampling procedure.
public struct Interval: Sendable, Equatable {
  public let lower: Double
  public let upper: Double

  public init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }

  /// The percentile interval that holds `level` of the values, quantiles interpolated linearly.
  public init(percentilesOf values: [Double], level: Double) {
    let sorted = values.sorted()
    lower = quantile(of: sorted, (1 - level) / 2)
    upper = quantile(of: sorted, (1 + level) / 2)
  }
}

/// Quantile of sorted values with linear interpolation, as NumPy's default.
private func quantile(of sorted: [Double], _ fraction: Double) -> Double {
  guard !sorted.isEmpty else { return .nan }
  let position = fraction * Double(sorted.count - 1)
  let below = Int(position)
  let above = min(below + 1, sorted.count - 1)
  return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
}

/// Percentile bootstrap over images (Efron 1979).
///
/// A resample draws as many images as there are, with replacement, and computes the corpus value anew:
/// from summed statistics for BLEU and METEOR, as a mean for the others. The document frequencies of
/// CIDEr-D stay those of the whole set. One call draws the same images for all metrics.
public struct Bootstrap: Sendable {
  public let resamples: Int
  public let level: Double
  public let seed: UInt64

  public init(resamples: Int = 10_000, level: Double = 0.95, seed: UInt64 = 0) {
    precondition(resamples > 0 && level > 0 && level < 1)
    self.resamples = resamples
    self.level = level
    self.seed = seed
  }

  /// The interval of each metric's corpus value.
  ///
  /// - Precondition: All scores are of the same images.
  public func intervals(
    of scores: [MetricScores], threads: Int? = nil,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) -> [Interval] {
    values(of: scores, threads: threads, progress: progress)
      .map { Interval(percentilesOf: $0, level: level) }
  }

  /// The interval of one metric's corpus value.
  public func interval(of scores: MetricScores, threads: Int? = nil) -> Interval {
    intervals(of: [scores], threads: threads)[0]
  }

  /// For each metric the corpus values of all resamples.
  func values(
    of scores: [MetricScores], threads: Int?,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) -> [[Double]] {
    let columns = StatisticsTable(scores)
    let random = CounterRandom(seed: seed, purpose: Purpose.bootstrap)
    let flat = Parallel.map(resamples, threads: threads ?? Parallel.availableThreads) { range in
      var values: [Double] = []
      values.reserveCapacity(range.count * scores.count)
      var sums = [Double](repeating: 0, count: columns.width)
      for resample in range {
        Self.report(resample, of: range, to: progress)
        columns.sum(of: resample, random, into: &sums)
        columns.appendValues(sums, to: &values)
      }
      return values
    }
    return scores.indices.map { metric in
      (0..<resamples).map { flat[$0 * scores.count + metric] }
    }
  }

  /// Says how far the first piece of the work is; the others are about as far.
  static func report(_ index: Int, of range: Range<Int>, to progress: (Double) -> Void) {
    if range.lowerBound == 0, index % 64 == 0 { progress(Double(index) / Double(range.count)) }
  }

  enum Purpose {
    static let bootstrap: UInt64 = 1
    static let randomization: UInt64 = 2
  }
}

/// The statistics of several metrics side by side, one row an image, each block of columns once.
struct StatisticsTable: Sendable {
  let images: Int
  let width: Int
  /// Shape `[images, width]`.
  private let values: [Double]
  private let blocks: [(rule: CorpusRule, first: Int)]

  /// - Precondition: All scores have the same number of images.
  init(_ scores: [MetricScores]) {
    images = scores.first?.perImage.count ?? 0
    var width = 0
    var blocks: [(rule: CorpusRule, first: Int)] = []
    var sources: [[Double]] = []
    var firsts: [Int] = []
    for score in scores {
      precondition(score.perImage.count == images, "scores of different images")
      // BLEU-1…4 share their statistics.
      if case .bleu = score.rule, let known = sources.firstIndex(of: score.statistics) {
        blocks.append((score.rule, firsts[known]))
        continue
      }
      blocks.append((score.rule, width))
      sources.append(score.statistics)
      firsts.append(width)
      width += score.rule.width
    }
    var values = [Double](repeating: 0, count: images * width)
    for (source, first) in zip(sources, firsts) {
      let columns = images == 0 ? 0 : source.count / images
      for row in 0..<images {
        for column in 0..<columns {
          values[row * width + first + column] = source[row * columns + column]
        }
      }
    }
    self.width = width
    self.blocks = blocks
    self.values = values
  }

  /// Sums the rows of one resample.
  func sum(of resample: Int, _ random: CounterRandom, into sums: inout [Double]) {
    for column in 0..<width { sums[column] = 0 }
    let base = UInt64(resample) * UInt64(images)
    values.withUnsafeBufferPointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for draw in 0..<images {
          let row = random.integer(base + UInt64(draw), below: images) * width
          for column in 0..<width { sums[column] += values[row + column] }
        }
      }
    }
  }

  /// Adds the row of one image to `sums`.
  func add(_ image: Int, to sums: inout [Double]) {
    for column in 0..<width { sums[column] += values[image * width + column] }
  }

  func appendValues(_ sums: [Double], to result: inout [Double]) {
    for block in blocks {
      let columns = sums[block.first..<block.first + block.rule.width]
      result.append(block.rule.value(sums: columns, images: images))
    }
  }

  func values(_ sums: [Double]) -> [Double] {
    var result: [Double] = []
    appendValues(sums, to: &result)
    return result
  }
}
