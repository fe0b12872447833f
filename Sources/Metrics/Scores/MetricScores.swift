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
  /// How the value of any collection of these images follows from their statistics.
  package let rule: CorpusRule
  /// Shape `[N, rule.width]`, row by row.
  package let statistics: [Double]

  /// A metric whose corpus value is the mean of its values per image.
  public init(
    name: String, meanOf perImage: [Double], note: String? = nil, lowerIsBetter: Bool = false
  ) {
    self.init(
      name: name, perImage: perImage, note: note, lowerIsBetter: lowerIsBetter, rule: .mean,
      statistics: perImage)
  }

  package init(
    name: String, perImage: [Double], note: String? = nil, lowerIsBetter: Bool = false,
    rule: CorpusRule, statistics: [Double]
  ) {
    precondition(statistics.count == perImage.count * rule.width)
    self.name = name
    self.perImage = perImage
    self.note = note
    self.lowerIsBetter = lowerIsBetter
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
