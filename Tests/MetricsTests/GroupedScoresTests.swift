import Metrics
import Testing

@Suite("Several items of one image")
struct GroupedScoresTests {
  @Test("are drawn together: a group's value is the mean of its items'")
  func mean() {
    let scores = MetricScores(name: "x", meanOf: [1, 0, 1, 1, 0, 0])
    let grouped = scores.grouped([[0, 1, 2], [3, 4, 5]])
    #expect(grouped.perImage == [2.0 / 3, 1.0 / 3])
    #expect(abs(grouped.corpus - scores.corpus) < 1e-15)
  }

  @Test("make no narrower interval where they agree: three equal answers are one image's")
  func interval() throws {
    let images: [Double] = (0..<40).map { $0 % 3 == 0 ? 0 : 1 }
    let items = images.flatMap { [$0, $0, $0] }
    let groups = (0..<40).map { [3 * $0, 3 * $0 + 1, 3 * $0 + 2] }
    let alone = Bootstrap(resamples: 500).resample([NestedScores(.init(name: "x", meanOf: images))])
    let grouped = Bootstrap(resamples: 500).resample([
      NestedScores(MetricScores(name: "x", meanOf: items).grouped(groups))
    ])
    #expect(alone.estimates[0].ci95 == grouped.estimates[0].ci95)
  }

  @Test("a corpus value from summed statistics stays what it was")
  func statistics() throws {
    let set = try CaptionSet(
      ids: ["a", "b", "c"], candidates: ["a dog runs", "a cat", "the red house on a hill"],
      references: [["a dog runs fast"], ["a cat sleeps"], ["a red house on the hill"]])
    for scores in BLEU().scores(for: set) {
      #expect(abs(scores.grouped([[0, 1], [2]]).corpus - scores.corpus) < 1e-12)
    }
  }

  @Test("an interval does not leave what values there can be")
  func range() {
    let seeds = [0.99, 0.6, 0.98].map { value in
      MetricScores(
        name: "accuracy", meanOf: [Double](repeating: value, count: 50), range: 0...1)
    }
    let estimate = Bootstrap(resamples: 500).resample([NestedScores(seeds: seeds)]).estimates[0]
    #expect(estimate.ci95.upper <= 1 && estimate.ci95.lower >= 0)
    #expect(estimate.ci95.upper == 1, "the widened interval would pass 1")
  }
}
