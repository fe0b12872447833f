import Foundation

/// CIDEr-D: what pycocoevalcap prints as CIDEr.
///
/// For n = 1…4 the cosine of TF-IDF vectors of candidate and reference, candidate counts clipped by
/// the reference's, times exp(−Δ²/2σ²) for a difference Δ in length, σ = 6; mean over n and over the
/// references, times 10. The corpus value is the mean over images. Δ counts bigrams, as there.
///
/// Every value depends on the document frequencies, so on the whole set unless they are given.
///
/// Source: Vedantam et al. 2015, arXiv:1411.5726, §6; pycocoevalcap `cider_scorer.py`.
public struct CIDErD: CaptionMetric {
  /// Frequencies to use; `nil` counts them in the references of the set that is scored.
  public let documentFrequencies: DocumentFrequencies?

  public init(documentFrequencies: DocumentFrequencies? = nil) {
    self.documentFrequencies = documentFrequencies
  }

  public func scores(for captions: CountedCaptions, threads: Int) -> [MetricScores] {
    let weights = weights(captions)
    let set = captions.set
    let values = Parallel.map(set.count, threads: threads) { images in
      Self.score(captions, weights, images)
    }
    let source =
      documentFrequencies.map { "\($0.source), \($0.images) images" }
      ?? "this set's references, \(set.count) images"
    return [
      MetricScores(name: "CIDEr-D", meanOf: values, note: "document frequencies: \(source)")
    ]
  }

  /// `weights[n - 1][id]`: log of the number of images less log of the n-gram's document frequency.
  private func weights(_ captions: CountedCaptions) -> [[Double]] {
    let set = captions.set
    let frequencies =
      documentFrequencies.map { $0.counts(for: captions) }
      ?? DocumentFrequencies.counts(in: captions)
    let images = documentFrequencies?.images ?? set.count
    let largest = frequencies.map { $0.max() ?? 0 }.max() ?? 0
    let total = log(Double(images))
    let byFrequency = (0...Int(largest)).map { total - log(max(1, Double($0))) }
    return byFrequency.withUnsafeBufferPointer { byFrequency in
      frequencies.map { counts in counts.map { byFrequency[Int($0)] } }
    }
  }

  private static func score(
    _ captions: CountedCaptions, _ weights: [[Double]], _ images: Range<Int>
  ) -> [Double] {
    let set = captions.set
    let ngrams = captions.ngrams
    var result = [Double](repeating: 0, count: images.count)
    for n in 0..<NGrams.orders {
      var counter = CosineCounter(weights: weights[n])
      for (row, image) in images.enumerated() {
        let range = set.candidates.range(image)
        counter.setCandidate(ngrams.candidates[n][range].dropFirst(n))
        var sum = 0.0
        let references = set.referenceRange(image)
        for reference in references {
          let other = set.references.range(reference)
          let cosine = counter.similarity(ngrams.references[n][other].dropFirst(n))
          if cosine == 0 { continue }
          let difference = Double(max(0, range.count - 1) - max(0, other.count - 1))
          sum += cosine * exp(-difference * difference / (2 * 6 * 6))
        }
        result[row] += sum / Double(NGrams.orders) / Double(references.count) * 10
      }
    }
    return result
  }
}

/// Clipped cosine between one candidate and many references, over dense n-gram ids.
private struct CosineCounter {
  let weights: [Double]
  private var inCandidate: [Int32]
  private var inReference: [Int32]
  private var candidate: ArraySlice<Int32> = []
  private var norm = 0.0

  init(weights: [Double]) {
    self.weights = weights
    inCandidate = Array(repeating: 0, count: weights.count)
    inReference = inCandidate
  }

  mutating func setCandidate(_ grams: ArraySlice<Int32>) {
    for gram in candidate { inCandidate[Int(gram)] = 0 }
    candidate = grams
    for gram in grams { inCandidate[Int(gram)] += 1 }
    // Each occurrence adds count · weight², which sums to (count · weight)² for the n-gram.
    norm = 0
    for gram in grams {
      let weight = weights[Int(gram)]
      norm += Double(inCandidate[Int(gram)]) * weight * weight
    }
    norm = norm.squareRoot()
  }

  mutating func similarity(_ grams: ArraySlice<Int32>) -> Double {
    var product = 0.0
    var referenceNorm = 0.0
    inReference.withUnsafeMutableBufferPointer { inReference in
      inCandidate.withUnsafeBufferPointer { inCandidate in
        weights.withUnsafeBufferPointer { weights in
          for gram in grams { inReference[Int(gram)] += 1 }
          for gram in grams {
            let id = Int(gram)
            let count = inReference[id]
            if count == 0 { continue }
            inReference[id] = 0
            let value = Double(count) * weights[id]
            referenceNorm += value * value
            let own = inCandidate[id]
            if own > 0 { product += min(Double(own) * weights[id], value) * value }
          }
        }
      }
    }
    guard norm != 0, referenceNorm != 0 else { return product }
    return product / (norm * referenceNorm.squareRoot())
  }
}
