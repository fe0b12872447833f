/// Cheap signs of a collapsed captioner: one that says nearly the same of every image.
///
/// None of them looks at the references. Tokens are those of the tokenizer, split at white space.
public struct CaptionDiversity: Sendable, Equatable {
  /// Distinct unigrams over all unigrams of all candidates (Li et al. 2016).
  public let distinct1: Double
  /// Distinct bigrams over all bigrams of all candidates.
  public let distinct2: Double
  /// Mean tokens of a candidate.
  public let meanLength: Double
  /// Distinct tokens in all candidates.
  public let vocabularySize: Int
  /// Distinct captions over all captions.
  public let distinctCaptions: Double

  public init(_ captions: CountedCaptions) {
    let set = captions.set
    func distinct(_ order: Int) -> (distinct: Int, all: Int) {
      var seen = [Bool](repeating: false, count: captions.ngrams.counts[order - 1])
      var count = (distinct: 0, all: 0)
      for gram in captions.ngrams.candidates[order - 1] where gram >= 0 {
        count.all += 1
        if !seen[Int(gram)] { count.distinct += 1 }
        seen[Int(gram)] = true
      }
      return count
    }
    let unigrams = distinct(1)
    let bigrams = distinct(2)
    distinct1 = unigrams.all == 0 ? 0 : Double(unigrams.distinct) / Double(unigrams.all)
    distinct2 = bigrams.all == 0 ? 0 : Double(bigrams.distinct) / Double(bigrams.all)
    meanLength = Double(unigrams.all) / Double(set.count)
    vocabularySize = unigrams.distinct
    distinctCaptions =
      Double(Set((0..<set.count).map { Array(set.candidates[$0]) }).count) / Double(set.count)
  }

  /// Names and values, in the order of a report.
  public var values: [(name: String, value: Double)] {
    [
      ("distinct-1", distinct1), ("distinct-2", distinct2),
      ("distinct captions", distinctCaptions), ("caption length", meanLength),
      ("vocabulary size", Double(vocabularySize)),
    ]
  }
}
