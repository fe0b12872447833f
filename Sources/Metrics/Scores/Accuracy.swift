import Configuration

/// The share of answers that are one of the right ones, word by word: `accuracy`, and `accuracy/KIND` for each
/// kind of question.
///
/// Answer and references are compared as pycocoevalcap's PTB tokens: lower case, punctuation left out, so
/// "Red." is "red". An answer without a word is right only where a reference has none either. The corpus value
/// is all right answers over all questions, those of the kind for a kind; items without a kind count in
/// `accuracy` alone.
public struct Accuracy: CaptionMetric {
  public init() {}

  /// Whether one answer is one of the right ones.
  public static func isRight(_ answer: String, references: [String]) -> Bool {
    let tokens = PTBTokenizer().tokenize([answer] + references).map(Identifier.init(_:))
    return tokens.dropFirst().contains(tokens[0])
  }

  public func scores(for captions: CountedCaptions, threads: Int) -> [MetricScores] {
    let set = captions.set
    let right = (0..<set.count).map { item in
      set.referenceRange(item).contains {
        set.candidates[item].elementsEqual(set.references[$0])
      }
    }
    func score(_ name: String, asked: [Bool]) -> MetricScores {
      MetricScores(
        name: name, successes: zip(right, asked).map { $0 && $1 ? 1 : 0 },
        of: asked.map { $0 ? 1 : 0 })
    }
    let kinds = Set(set.kinds.compactMap(\.self)).sorted()
    return [score("accuracy", asked: right.map { _ in true })]
      + kinds.map { kind in score("accuracy/\(kind)", asked: set.kinds.map { $0 == kind }) }
  }
}
