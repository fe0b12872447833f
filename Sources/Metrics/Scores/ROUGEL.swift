/// ROUGE-L as pycocoevalcap computes it: F with β = 1.2 of the longest common subsequence.
///
/// Precision and recall are each the best over the references, which need not be the same one. Texts
/// are split at single spaces only: a no-break space stays inside its token, and an empty text counts
/// as one empty token. The corpus value is the mean.
///
/// Source: Lin 2004; pycocoevalcap `rouge.py`.
public struct ROUGEL: CaptionMetric {
  public init() {}

  public func scores(for captions: CountedCaptions, threads: Int) -> [MetricScores] {
    let set = captions.set
    let values = Parallel.map(set.count, threads: threads) { images in
      var row: [Int] = []
      return images.map { Self.score(set, $0, &row) }
    }
    return [MetricScores(name: "ROUGE-L", meanOf: values, range: 0...1)]
  }

  private static func score(_ set: CaptionSet, _ image: Int, _ row: inout [Int]) -> Double {
    let betaSquared = 1.2 * 1.2
    let candidate = set.spacedCandidates[image]
    var precision = 0.0
    var recall = 0.0
    for index in set.referenceRange(image) {
      let reference = set.spacedReferences[index]
      let common = Double(longestCommonSubsequence(candidate, reference, &row))
      precision = max(precision, common / Double(candidate.count))
      recall = max(recall, common / Double(reference.count))
    }
    guard precision != 0, recall != 0 else { return 0 }
    return (1 + betaSquared) * precision * recall / (recall + betaSquared * precision)
  }

  /// Length of the longest common subsequence, in O(|a|·|b|) time and one row of memory.
  static func longestCommonSubsequence(
    _ a: ArraySlice<Int32>, _ b: ArraySlice<Int32>, _ row: inout [Int]
  ) -> Int {
    row.removeAll(keepingCapacity: true)
    row.append(contentsOf: repeatElement(0, count: b.count + 1))
    for token in a {
      var diagonal = 0
      for (column, other) in b.enumerated() {
        let above = row[column + 1]
        row[column + 1] = token == other ? diagonal + 1 : max(above, row[column])
        diagonal = above
      }
    }
    return row[b.count]
  }
}
