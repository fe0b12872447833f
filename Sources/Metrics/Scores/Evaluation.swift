import Configuration

/// Scores captions with several metrics at once, from raw text.
///
/// ```swift
/// let scores = try Evaluation().score(candidates: captions, references: references)
/// print(scores[0].name, scores[0].corpus)
/// ```
public struct Evaluation: Sendable {
  public let metrics: [any CaptionMetric]
  /// Threads to use; results do not depend on it.
  public let threads: Int

  /// The metrics that need no data beside the captions.
  public static let standardMetrics: [any CaptionMetric] = [
    BLEU(), METEOR(), ROUGEL(), CIDErD(),
  ]

  public init(metrics: [any CaptionMetric] = Self.standardMetrics, threads: Int? = nil) {
    self.metrics = metrics
    self.threads = max(1, threads ?? Parallel.availableThreads)
  }

  /// Scores raw captions by image name, images in the order of their names' bytes.
  ///
  /// - Parameter kinds: What kind of question each answers, for scores by kind.
  /// - Throws: ``CaptionSetError`` if the images of both differ, or one has no reference.
  public func score(
    candidates: [Identifier: String], references: [Identifier: [String]],
    kinds: [Identifier: String] = [:]
  ) throws -> [MetricScores] {
    score(try captionSet(candidates: candidates, references: references, kinds: kinds))
  }

  /// Tokenises raw captions by image name, images in the order of their names' bytes.
  ///
  /// - Parameter kinds: What kind of question each answers, for scores by kind.
  /// - Throws: ``CaptionSetError`` if the images of both differ, or one has no reference.
  public func captionSet(
    candidates: [Identifier: String], references: [Identifier: [String]],
    kinds: [Identifier: String] = [:]
  ) throws -> CaptionSet {
    let ids = references.keys.sorted()
    let ordered = try ids.map { id in
      guard let candidate = candidates[id] else { throw CaptionSetError.noCandidate(image: id) }
      return candidate
    }
    if let stray = candidates.keys.filter({ references[$0] == nil }).min() {
      throw CaptionSetError.unknownImage(stray)
    }
    return try CaptionSet(
      ids: ids, candidates: ordered, references: ids.map { references[$0] ?? [] },
      threads: threads
    ).with(kinds: ids.map { id in kinds[id].map(Identifier.init(_:)) })
  }

  /// The scores of a tokenised set, in the order of the metrics.
  public func score(_ set: CaptionSet) -> [MetricScores] {
    let captions = CountedCaptions(set)
    return metrics.flatMap { $0.scores(for: captions, threads: threads) }
  }
}
