import Configuration

/// What METEOR takes for a match, as `evaluation.meteor_stages:` names it.
public enum METEORStage: String, ConfigChoice, Comparable {
  /// The same word.
  case exact
  /// The same stem, by Snowball's English stemmer.
  case stem
  /// A common synset in WordNet 3.0.
  case synonym
  /// A pair of phrases of METEOR's paraphrase table.
  case paraphrase

  /// Tuned weight for English, task "rank".
  package var weight: Double {
    switch self {
    case .exact: 1
    case .stem: 0.6
    case .synonym: 0.8
    case .paraphrase: 0.6
    }
  }

  public static func < (a: Self, b: Self) -> Bool {
    allCases.firstIndex(of: a) ?? 0 < allCases.firstIndex(of: b) ?? 0
  }
}
