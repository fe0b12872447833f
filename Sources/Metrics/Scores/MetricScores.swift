/// What a metric says about a set of captions, with what resampling needs to say it again.
public struct MetricScores: Sendable {
  /// The metric with its variant, for example `CIDEr-D` or `METEOR-1.5 (exact+stem)`.
  public let name: String
  /// The value for the whole set.
  public let corpus: Double
  /// One value for each image, in the order of the set.
  public let perImage: [Double]
  /// What a reader must know to compare the value, for example the document frequencies used.
  public let note: String?
  /// Whether a smaller value is the better one, as of a loss.
  public let lowerIsBetter: Bool
  /// What values there can be; nil where no bound is known. An interval does not leave it.
  public let range: ClosedRange<Double>?
  /// How the value of any collection of these images follows from their statistics.
  package let rule: CorpusRule
  /// Shape `[N, rule.width]`, row by row; of a median rank `[N, ranks]`, 0 where an image has fewer.
  package let statistics: [Double]

  /// A metric whose corpus value is the mean of its values per image.
  public init(
    name: String, meanOf perImage: [Double], note: String? = nil, lowerIsBetter: Bool = false,
    range: ClosedRange<Double>? = nil
  ) {
    self.init(
      name: name, perImage: perImage, note: note, lowerIsBetter: lowerIsBetter, range: range,
      rule: .mean, statistics: perImage)
  }

  /// A share: right answers of the questions asked, hits of the texts searched for.
  ///
  /// The corpus value is all successes over all trials. The value of an image without a trial is NaN; it counts
  /// nowhere.
  ///
  /// - Precondition: both have one entry an image, successes from 0 to the trials.
  public init(name: String, successes: [Int], of trials: [Int], note: String? = nil) {
    precondition(
      successes.count == trials.count && zip(successes, trials).allSatisfy { 0...$1 ~= $0 },
      "more successes than trials")
    let pairs = zip(successes, trials).map { (Double($0), Double($1)) }
    self.init(
      name: name, perImage: pairs.map { $0 / $1 }, note: note, range: 0...1, rule: .share,
      statistics: pairs.flatMap { [$0, $1] })
  }

  /// A median rank, over all ranks of all images; a smaller one is better.
  ///
  /// - Parameters:
  ///   - ranks: For each image those of its items, counted from 1.
  ///   - largest: The largest rank there can be; that of all systems that are compared.
  public init(name: String, medianOf ranks: [[Int]], largest: Int, note: String? = nil) {
    precondition(
      ranks.allSatisfy { $0.allSatisfy { 1...largest ~= $0 } }, "a rank outside 1...\(largest)")
    let width = ranks.map(\.count).max() ?? 0
    self.init(
      name: name, perImage: ranks.map(CorpusRule.middle(of:)), note: note, lowerIsBetter: true,
      range: 1...Double(largest), rule: .median(largest: largest),
      statistics: ranks.flatMap { row in
        row.map(Double.init) + [Double](repeating: 0, count: width - row.count)
      })
  }

  /// The same with several items (questions on one image) taken as one: what is drawn together when images
  /// are resampled.
  ///
  /// A group's statistics are the sum of its items'. Its value follows from them for shares and ranks, so that
  /// the corpus value stays the same; for the others it is the mean of its items'. A group for each item sets
  /// them in another order.
  ///
  /// - Parameter groups: Places of the items of each group; none empty.
  public func grouped(_ groups: [[Int]]) -> MetricScores {
    func mean(_ group: [Int]) -> Double {
      group.reduce(0) { $0 + perImage[$1] } / Double(group.count)
    }
    let means = groups.map(mean)
    let width = rule.width
    func sums(_ group: [Int]) -> [Double] {
      (0..<width).map { column in group.reduce(0) { $0 + statistics[$1 * width + column] } }
    }
    func made(_ perImage: [Double], _ statistics: [Double]) -> MetricScores {
      MetricScores(
        name: name, perImage: perImage, note: note, lowerIsBetter: lowerIsBetter, range: range,
        rule: rule, statistics: statistics)
    }
    switch rule {
    case .mean: return made(means, means)
    case .bleu, .meteor: return made(means, groups.flatMap(sums))
    case .share:
      let sums = groups.map(sums)
      return made(sums.map { $0[0] / $0[1] }, sums.flatMap(\.self))
    case .median(let largest):
      return MetricScores(
        name: name, medianOf: groups.map { $0.flatMap { ranks(of: $0) } }, largest: largest,
        note: note)
    }
  }

  package init(
    name: String, perImage: [Double], note: String? = nil, lowerIsBetter: Bool = false,
    range: ClosedRange<Double>? = nil, rule: CorpusRule, statistics: [Double]
  ) {
    if case .median = rule {
      precondition(perImage.isEmpty || statistics.count.isMultiple(of: perImage.count))
    } else {
      precondition(statistics.count == perImage.count * rule.width)
    }
    self.name = name
    self.perImage = perImage
    self.note = note
    self.lowerIsBetter = lowerIsBetter
    self.range = range
    self.rule = rule
    self.statistics = statistics
    let width = rule.width
    var sums = [Double](repeating: 0, count: width)
    if case .median = rule {
      for rank in statistics where rank > 0 { sums[Int(rank) - 1] += 1 }
    } else {
      for row in 0..<perImage.count {
        for column in 0..<width { sums[column] += statistics[row * width + column] }
      }
    }
    corpus = rule.value(sums: sums[...], images: perImage.count)
  }

  /// The ranks of one image, of a median rank.
  package func ranks(of image: Int) -> [Int] {
    let width = perImage.isEmpty ? 0 : statistics.count / perImage.count
    return statistics[image * width..<(image + 1) * width].compactMap { $0 > 0 ? Int($0) : nil }
  }
}

/// How a corpus value follows from the summed statistics of its images.
package enum CorpusRule: Sendable, Equatable {
  /// Width 1: the value per image.
  case mean
  /// Width 2: successes and trials.
  case share
  /// Width `largest`: how many items have the rank 1, 2, …
  case median(largest: Int)
  /// Width 10: see ``BLEU``.
  case bleu(order: Int)
  /// Width 7 + 4 · stages: see ``METEORStatistics``.
  case meteor(stages: [METEORStage])

  package var width: Int {
    switch self {
    case .mean: 1
    case .share: 2
    case .median(let largest): largest
    case .bleu: BLEU.statisticsWidth
    case .meteor(let stages): METEORStatistics.width(stages: stages.count)
    }
  }

  /// The value from `width` sums over `images` images; NaN for a share or a median of nothing.
  package func value(sums: ArraySlice<Double>, images: Int) -> Double {
    switch self {
    case .mean: images == 0 ? 0 : sums[sums.startIndex] / Double(images)
    case .share: sums[sums.startIndex] / sums[sums.startIndex + 1]
    case .median: Self.middle(ofCounts: sums)
    case .bleu(let order): BLEU.value(sums: sums, order: order)
    case .meteor(let stages): METEORStatistics.score(sums: sums, stages: stages)
    }
  }

  /// The median of numbers from 1 on, from how often each occurs; the mean of the two middle ones where they are
  /// even in number.
  private static func middle(ofCounts counts: ArraySlice<Double>) -> Double {
    let total = counts.reduce(0, +)
    guard total > 0 else { return .nan }
    var lower: Int?
    var reached = 0.0
    for (place, count) in counts.enumerated() where count > 0 {
      reached += count
      // Items 0..<reached are found; the middle ones are (total − 1) / 2, rounded down, and total / 2.
      if lower == nil, reached > ((total - 1) / 2).rounded(.down) { lower = place + 1 }
      if let lower, reached > (total / 2).rounded(.down) { return Double(lower + place + 1) / 2 }
    }
    return .nan
  }

  static func middle(of ranks: [Int]) -> Double {
    let sorted = ranks.sorted()
    guard !sorted.isEmpty else { return .nan }
    return Double(sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
