import Foundation
import Metrics
import Testing

@Suite struct CorpusMetricsParityTests {
  /// Names of ours and of pycocoevalcap.
  static let names = [
    "BLEU-1": "Bleu_1", "BLEU-2": "Bleu_2", "BLEU-3": "Bleu_3", "BLEU-4": "Bleu_4",
    "ROUGE-L": "ROUGE_L", "CIDEr-D": "CIDEr", "METEOR-1.5 (exact+stem)": "METEOR_exact_stem",
  ]

  @Test(arguments: MetricFixture.folders)
  func scoresEqualPycocoevalcapOnItsTokens(folder: URL) throws {
    let fixture = try MetricFixture(folder)
    let set = try fixture.tokenizedSet()
    let scores = BLEU().scores(for: set) + ROUGEL().scores(for: set) + CIDErD().scores(for: set)
    #expect(scores.count == 6)
    for score in scores {
      let key = try #require(Self.names[score.name])
      let corpus = try #require(fixture.corpus[key])
      #expect(abs(score.corpus - corpus) <= 1e-9, "\(score.name) of the corpus")
      let worst = largestDifference(score.perImage, fixture.expected(key))
      #expect(worst <= 1e-9, "\(score.name) per image")
    }
  }
}
