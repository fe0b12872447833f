import Configuration
import Metrics
import Testing

@Suite("Accuracy")
struct AccuracyTests {
  @Test(
    "an answer is right if it is one of the references, punctuation and case aside",
    arguments: [
      ("red", ["red"], 1), ("Red.", ["blue", "red"], 1), ("a red circle", ["red circle"], 0),
      ("circle red", ["red circle"], 0), ("red", ["red circle"], 0), ("", ["red"], 0),
    ] as [(String, [String], Double)])
  func rule(answer: String, references: [String], value: Double) throws {
    let scores = try Evaluation(metrics: [Accuracy()]).score(
      candidates: ["a": answer], references: ["a": references])
    #expect(scores.map(\.name) == ["accuracy"])
    #expect(scores[0].perImage == [value])
  }

  @Test("the corpus value is the share of right answers")
  func corpus() throws {
    let scores = try Evaluation(metrics: [try MetricChoice.accuracy.make()]).score(
      candidates: ["a": "red", "b": "green", "c": "blue", "d": "blue"],
      references: ["a": ["red"], "b": ["red"], "c": ["blue"], "d": ["blue"]])
    #expect(scores[0].corpus == 0.75)
  }
}
