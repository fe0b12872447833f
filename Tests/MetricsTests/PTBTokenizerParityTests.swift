import Foundation
import Metrics
import TestSupport
import Testing

@Suite struct PTBTokenizerParityTests {
  @Test(arguments: MetricFixture.folders)
  func captionsGetTheTokensOfPycocoevalcap(folder: URL) throws {
    let fixture = try MetricFixture(folder)
    let candidates = PTBTokenizer().tokenize(fixture.images.map(\.candidate))
    for (image, tokens) in zip(fixture.images, candidates) {
      #expect(tokens == image.tokenizedCandidate, "candidate of \(image.id)")
    }
    let references = PTBTokenizer().tokenize(fixture.images.flatMap(\.references))
    for (tokens, expected) in zip(references, fixture.images.flatMap(\.tokenizedReferences)) {
      #expect(tokens == expected)
    }
  }

  @Test(arguments: MetricFixture.folders(in: Fixtures.folder("metrics"), with: "changed.json"))
  func everyListedWordIsSplitAsTheStanfordTokenizerDoes(folder: URL) throws {
    let url = folder.appending(path: "changed.json")
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
    let lists = try #require(json as? [String: [String: Any]])
    for (name, list) in lists {
      let changed = try #require(list["changed"] as? [String: String])
      #expect(!changed.isEmpty)
      let words = changed.keys.sorted()
      // The list was made from lines: a line feed follows each word.
      let tokens = words.map { PTBTokenizer(keepsPunctuation: true).tokenize([$0, ""])[0] }
      for (word, tokens) in zip(words, tokens) {
        #expect(tokens == changed[word], "\(word) of \(name)")
      }
    }
  }
}
