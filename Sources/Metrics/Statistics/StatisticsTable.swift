/// The statistics of several scores side by side, one row an image, each block of columns once.
///
/// The columns of median ranks, one a rank, come last: an image adds 1 to the few that are its ranks, so they
/// are kept as lists.
struct StatisticsTable: Sendable {
  let images: Int
  let width: Int
  /// Columns before those of ranks.
  private let dense: Int
  /// Shape `[images, dense]`.
  private let rows: [Double]
  /// Columns that image `i` adds 1 to: `counted[countedStarts[i]..<countedStarts[i + 1]]`.
  private let counted: [Int]
  private let countedStarts: [Int]
  private let blocks: [(rule: CorpusRule, first: Int)]

  /// - Parameter metrics: For each metric its runs; values come in this order, metric by metric.
  /// - Precondition: All scores have the same number of images.
  init(_ metrics: [[MetricScores]]) {
    images = metrics.first?.first?.perImage.count ?? 0
    var width = 0
    var blocks: [(rule: CorpusRule, first: Int)] = []
    var sources: [(run: Int, first: Int, statistics: [Double])] = []
    var ranked: [(block: Int, score: MetricScores)] = []
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
      if case .median = score.rule {
        ranked.append((blocks.count - 1, score))
        continue
      }
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
    dense = width
    for (block, _) in ranked {
      blocks[block].first = width
      width += blocks[block].rule.width
    }
    var counted: [Int] = []
    var starts = [0]
    for image in 0..<images {
      for (block, score) in ranked {
        counted += score.ranks(of: image).map { blocks[block].first + $0 - 1 }
      }
      starts.append(counted.count)
    }
    self.counted = counted
    countedStarts = starts
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
            let image = candidates[index]
            let row = image * dense
            for column in 0..<dense { sums[column] += rows[row + column] }
            if counted.isEmpty { continue }
            for place in countedStarts[image]..<countedStarts[image + 1] {
              sums[counted[place]] += 1
            }
          }
        }
      }
    }
  }

  /// Adds the row of one image to `sums`.
  func add(_ image: Int, to sums: inout [Double]) {
    for column in 0..<dense { sums[column] += rows[image * dense + column] }
    for place in countedStarts[image]..<countedStarts[image + 1] { sums[counted[place]] += 1 }
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
