import Foundation
import Metrics
import Synchronization
import Testing

@Suite struct ScoreReportTests {
  private let folder: TemporaryFolder
  private let references: String

  init() throws {
    folder = try TemporaryFolder()
    references = try folder.write(
      "captions.json",
      """
      {"info": {"year": 2014, "nested": [1, {"a": null}]},
       "images": [{"id": 2, "file_name": "b.jpg"}, {"id": 1, "file_name": "a.jpg"}],
       "annotations": [
        {"image_id": 1, "id": 10, "caption": "A dog runs on grass."},
        {"image_id": 2, "id": 11, "caption": "Two cats \\u2013 \\"asleep\\""},
        {"image_id": 1, "id": 12, "caption": "the dog is running"}]}
      """)
  }

  private func testOptions() -> ScoreReport.Options {
    var options = ScoreReport.Options(metrics: Evaluation.standardMetrics, threads: 1)
    options.resamples = 200
    return options
  }

  private func candidates(_ name: String, _ content: String) throws -> String {
    try folder.write(name, content)
  }

  private let good = """
    [{"image_id": 1, "caption": "a dog runs"}, {"image_id": 2, "caption": "two cats sleep"}]
    """

  @Test func annotationsAndResultsAreReadInTheOrderOfTheImages() throws {
    let file = try CaptionFile(path: references, role: .references)
    #expect(file.images == ["2", "1"])
    #expect(file.captions(of: "1") == ["A dog runs on grass.", "the dog is running"])
    #expect(file.captions(of: "2") == ["Two cats – \"asleep\""])
    let report = try ScoreReport(
      references: references, candidates: [try candidates("a.json", good)], options: testOptions())
    let direct = try Evaluation(threads: 1).score(
      CaptionSet(
        ids: ["2", "1"], candidates: ["two cats sleep", "a dog runs"],
        references: [file.captions[0], file.captions[1]]))
    #expect(report.candidates[0].scores.map(\.corpus) == direct.map(\.corpus))
  }

  @Test func jsonLinesGiveTheSameScores() throws {
    let lines = try folder.write(
      "references.jsonl",
      """
      {"image_id": "2", "references": ["Two cats – \\"asleep\\""]}
      {"image_id": "1", "caption": "A dog runs on grass."}
      {"image_id": "1", "caption": "the dog is running"}

      """)
    let results = try candidates(
      "a.jsonl",
      """
      {"image": 2, "caption": "two cats sleep", "extra": [1, "x"]}
      {"image": 1, "captions": {"untrained": "zzz", "trained": "a dog runs"}}
      """)
    let a = try ScoreReport(references: lines, candidates: [results], options: testOptions())
    let b = try ScoreReport(
      references: references, candidates: [try candidates("a.json", good)], options: testOptions())
    #expect(a.candidates[0].scores.map(\.perImage) == b.candidates[0].scores.map(\.perImage))
  }

  @Test func jsonHasCorpusAndImageValuesUnderTheMetricsNames() throws {
    var options = testOptions()
    options.intervals = true
    let report = try ScoreReport(
      references: references, candidates: [try candidates("a.json", good)], options: options)
    let json = try JSONSerialization.jsonObject(with: Data(report.json.utf8))
    let object = try #require(json as? [String: [String: Any]])
    let corpus = try #require(object["corpus"] as? [String: Double])
    for score in report.candidates[0].scores {
      #expect(abs((corpus[score.name] ?? .nan) - score.corpus) < 1e-12)
    }
    #expect(corpus.count == report.candidates[0].scores.count)
    #expect(object["diversity"]?["vocabulary size"] as? Double == 6)
    let image = try #require(object["per_image"]?["1"] as? [String: Double])
    let value = try #require(report.candidates[0].scores.last?.perImage[1])
    #expect(abs((image["CIDEr-D"] ?? .nan) - value) < 1e-12)
    let interval = try #require(object["ci95"]?["BLEU-1"] as? [Double])
    #expect(interval.count == 2 && interval[0] <= interval[1])
  }

  @Test func severalFilesAreComparedOnEveryMetric() throws {
    let other = try candidates(
      "b.json", "[{\"image_id\": 1, \"caption\": \"x\"}, {\"image_id\": 2, \"caption\": \"y\"}]")
    let report = try ScoreReport(
      references: references, candidates: [try candidates("a.json", good), other],
      options: testOptions())
    #expect(report.comparisons.count == report.candidates[0].scores.count)
    let first = try #require(report.comparisons.first)
    #expect(first.a == "a.json" && first.b == "b.json")
    #expect(first.result.difference > 0)
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
    #expect(Set(object.keys) == ["candidates", "comparisons"])
    #expect(report.text.contains("p (Holm)"))
    let rows = report.csv.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(rows[0] == "candidates,metric,value,ci95_lower,ci95_upper")
    #expect(rows.contains { $0.hasPrefix("a.json,b.json,BLEU-1,") })
  }

  @Test func missingImagesAreNamedUnlessASubsetIsAskedFor() throws {
    let part = try candidates("part.json", "[{\"image_id\": 1, \"caption\": \"a dog runs\"}]")
    #expect(throws: CaptionFileError.missing(file: part, images: ["2"])) {
      try ScoreReport(references: references, candidates: [part], options: testOptions())
    }
    var options = testOptions()
    options.subset = true
    let report = try ScoreReport(references: references, candidates: [part], options: options)
    #expect(report.images == ["1"])
  }

  @Test(arguments: [
    ("[{\"image_id\": 1, \"caption\": \"a\"},\n{\"image_id\": 1, \"caption\": \"b\"}]", "second"),
    ("[{\"image_id\": 7, \"caption\": \"a\"}]", "has image 7, which"),
    ("[{\"image_id\": 1}]", "image 1 has no caption"),
    ("[{\"caption\": \"a\"}]", "a record without image_id"),
    ("[]", "holds no caption"), ("", "holds no caption"), ("x", "expected \"{\" or \"[\""),
    ("[{\"image_id\": 1, \"caption\": \"a\nb\"}]", "control character"),
    ("[{\"image_id\": 1, \"caption\": \"\\ud83d\"}]", "half a surrogate pair"),
    ("[{\"image_id\": 1, \"caption\": \"a\"}", "expected \",\" or \"]\""),
    ("[{\"image_id\": 1, \"caption\": \"a", "not closed"),
    ("[{\"image_id\": 1 \"caption\": \"a\"}]", "expected \",\" or \"}\""),
  ])
  func wrongCandidateFilesAreRefusedInOneSentence(content: String, message: String) throws {
    let file = try candidates("wrong.json", content)
    let error = #expect(throws: (any Error).self) {
      try ScoreReport(references: references, candidates: [file], options: testOptions())
    }
    let text = "\(try #require(error))"
    #expect(text.contains(message))
    #expect(text.contains("wrong.json"))
    #expect(!text.contains("\n"))
  }

  @Test func nestingThatWouldExhaustTheStackIsRefused() throws {
    let deep = "[{\"image_id\": 1, \"x\": " + String(repeating: "[", count: 1_000_000)
    let file = try candidates("deep.json", deep)
    let error = #expect(throws: CaptionFileError.self) {
      try CaptionFile(path: file, role: .candidates)
    }
    #expect("\(try #require(error))".contains("nested more than 100 deep"))
  }

  @Test func progressNeverGoesBackAndEndsAtOne() throws {
    let shares = Mutex<[Double]>([])
    var options = testOptions()
    options.intervals = true
    let other = try candidates(
      "b.json", "[{\"image_id\": 1, \"caption\": \"x\"}, {\"image_id\": 2, \"caption\": \"y\"}]")
    _ = try ScoreReport(
      references: references, candidates: [try candidates("a.json", good), other],
      options: options
    ) { share, _ in shares.withLock { $0.append(share) } }
    let seen = shares.withLock { $0 }
    #expect(seen == seen.sorted())
    #expect(seen.first == 0 && seen.last == 1)
    #expect(seen.count > 15)
  }

  @Test func brokenUTF8IsRefusedWithItsLine() throws {
    let file = try folder.write(
      "latin1.json",
      Array("[{\"image_id\": 1,\n \"caption\": \"caf".utf8) + [0xe9] + Array("\"}]".utf8))
    #expect(throws: CaptionFileError.notUTF8(file: file, line: 2)) {
      try CaptionFile(path: file, role: .candidates)
    }
  }

  @Test func imagesWithoutReferenceAreRefused() throws {
    let empty = try folder.write(
      "empty.json",
      "{\"images\": [{\"id\": 1}], \"annotations\": []}")
    let file = try candidates("a.json", "[{\"image_id\": 1, \"caption\": \"a\"}]")
    #expect(throws: CaptionFileError.noReference(file: empty, images: ["1"])) {
      try ScoreReport(references: empty, candidates: [file], options: testOptions())
    }
  }

  @Test func emojiAndEscapesArriveWhole() throws {
    let file = try candidates(
      "emoji.json", "[{\"image_id\": \"x/y\", \"caption\": \"a \\ud83d\\udc36\\t\\u00e9\\/\"}]")
    #expect(try CaptionFile(path: file, role: .candidates).captions == [["a 🐶\té/"]])
  }

  @Test func writtenDocumentFrequenciesAreReadBack() throws {
    let set = try CaptionSet(
      ids: ["1", "2"], candidates: ["", ""], references: [["a dog", "the dog"], ["a dog runs"]])
    let counted = DocumentFrequencies(countingReferencesOf: set, source: "x")
    let path = folder.url.appending(path: "idf.tsv").path
    try counted.write(to: path)
    let read = try DocumentFrequencies(path: path)
    #expect(read.images == 2)
    #expect(read.counts == counted.counts)
    #expect(read.counts["dog"] == 2 && read.counts["the dog"] == 1 && read.counts["a dog"] == 2)
    let wrong = try folder.write("wrong.tsv", "a\tb\n")
    #expect(throws: CaptionFileError.self) { try DocumentFrequencies(path: wrong) }
  }
}

@Suite struct CaptionDiversityTests {
  @Test func aCaptionerThatSaysOneThingIsSeenAtOnce() throws {
    let set = try CaptionSet(
      ids: ["1", "2", "3"], candidates: ["a dog runs", "a dog runs", "a cat"],
      references: [["x"], ["y"], ["z"]])
    let diversity = CaptionDiversity(CountedCaptions(set))
    #expect(diversity.distinct1 == 4.0 / 8)
    #expect(diversity.distinct2 == 3.0 / 5)
    #expect(diversity.meanLength == 8.0 / 3)
    #expect(diversity.vocabularySize == 4)
    #expect(diversity.distinctCaptions == 2.0 / 3)
  }
}
