import Foundation
import Reports
import Testing

@Suite struct SharesTableTests {
  static let summary = RunSummary(
    experiment: "s2",
    arms: [
      .init(
        arm: "mlp", visualTokens: 64, trainableParameters: 10,
        metrics: [
          "accuracy": .init(mean: 1, ci95: .init(1, 1), perSeed: [1], wilson95: .init(0.969, 1)),
          "accuracy/color": .init(
            mean: 0.95, ci95: .init(0.9, 1), perSeed: [0.95], wilson95: .init(0.86, 0.98)),
          "R@1 image-to-text": .init(mean: 0.5),
        ]),
      .init(
        arm: "qformer", visualTokens: 32, trainableParameters: 10,
        metrics: [
          "accuracy": .init(mean: 0.9, perSeed: [0.9], wilson95: .init(0.83, 0.94)),
          "nll": .init(mean: 0.5, perSeed: [0.5]),
        ]),
    ],
    comparisons: [
      .init(
        a: "mlp", b: "qformer", metric: "accuracy", difference: 0.1, ci95: .init(0.05, 0.15),
        p: 0.001, pHolm: 0.001, mcNemar: .init(aBetter: 12, bBetter: 0, p: 0.00049))
    ])

  @Test func `right answers stand by metric and arm with Wilson's ends and McNemar's test`() throws
  {
    let table = try #require(Self.summary.sharesTable())
    #expect(
      table.csv() == "Metric,Arm,Share,95 % low,95 % high\r\n"
        + "accuracy,mlp,1,0.969,1\r\naccuracy,qformer,0.9,0.83,0.94\r\n"
        + "accuracy/color,mlp,0.95,0.86,0.98\r\n")
    #expect(
      table.footnotes.last
        == "McNemar's exact test, an image counted once: accuracy, mlp against qformer: "
        + "better on 12 and 0 images, p <0.001. p is not corrected for the number of pairs.")
    #expect(Self.summary.tables.contains(table))
    #expect(RunSummary.example.sharesTable() == nil)
  }

  @Test func `intervals of shares and McNemar's test are kept in the summary's file`() throws {
    let bytes = try Self.summary.json()
    #expect(try RunSummary(json: bytes) == Self.summary)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.contains("\"wilson95\"") && text.contains("\"a_better\" : 12"))
    #expect(!String(decoding: try RunSummary.example.json(), as: UTF8.self).contains("wilson"))
  }

  @Test func `a smaller median rank is the better one`() {
    let pair = RunSummary.Comparison(
      a: "a", b: "b", metric: "median rank image-to-text", difference: -3, ci95: .init(-5, -1),
      p: 0.01, pHolm: 0.01)
    #expect(pair.verdict == .aBeatsB)
  }
}
