import Metrics
import Testing

@Suite struct MetricChoiceTests {
  @Test func everyNameMakesItsMetric() throws {
    let set = try CaptionSet(ids: ["1"], candidates: ["a dog"], references: [["a dog runs"]])
    let names = try MetricChoice.allCases.map { choice in
      try choice.make(stages: [.stem, .exact]).scores(for: set)[0].name
    }
    #expect(
      names == [
        "BLEU-1", "METEOR-1.5 (exact+stem)", "ROUGE-L", "CIDEr-D", "METEOR-NLTK (exact+stem)",
        "accuracy",
      ])
    #expect(
      MetricChoice.allCases.map(\.rawValue) == [
        "bleu", "meteor", "rouge_l", "cider_d", "nltk_meteor", "accuracy",
      ])
  }

  @Test func aStageWithoutItsDataIsRefused() {
    #expect(throws: METEORDataError.self) { try MetricChoice.meteor.make(stages: [.synonym]) }
  }

  @Test func dataAreNeededByLaterStagesOnly() {
    #expect(!MetricChoice.meteor.needsResources(stages: [.exact, .stem]))
    #expect(MetricChoice.meteor.needsResources(stages: [.exact, .synonym]))
    #expect(MetricChoice.meteor.needsResources(stages: nil))
    #expect(!MetricChoice.ciderD.needsResources(stages: nil))
  }
}
