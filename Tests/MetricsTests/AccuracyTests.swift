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

@Suite("Accuracy by kind of question")
struct AccuracyByKindTests {
  static let candidates: [Identifier: String] = [
    "1#0": "red", "1#1": "circle", "2#0": "red", "2#1": "square", "3#0": "blue", "4#0": "no idea",
  ]
  static let references: [Identifier: [String]] = [
    "1#0": ["red"], "1#1": ["circle"], "2#0": ["green"], "2#1": ["square"], "3#0": ["blue"],
    "4#0": ["a red circle"],
  ]
  static let kinds: [Identifier: String] = [
    "1#0": "color", "1#1": "shape", "2#0": "color", "2#1": "shape", "3#0": "color",
  ]

  static func scores() throws -> [MetricScores] {
    try Evaluation(metrics: [Accuracy()]).score(
      candidates: candidates, references: references, kinds: kinds)
  }

  @Test("each kind is a metric of its own, of the questions of that kind alone")
  func values() throws {
    let scores = try Self.scores()
    #expect(scores.map(\.name) == ["accuracy", "accuracy/color", "accuracy/shape"])
    #expect(zip(scores.map(\.corpus), [4.0 / 6, 2.0 / 3, 1]).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(scores[1].perImage.map { $0.isNaN } == [false, true, false, true, false, true])
  }

  @Test("questions on one image are one item; the corpus value stays the share of all questions")
  func grouped() throws {
    let scores = try Self.scores().map { $0.grouped([[0, 1], [2, 3], [4], [5]]) }
    #expect(abs(scores[0].corpus - 4.0 / 6) < 1e-15, "and not the mean of images, 0.625")
    #expect(scores[0].perImage == [1, 0.5, 1, 0])
    #expect(scores[2].perImage[0...1] == [1, 1] && scores[2].perImage[2].isNaN)
  }

  @Test("a resample without a question of a kind is left out of its interval")
  func rareKind() throws {
    let scores = try Self.scores().map { $0.grouped([[0, 1], [2, 3], [4], [5]]) }
    let estimates = Bootstrap(resamples: 400).resample(scores.map { NestedScores($0) }).estimates
    for estimate in estimates {
      #expect(estimate.ci95.lower >= 0 && estimate.ci95.upper <= 1)
      #expect(estimate.ci95.lower <= estimate.value && estimate.value <= estimate.ci95.upper)
      #expect(estimate.standardError.isFinite)
    }
    #expect(estimates[2].ci95 == Interval(lower: 1, upper: 1), "all its answers are right")
    #expect(estimates[2].wilson95 == Proportions.wilson(successes: 2, of: 2))
  }

  @Test("a share is resampled as successes over trials of the drawn images, folds and seeds too")
  func resampling() throws {
    let random = CounterRandom(seed: 4, purpose: 7)
    func drawn(_ seed: UInt64) -> (right: [Int], asked: [Int]) {
      let asked = (0..<30).map { random.integer(UInt64($0), below: 4) }
      let right = asked.enumerated().map { place, count in
        random.integer(1000 * (seed + 1) + UInt64(place), below: count + 1)
      }
      return (right, asked)
    }
    let runs = (0..<2).map { drawn(UInt64($0)) }
    let nested = NestedScores(
      seeds: runs.map { MetricScores(name: "m", successes: $0.right, of: $0.asked) })
    let values = Bootstrap(resamples: 50, seed: 9).values(
      of: [nested], drawing: .images, threads: 1, progress: { _ in })[0]
    let draws = CounterRandom(seed: 9, purpose: 1)
    for resample in 0..<50 {
      let images = (0..<30).map { draws.integer(UInt64(resample * 30 + $0), below: 30) }
      for (seed, run) in runs.enumerated() {
        let right = images.reduce(0) { $0 + run.right[$1] }
        let asked = images.reduce(0) { $0 + run.asked[$1] }
        #expect(abs(values[2 * resample + seed] - Double(right) / Double(asked)) < 1e-14)
      }
    }
  }

  @Test("a metric that gives several scores is known by one of them")
  func primary() throws {
    let names = [
      "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "accuracy", "accuracy/color",
      "METEOR-NLTK (exact)", "METEOR-1.5 (exact)",
    ]
    #expect(MetricChoice.bleu.primary(among: names) == 3)
    #expect(MetricChoice.accuracy.primary(among: names) == 4)
    #expect(MetricChoice.meteor.primary(among: names) == 7)
    #expect(MetricChoice.nltkMETEOR.primary(among: names) == 6)
    #expect(MetricChoice.ciderD.primary(among: names) == nil)
    let set = try CaptionSet(ids: ["1"], candidates: ["a dog"], references: [["a dog runs"]])
    for choice in MetricChoice.allCases {
      let scores = try choice.make(stages: [.exact]).scores(for: set).map(\.name)
      #expect(choice.primary(among: scores) == scores.count - 1, "\(choice)")
    }
  }
}
