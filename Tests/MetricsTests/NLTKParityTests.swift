import Foundation
import Testing

@testable import Metrics

@Suite struct NLTKParityTests {
  @Test(arguments: MetricFixture.folders)
  func wordsAndStemsEqualNLTK(folder: URL) throws {
    let metric = try NLTKMETEOR()
    #expect(metric.name == "METEOR-NLTK (exact+stem)")
    try check(metric, "nltk_meteor_exact_stem", folder)
  }

  @Test(
    .enabled(
      if: METEORParityTests.resources?.wordNetFolder != nil,
      "WordNet is not installed (wordnet-base)"),
    arguments: MetricFixture.folders)
  func synonymsEqualNLTK(folder: URL) throws {
    let metric = try NLTKMETEOR(
      resources: try #require(METEORParityTests.resources))
    #expect(metric.name == "METEOR-NLTK (exact+stem+wordnet)")
    try check(metric, "nltk_meteor_wordnet", folder)
  }

  private func check(_ metric: NLTKMETEOR, _ key: String, _ folder: URL) throws {
    let fixture = try MetricFixture(folder)
    let scores = try #require(metric.scores(for: try fixture.tokenizedSet()).first)
    let expected = fixture.expected(key)
    for (index, image) in fixture.images.enumerated() {
      #expect(abs(scores.perImage[index] - expected[index]) <= 1e-9, "\(key) of \(image.id)")
    }
    let corpus = try #require(fixture.corpus[key + "_mean"])
    #expect(abs(scores.corpus - corpus) <= 1e-9)
  }

  /// From NLTK 3.10's PorterStemmer().
  @Test(arguments: [
    ("dying", "die"), ("news", "news"), ("flies", "fli"), ("dies", "die"), ("tied", "tie"),
    ("spied", "spi"), ("enjoy", "enjoy"), ("happy", "happi"), ("by", "by"), ("agreed", "agre"),
    ("feed", "feed"), ("hopping", "hop"), ("falling", "fall"), ("filing", "file"),
    ("conditionally", "condit"), ("geologi", "geolog"), ("hopefulli", "hope"),
    ("adoption", "adopt"), ("controlling", "control"), ("roll", "roll"), ("skies", "sky"),
    ("internationalization", "internation"), ("caresses", "caress"), ("running", "run"),
    ("ate", "ate"), ("oed", "o"), ("yyy", "yyy"),
  ])
  func stemsEqualNLTK(word: String, stem: String) {
    #expect(PorterStemmer().stem(word) == stem)
  }
}
