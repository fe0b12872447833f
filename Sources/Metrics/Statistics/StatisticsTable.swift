/// The statistics of several scores side by side, one row an image, each block of columns once.
struct StatisticsTable: Sendable {
  let images: Int
  let width: Int
  /// Shape `[images, width]`.
  private let rows: [Double]
  private let blocks: [(rule: CorpusRule, first: Int)]

  /// - Parameter metrics: For each metric its runs; values come in this order, metric by metric.
  /// - Precondition: All scores have the same number of images.
  init(_ metrics: [[MetricScores]]) {
    images = metrics.first?.first?.perImage.count ?? 0
    var width = 0
    var blocks: [(rule: CorpusRule, first: Int)] = []
    var sources: [(run: Int, first: Int, statistics: [Double])] = []
    for (run, score) in metrics.flatMap({ $0.enumerated() }) {
      precondition(score.perImage.count == images, "scores of different images")
      // BLEU-1…4 of a run share their statistics. Runs that happen to be equal do not: tables of two
      // systems must have the same columns.
      if case .bleu = score.rule,
        let known = sources.first(where: { $0.run == run && $0.statistics == score.statistics })
      {
        blocks.append((score.rule, known.first))
        continue
      }
      blocks.append((score.rule, width))
      sources.append((run, width, score.statistics))
      width += score.rule.width
    }
    var rows = [Double](repeating: 0, count: images * width)
    for (_, first, source) in sources {
      let columns = images == 0 ? 0 : source.count / images
      for row in 0..<images {
        for column in 0..<columns {
          rows[row * width + first + column] = source[row * columns + column]
        }
      }
    }
    self.width = width
    self.blocks = blocks
    self.rows = rows
  }

  /// Adds as many rows as `candidates` holds, drawn from it with replacement by the random numbers
  /// from `base` on.
  func addDraws(
    of candidates: [Int], _ random: CounterRandom, from base: UInt64, to sums: inout [Double]
  ) {
    rows.withUnsafeBufferPointer { rows in
      candidates.withUnsafeBufferPointer { candidates in
        sums.withUnsafeMutableBufferPointer { sums in
          for draw in 0..<candidates.count {
            let index = random.integer(base + UInt64(draw), below: candidates.count)
            let row = candidates[index] * width
            for column in 0..<width { sums[column] += rows[row + column] }
          }
        }
      }
    }
  }

  /// Adds the row of one image to `sums`.
  func add(_ image: Int, to sums: inout [Double]) {
    for column in 0..<width { sums[column] += rows[image * width + column] }
  }

  /// The corpus value of each score from sums over `images` images.
  func values(_ sums: [Double], images: Int) -> [Double] {
    var result: [Double] = []
    appendValues(sums, images: images, to: &result)
    return result
  }

  func appendValues(_ sums: [Double], images: Int, to result: inout [Double]) {
    for block in blocks {
      let columns = sums[block.first..<block.first + block.rule.width]
      result.append(block.rule.value(sums: columns, images: images))
    }
  }
}
