import Configuration
import Metrics
import Testing

/// Ids and words that `String` takes for equal and that Python, Java and the file's bytes do not.
@Suite struct IdentifierTests {
  private let composed = "caf\u{e9}"
  private let decomposed = "cafe\u{301}"

  @Test func idsThatDifferInNormalisationAreTwoImages() throws {
    try #require(composed == decomposed)
    let set = try CaptionSet(
      ids: [Identifier(composed), Identifier(decomposed)], candidates: ["a dog", "a cat"],
      references: [["a dog"], ["a cat"]])
    #expect(set.count == 2)
    let scores = try Evaluation().score(
      candidates: [Identifier(composed): "a dog", Identifier(decomposed): "a cat"],
      references: [Identifier(composed): ["a dog"], Identifier(decomposed): ["two men"]])
    // In the order of bytes: e before é.
    #expect(scores[0].perImage[0] < 1e-6 && scores[0].perImage[1] > 0.99)
  }

  @Test func referencesOfTwoNormalisationsDoNotMerge() throws {
    let folder = try TemporaryFolder()
    let references = try folder.write(
      "references.jsonl",
      """
      {"image_id": "\(composed).jpg", "caption": "a dog runs"}
      {"image_id": "\(decomposed).jpg", "caption": "two cats sleep"}
      """)
    let candidates = try folder.write(
      "candidates.jsonl",
      """
      {"image_id": "\(composed).jpg", "caption": "two cats sleep"}
      {"image_id": "\(decomposed).jpg", "caption": "two cats sleep"}
      """)
    let report = try ScoreReport(
      references: references, candidates: [candidates],
      options: ScoreReport.Options(metrics: [BLEU()], threads: 1))
    #expect(report.images == [Identifier("\(composed).jpg"), Identifier("\(decomposed).jpg")])
    let values = report.candidates[0].scores[0].perImage
    #expect(values[0] < 1e-6 && values[1] > 0.99)
  }

  @Test(arguments: [
    #"{"image_id": 1, "image": "x.jpg", "id": 7, "caption": "a dog"}"#,
    #"{"image": "x.jpg", "id": 7, "image_id": 1, "caption": "a dog"}"#,
    #"{"id": 7, "caption": "a dog", "image_id": 1, "image": "x.jpg"}"#,
  ])
  func imageIDWinsInAnyOrderOfKeys(line: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("captions.jsonl", line)
    #expect(try CaptionFile(path: path, role: .candidates).images == ["1"])
  }

  @Test(arguments: [
    #"{"id": 7, "image": "x.jpg", "caption": "a dog"}"#,
    #"{"image": "x.jpg", "caption": "a dog", "id": 7}"#,
  ])
  func withoutImageIDTheImageNamesTheRecord(line: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("captions.jsonl", line)
    #expect(try CaptionFile(path: path, role: .candidates).images == ["x.jpg"])
  }

  /// Two words to pycocoevalcap: no unigram in common, and each has its own document frequency.
  @Test func wordsThatDifferInNormalisationAreTwoWords() throws {
    let set = try CaptionSet(
      ids: ["1", "2", "3"], tokenizedCandidates: [decomposed, composed, "dog"],
      references: [[composed], [composed], [decomposed]])
    let bleu = BLEU().scores(for: set)[0].perImage
    #expect(bleu[0] < 1e-6 && bleu[1] > 0.99)
    let rouge = ROUGEL().scores(for: set)[0].perImage
    #expect(rouge[0] == 0 && rouge[1] == 1)
    let meteor = METEOR().scores(for: set)[0].perImage
    #expect(meteor[0] == 0 && meteor[1] > 0)
    let frequencies = DocumentFrequencies(countingReferencesOf: set, source: "all")
    #expect(frequencies.counts[Identifier(composed)] == 2)
    #expect(frequencies.counts[Identifier(decomposed)] == 1)
    let given = CIDErD(documentFrequencies: frequencies).scores(for: set)[0]
    #expect(given.perImage == CIDErD().scores(for: set)[0].perImage)
  }

  @Test func documentFrequenciesOfBothFormsComeBackFromTheirFile() throws {
    let folder = try TemporaryFolder()
    let frequencies = DocumentFrequencies(
      source: "idf", images: 3, counts: [Identifier(composed): 2, Identifier(decomposed): 1])
    let path = folder.url.appending(path: "idf").path
    try frequencies.write(to: path)
    #expect(try DocumentFrequencies(path: path) == frequencies)
  }

  /// The Kelvin sign is a K to `String`, and `K.` an abbreviation to METEOR: K alone is one.
  @Test func aLetterThatStringTakesForAnotherIsNoAbbreviation() throws {
    let set = try CaptionSet(
      ids: ["1", "2"], tokenizedCandidates: ["\u{212a}. x", "K. x"],
      references: [["."], ["."]])
    let values = METEOR().scores(for: set)[0].perImage
    #expect(values[0] > 0 && values[1] == 0)
  }

  @Test func aBarBeforeACombiningMarkIsStillCleanedFromCandidates() throws {
    let set = try CaptionSet(
      ids: ["1"], tokenizedCandidates: ["dog |||\u{301}"], references: [["dog \u{301}"]])
    let same = try CaptionSet(
      ids: ["1"], tokenizedCandidates: ["dog \u{301}"], references: [["dog \u{301}"]])
    #expect(METEOR().scores(for: set)[0].corpus == METEOR().scores(for: same)[0].corpus)
  }
}
