/// A measure of how well candidate captions agree with their references.
public protocol CaptionMetric: Sendable {
  /// The scores of a set, whose n-grams are counted once for all metrics.
  ///
  /// One metric may give several, as BLEU gives four.
  func scores(for captions: CountedCaptions, threads: Int) -> [MetricScores]
}

extension CaptionMetric {
  public func scores(for set: CaptionSet) -> [MetricScores] {
    scores(for: CountedCaptions(set), threads: Parallel.availableThreads)
  }
}

/// A caption set and its n-grams, which BLEU, CIDEr-D and distinct-n share.
public struct CountedCaptions: Sendable {
  public let set: CaptionSet
  let ngrams: NGrams

  public init(_ set: CaptionSet) {
    self.set = set
    ngrams = NGrams(set)
  }
}
