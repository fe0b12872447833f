import Foundation

/// BLEU-1 to BLEU-4 as pycocoevalcap computes them.
///
/// Counts are clipped by the largest count in any reference, the reference length is the one closest
/// to the candidate's (the shorter of two equally close), and 1e-15 and 1e-9 keep empty counts from
/// dividing by zero: a caption with no match has a tiny positive value, an empty one exactly 0. The
/// corpus value comes from summed counts, not from values per image.
///
/// Source: Papineni et al. 2002; pycocoevalcap `bleu_scorer.py`, option "closest".
public struct BLEU: CaptionMetric {
  public init() {}

  /// Candidate length, reference length, then for n = 1…4 the n-grams, then those that match.
  static let statisticsWidth = 10

  public func scores(for captions: CountedCaptions, threads: Int) -> [MetricScores] {
    let statistics = Parallel.map(captions.set.count, threads: threads) { images in
      Self.statistics(captions, images)
    }
    return (1...NGrams.orders).map { order in
      let perImage = (0..<captions.set.count).map { image in
        let start = image * Self.statisticsWidth
        return Self.value(
          sums: statistics[start..<start + Self.statisticsWidth], order: order)
      }
      return MetricScores(
        name: "BLEU-\(order)", perImage: perImage, rule: .bleu(order: order),
        statistics: statistics)
    }
  }

  /// BLEU of one order from summed statistics.
  static func value(sums: ArraySlice<Double>, order: Int) -> Double {
    let tiny = 1e-15
    let small = 1e-9
    let first = sums.startIndex
    var product = 1.0
    for n in 0..<order {
      product *= (sums[first + 6 + n] + tiny) / (sums[first + 2 + n] + small)
    }
    let ratio = (sums[first] + tiny) / (sums[first + 1] + small)
    let value = pow(product, 1 / Double(order))
    return ratio < 1 ? value * exp(1 - 1 / ratio) : value
  }

  private static func statistics(_ captions: CountedCaptions, _ images: Range<Int>) -> [Double] {
    let set = captions.set
    let ngrams = captions.ngrams
    let width = statisticsWidth
    var result = [Double](repeating: 0, count: images.count * width)
    for (row, image) in images.enumerated() {
      let range = set.candidates.range(image)
      result[row * width] = Double(range.count)
      result[row * width + 1] = Double(closestLength(set, image, to: range.count))
      for n in 0..<NGrams.orders {
        result[row * width + 2 + n] = Double(max(0, range.count - n))
      }
    }
    for n in 0..<NGrams.orders {
      var inCandidate = [Int32](repeating: 0, count: ngrams.counts[n])
      var inReference = inCandidate
      var largest = inCandidate
      for (row, image) in images.enumerated() {
        let candidate = ngrams.candidates[n][set.candidates.range(image)].dropFirst(n)
        for gram in candidate { inCandidate[Int(gram)] += 1 }
        for reference in set.referenceRange(image) {
          let grams = ngrams.references[n][set.references.range(reference)].dropFirst(n)
          for gram in grams where inCandidate[Int(gram)] > 0 {
            inReference[Int(gram)] += 1
            largest[Int(gram)] = max(largest[Int(gram)], inReference[Int(gram)])
          }
          for gram in grams { inReference[Int(gram)] = 0 }
        }
        var matches: Int32 = 0
        for gram in candidate where inCandidate[Int(gram)] > 0 {
          matches += min(inCandidate[Int(gram)], largest[Int(gram)])
          inCandidate[Int(gram)] = 0
          largest[Int(gram)] = 0
        }
        result[row * width + 6 + n] = Double(matches)
      }
    }
    return result
  }

  private static func closestLength(_ set: CaptionSet, _ image: Int, to length: Int) -> Int {
    var best = (distance: Int.max, length: 0)
    for reference in set.referenceRange(image) {
      let other = set.references.range(reference).count
      best = min(best, (abs(other - length), other), by: <)
    }
    return best.length
  }
}

private func min(
  _ a: (Int, Int), _ b: (Int, Int), by precedes: ((Int, Int), (Int, Int)) -> Bool
) -> (Int, Int) {
  precedes(b, a) ? b : a
}
