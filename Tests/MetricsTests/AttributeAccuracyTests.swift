import Configuration
import Metrics
import Testing

@Suite("Attribute accuracy")
struct AttributeAccuracyTests {
  static let pitch = ["low", "middle", "high"]
  static let place = ["top", "top left", "left"]

  private func right(
    _ caption: String, _ vocabulary: [String], _ expected: [String]
  ) throws -> Double {
    let attribute = try CaptionAttribute(
      name: "x", vocabulary: vocabulary, expected: ["a": expected])
    return try Evaluation(metrics: [AttributeAccuracy([attribute])]).score(
      candidates: ["a": caption], references: ["a": ["a tone"]])[0].corpus
  }

  @Test(
    "a caption is right if it mentions the right value and no other of the attribute",
    arguments: [
      ("A high, rising tone.", pitch, ["high"], 1), ("a tone", pitch, ["high"], 0),
      ("a high low tone", pitch, ["high"], 0), ("a low tone", pitch, ["high"], 0),
      ("a HIGH high tone", pitch, ["high"], 1), ("a highest tone", pitch, ["high"], 0),
      ("at the top left", place, ["top left"], 1), ("at the top left", place, ["top"], 0),
      ("left of the top", place, ["left", "top"], 1), ("left of it", place, ["left", "top"], 0),
      ("at the left", place, ["left"], 1), ("", pitch, ["low"], 0),
    ] as [(String, [String], [String], Double)])
  func rule(caption: String, vocabulary: [String], expected: [String], value: Double) throws {
    #expect(try right(caption, vocabulary, expected) == value)
  }

  @Test("each attribute is a metric, of the items that have it")
  func metrics() throws {
    let attributes = [
      try CaptionAttribute(
        name: "pitch", vocabulary: Self.pitch, expected: ["a": ["low"], "b": ["high"]]),
      try CaptionAttribute(
        name: "direction", vocabulary: ["rising", "falling"], expected: ["b": ["rising"]]),
    ]
    let scores = try Evaluation(metrics: [AttributeAccuracy(attributes)]).score(
      candidates: ["a": "a low falling tone", "b": "a low rising tone", "c": "high"],
      references: ["a": ["x"], "b": ["x"], "c": ["x"]])
    #expect(scores.map(\.name) == ["attribute/pitch", "attribute/direction"])
    #expect(scores.map(\.corpus) == [0.5, 1])
    #expect(scores[1].perImage[1] == 1 && scores[1].perImage[0].isNaN)
  }

  @Test("a vocabulary that can't be judged by is refused")
  func refused() {
    #expect(throws: AttributeError.twice(attribute: "x", value: "High.")) {
      try CaptionAttribute(name: "x", vocabulary: ["high", "High."], expected: [:])
    }
    #expect(throws: AttributeError.noWord(attribute: "x", value: "...")) {
      try CaptionAttribute(name: "x", vocabulary: ["..."], expected: [:])
    }
    #expect(throws: AttributeError.unknown(attribute: "x", item: "a", value: "loud")) {
      try CaptionAttribute(name: "x", vocabulary: ["soft"], expected: ["a": ["loud"]])
    }
    #expect(throws: AttributeError.nothingExpected(attribute: "x", item: "a")) {
      try CaptionAttribute(name: "x", vocabulary: ["soft"], expected: ["a": []])
    }
  }
}
