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
    let metric = METEOR(stages: [.exact, .stem])
    #expect(metric.name == "METEOR-1.5 (exact+stem)")
    try check(metric, "METEOR_exact_stem", folder)
  }
}
