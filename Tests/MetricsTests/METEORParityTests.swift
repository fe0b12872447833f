import Foundation
import Testing

@testable import Metrics

@Suite struct METEORParityTests {
  /// The jar's statistics: those of the stages that ran, without the chunk of a complete match.
  private func statistics(_ text: Any?, stages: Int) -> [Double] {
    let numbers = (text as? String ?? "").split(separator: " ").compactMap { Double($0) }
    var result = Array(numbers.prefix(4 + 4 * stages) + numbers.suffix(3))
    guard result.count == 7 + 4 * stages else { return [] }
    let chunks = 4 + 4 * stages
    let isComplete = result[chunks + 1] == result[0] && result[chunks + 2] == result[1]
    if isComplete, result[chunks] == 1 { result[chunks] = 0 }
    return result
  }

  private func check(_ metric: METEOR, _ key: String, _ folder: URL) throws {
    let fixture = try MetricFixture(folder)
    let set = try CaptionSet(
      ids: fixture.images.map(\.id), candidates: fixture.images.map(\.candidate),
      references: fixture.images.map(\.references))
    let scores = try #require(metric.scores(for: set).first)
    let expected = fixture.expected(key)
    let width = scores.rule.width
    for (index, image) in fixture.images.enumerated() {
      let ours = Array(scores.statistics[index * width..<(index + 1) * width])
      let theirs = statistics(image.expected[key + "_stats"], stages: metric.stages.count)
      #expect(ours == theirs, "\(key) of \(image.id)")
      #expect(abs(scores.perImage[index] - expected[index]) <= 1e-6, "\(key) of \(image.id)")
    }
    let corpus = try #require(fixture.corpus[key])
    #expect(abs(scores.corpus - corpus) <= 1e-6, "\(key) of the corpus")
  }

  @Test(arguments: MetricFixture.folders)
  func exactMatchesEqualTheJar(folder: URL) throws {
    try check(METEOR(stages: [.exact]), "METEOR_exact", folder)
  }

  @Test(arguments: MetricFixture.folders)
  func exactAndStemMatchesEqualTheJar(folder: URL) throws {
    let metric = try METEOR(stages: [.exact, .stem])
    #expect(metric.name == "METEOR-1.5 (exact+stem)")
    try check(metric, "METEOR_exact_stem", folder)
  }

  /// Data of the later stages on this machine: `DRAGOMAN_METEOR_DATA`, or the usual places.
  static let resources: METEORResources? = {
    let cache = FileManager.default.temporaryDirectory.appending(path: "dragoman-metrics-tests")
    return try? METEORResources.find(cache: cache)
  }()

  @Test(
    .enabled(if: resources?.synonyms != nil, "WordNet is not installed (wordnet-base)"),
    arguments: MetricFixture.folders)
  func exactStemAndSynonymMatchesEqualTheJar(folder: URL) throws {
    let resources = try #require(Self.resources)
    let metric = try METEOR(stages: [.exact, .stem, .synonym], resources: resources)
    #expect(metric.name == "METEOR-1.5 (exact+stem+synonym)")
    try check(metric, "METEOR_exact_stem_synonym", folder)
  }

  @Test(
    .enabled(
      if: resources?.paraphrases != nil && resources?.synonyms != nil,
      "pycocoevalcap is not installed; DRAGOMAN_METEOR_DATA names its meteor folder"),
    arguments: MetricFixture.folders)
  func allStagesEqualTheJar(folder: URL) throws {
    let metric = METEOR(resources: try #require(Self.resources))
    #expect(metric.name == "METEOR-1.5 (exact+stem+synonym+paraphrase)")
    try check(metric, "METEOR", folder)
  }

  @Test(
    .enabled(
      if: resources?.jar != nil, "DRAGOMAN_METEOR_DATA does not name a folder with the jar"),
    arguments: MetricFixture.folders)
  func synonymsOfTheJarEqualThoseOfWordNet(folder: URL) throws {
    let jar = try #require(Self.resources?.jar)
    let resources = METEORResources(
      synonyms: try SynonymDictionary(jar: jar), paraphrases: nil)
    let metric = METEOR(resources: resources)
    try check(metric, "METEOR_exact_stem_synonym", folder)
  }
}
