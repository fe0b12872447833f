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
  /// Shape `[N, rule.width]`, row by row.
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

  /// The same with several items (questions on one image) taken as one: what is drawn together when images
  /// are resampled.
  ///
  /// Of a metric that is a mean each group's value is the mean of its items'; of the others the statistics are
  /// summed.
  ///
  /// - Parameter groups: Places of the items of each group; none empty.
  public func grouped(_ groups: [[Int]]) -> MetricScores {
    func mean(_ group: [Int]) -> Double {
      group.reduce(0) { $0 + perImage[$1] } / Double(group.count)
    }
    let means = groups.map(mean)
    let width = rule.width
    let sums =
      rule == .mean
      ? means
      : groups.flatMap { group in
        (0..<width).map { column in group.reduce(0) { $0 + statistics[$1 * width + column] } }
      }
    return MetricScores(
      name: name, perImage: means, note: note, lowerIsBetter: lowerIsBetter, range: range,
      rule: rule, statistics: sums)
  }

  package init(
    name: String, perImage: [Double], note: String? = nil, lowerIsBetter: Bool = false,
    range: ClosedRange<Double>? = nil, rule: CorpusRule, statistics: [Double]
  ) {
    precondition(statistics.count == perImage.count * rule.width)
    self.name = name
    self.perImage = perImage
    self.note = note
    self.lowerIsBetter = lowerIsBetter
    self.range = range
    self.rule = rule
    self.statistics = statistics
    var sums = [Double](repeating: 0, count: rule.width)
    for row in 0..<perImage.count {
      for column in 0..<rule.width { sums[column] += statistics[row * rule.width + column] }
    }
    corpus = rule.value(sums: sums[...], images: perImage.count)
  }
}

/// How a corpus value follows from the summed statistics of its images.
package enum CorpusRule: Sendable, Equatable {
  /// Width 1: the value per image.
  case mean
  /// Width 10: see ``BLEU``.
  case bleu(order: Int)
  /// Width 7 + 4 · stages: see ``METEORStatistics``.
  case meteor(stages: [METEORStage])

  package var width: Int {
    switch self {
    case .mean: 1
    case .bleu: BLEU.statisticsWidth
    case .meteor(let stages): METEORStatistics.width(stages: stages.count)
    }
  }

  /// The value from `width` sums over `images` images.
  package func value(sums: ArraySlice<Double>, images: Int) -> Double {
    switch self {
    case .mean: images == 0 ? 0 : sums[sums.startIndex] / Double(images)
    case .bleu(let order): BLEU.value(sums: sums, order: order)
    case .meteor(let stages): METEORStatistics.score(sums: sums, stages: stages)
    }
  }
}
