import Foundation

/// METEOR as NLTK computes it: the form of 2007, not comparable with METEOR 1.5.
///
/// Words are matched one to one from the end of the candidate, first equal words, then equal stems,
/// then synonyms of stems; F with α = 0.9, penalty 0.5 · fragmentation³. The best reference counts,
/// the corpus value is the mean. The name says which stages ran.
///
/// Source: Lavie & Agarwal 2007; NLTK 3.10 `meteor_score`.
public struct NLTKMETEOR: CaptionMetric {
  private let wordNet: NLTKWordNet?

  /// - Parameter resources: Where WordNet lies; without it, words and stems only.
  /// - Throws: ``METEORDataError`` if a file of WordNet is missing or can't be read.
  public init(resources: METEORResources = METEORResources()) throws {
    wordNet = try resources.wordNetFolder.map { try NLTKWordNet(folder: $0) }
  }

  public var name: String { "METEOR-NLTK (exact+stem\(wordNet == nil ? "" : "+wordnet"))" }

  public func scores(for captions: CountedCaptions, threads: Int) -> [MetricScores] {
    let set = captions.set
    var stemIDs = Vocabulary()
    let stemmer = PorterStemmer()
    let stems = (0..<Int32(set.vocabulary.count)).map {
      stemIDs.intern(stemmer.stem(set.vocabulary[$0]))
    }
    let scorer = Scorer(stems: stems, synonyms: wordNet?.synonyms(of: stemIDs))
    let values = Parallel.map(set.count, threads: threads) { images in
      images.map { image in
        set.referenceRange(image).reduce(0.0) { best, reference in
          max(best, scorer.score(set.candidates[image], set.references[reference]))
        }
      }
    }
    return [MetricScores(name: name, meanOf: values)]
  }

  private struct Scorer: Sendable {
    let stems: [Int32]
    /// By stem.
    let synonyms: [[Int32]]?

    func score(_ candidate: ArraySlice<Int32>, _ reference: ArraySlice<Int32>) -> Double {
      var matching = Matching(candidate, reference)
      matching.run { [$0] }
      matching.run {
        [stems[Int($0)]]
      } reference: {
        stems[Int($0)]
      }
      if let synonyms {
        matching.run {
          synonyms[Int(stems[Int($0)])]
        } reference: {
          stems[Int($0)]
        }
      }
      let pairs = matching.pairs
      guard !pairs.isEmpty else { return 0 }
      let precision = Double(pairs.count) / Double(candidate.count)
      let recall = Double(pairs.count) / Double(reference.count)
      let mean = precision * recall / (0.9 * precision + 0.1 * recall)
      let breaks = zip(pairs, pairs.dropFirst()).count { $1.0 != $0.0 + 1 || $1.1 != $0.1 + 1 }
      let fragmentation = Double(breaks + 1) / Double(pairs.count)
      return (1 - 0.5 * pow(fragmentation, 3)) * mean
    }
  }

  /// One-to-one matches, found stage by stage.
  private struct Matching {
    private let candidate: [Int32]
    private let reference: [Int32]
    /// Reference position of each candidate word, -1 where none.
    private var partner: [Int]
    private var isUsed: [Bool]

    init(_ candidate: ArraySlice<Int32>, _ reference: ArraySlice<Int32>) {
      self.candidate = Array(candidate)
      self.reference = Array(reference)
      partner = Array(repeating: -1, count: candidate.count)
      isUsed = Array(repeating: false, count: reference.count)
    }

    /// Gives each free candidate word, last first, the last free reference word with one of its keys.
    mutating func run(
      _ keys: (Int32) -> [Int32], reference key: (Int32) -> Int32 = { $0 }
    ) {
      for position in candidate.indices.reversed() where partner[position] < 0 {
        let wanted = keys(candidate[position])
        let match = reference.indices.last { !isUsed[$0] && wanted.contains(key(reference[$0])) }
        guard let match else { continue }
        partner[position] = match
        isUsed[match] = true
      }
    }

    /// Matched positions in candidate and reference, in order of the candidate.
    var pairs: [(Int, Int)] {
      partner.enumerated().filter { $0.element >= 0 }.map { ($0.offset, $0.element) }
    }
  }
}
