import Configuration
import Foundation
import Metrics
import TestSupport
import Testing

@Suite struct EvaluationParityTests {
  @Test(arguments: MetricFixture.folders)
  func rawCaptionsGetPycocoevalcapsScores(folder: URL) throws {
    let fixture = try MetricFixture(folder)
    let set = try CaptionSet(
      ids: fixture.images.map(\.id), candidates: fixture.images.map(\.candidate),
      references: fixture.images.map(\.references))
    let scores = Evaluation().score(set)
    #expect(
      scores.map(\.name) == [
        "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR-1.5 (exact+stem)", "ROUGE-L", "CIDEr-D",
      ])
    for score in scores {
      let key = try #require(CorpusMetricsParityTests.names[score.name])
      let corpus = try #require(fixture.corpus[key])
      let tolerance = key.hasPrefix("METEOR") ? 1e-6 : 1e-9
      #expect(abs(score.corpus - corpus) <= tolerance, "\(score.name) of the corpus")
      let worst = largestDifference(score.perImage, fixture.expected(key))
      #expect(worst <= tolerance, "\(score.name) per image")
    }
  }
}

@Suite struct EvaluationTests {
  private let candidates: [Identifier: String] = [
    "1": "a dog runs", "2": "two cats", "3": "a red bus",
  ]
  private let references: [Identifier: [String]] = [
    "1": ["A dog runs fast.", "the dog runs"], "2": ["Two cats sleep"], "3": ["A red double bus"],
  ]

  @Test func imagesWithoutCandidateReferenceOrPartnerAreRefused() {
    let evaluation = Evaluation()
    #expect(throws: CaptionSetError.noCandidate(image: "3")) {
      try evaluation.score(candidates: ["1": "a", "2": "b"], references: references)
    }
    #expect(throws: CaptionSetError.unknownImage("9")) {
      try evaluation.score(
        candidates: candidates.merging(["9": "x"]) { a, _ in a }, references: references)
    }
    #expect(throws: CaptionSetError.noReference(image: "2")) {
      try evaluation.score(
        candidates: candidates, references: references.merging(["2": []]) { $1 })
    }
    #expect(throws: CaptionSetError.empty) {
      try evaluation.score(candidates: [:], references: [:])
    }
    #expect(throws: CaptionSetError.duplicate(image: "a")) {
      try CaptionSet(ids: ["a", "a"], candidates: ["x", "y"], references: [["x"], ["y"]])
    }
  }

  @Test func givenDocumentFrequenciesOfTheSameSetChangeNothing() throws {
    let set = try Evaluation().captionSet(candidates: candidates, references: references)
    let own = CIDErD().scores(for: set)[0]
    let frequencies = DocumentFrequencies(countingReferencesOf: set, source: "all.json")
    let given = CIDErD(documentFrequencies: frequencies).scores(for: set)[0]
    #expect(given.perImage == own.perImage)
    #expect(own.note == "document frequencies: this set's references, 3 images")
    #expect(given.note == "document frequencies: all.json, 3 images")
  }

  @Test func givenDocumentFrequenciesMakeAnImagesScoreIndependentOfTheSet() throws {
    let all = try Evaluation().captionSet(candidates: candidates, references: references)
    let frequencies = DocumentFrequencies(countingReferencesOf: all, source: "all.json")
    let part = try Evaluation().captionSet(
      candidates: candidates.filter { $0.key != "2" },
      references: references.filter { $0.key != "2" })
    let metric = CIDErD(documentFrequencies: frequencies)
    let whole = metric.scores(for: all)[0].perImage
    #expect(metric.scores(for: part)[0].perImage == [whole[0], whole[2]])
    #expect(CIDErD().scores(for: part)[0].perImage != [whole[0], whole[2]])
  }

  @Test func scoresDoNotDependOnThreads() throws {
    var many: [Identifier: String] = [:]
    var theirs: [Identifier: [String]] = [:]
    for index in 0..<600 {
      many[Identifier("\(index)")] = "a \(["dog", "cat", "bus"][index % 3]) number \(index % 7)"
      theirs[Identifier("\(index)")] = [
        "the \(["dog", "cat", "man"][index % 3]) number \(index % 5)"
      ]
    }
    let one = try Evaluation(threads: 1).score(candidates: many, references: theirs)
    let four = try Evaluation(threads: 4).score(candidates: many, references: theirs)
    #expect(one.map(\.perImage) == four.map(\.perImage))
    #expect(one.map(\.corpus) == four.map(\.corpus))
  }
}
