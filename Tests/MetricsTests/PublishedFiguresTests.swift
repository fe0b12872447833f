import Foundation
import Metrics
import TestSupport
import Testing

/// The figures that the authors of COCO's evaluation code publish for their example of 1000 images.
///
/// Source: github.com/tylin/coco-caption, `cocoEvalCapDemo.ipynb`, three decimals.
@Suite struct PublishedFiguresTests {
  private static let folder = Fixtures.data?.appending(path: "metrics/coco-fakecap-1000")

  private static let isThere =
    folder.map { FileManager.default.fileExists(atPath: $0.appending(path: "inputs.json").path) }
    ?? false

  private static let published = [
    "BLEU-1": 0.579, "BLEU-2": 0.404, "BLEU-3": 0.279, "BLEU-4": 0.191, "ROUGE-L": 0.396,
    "CIDEr-D": 0.600, "METEOR-1.5 (exact+stem+synonym+paraphrase)": 0.195,
  ]

  @Test(.enabled(if: isThere, "DRAGOMAN_DATA has no metrics/coco-fakecap-1000"))
  func ourScoresRoundToThem() throws {
    let fixture = try MetricFixture(try #require(Self.folder))
    let set = try CaptionSet(
      ids: fixture.images.map(\.id), candidates: fixture.images.map(\.candidate),
      references: fixture.images.map(\.references))
    var metrics: [any CaptionMetric] = [BLEU(), ROUGEL(), CIDErD()]
    // Three decimals of METEOR take all of its stages.
    if let resources = METEORParityTests.resources, resources.stages == METEORStage.allCases {
      metrics.append(METEOR(resources: resources))
    }
    for score in Evaluation(metrics: metrics).score(set) {
      let published = try #require(Self.published[score.name])
      #expect(abs(score.corpus - published) <= 0.0005, "\(score.name)")
    }
  }
}
