import Foundation
import TestSupport
import Testing

@testable import Tokenizers

/// Ids and texts against huggingface/tokenizers: `Fixtures/tokenizer`.
struct TokenizerParityTests {
  struct Cases: Decodable {
    struct Case: Decodable {
      let text: String
      let ids: [Int32]
      let decoded: String
      let decodedSkipSpecial: String
    }

    struct Partial: Decodable {
      let ids: [Int32]
      let decoded: String
    }

    let cases: [Case]
    let partialDecode: [Partial]

    init(folder: URL) throws {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let data = try Data(contentsOf: folder.appending(path: "cases.json"))
      self = try decoder.decode(Cases.self, from: data)
    }
  }

  /// The fixtures that are there (Qwen2's file is too large for the repository), then our own small
  /// ones, which always lie in the repository.
  static var folders: [URL] {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let small = tests.appending(path: "Fixtures/tokenizers-small")
    let folders =
      ["smollm2", "qwen2"].map { Fixtures.folder("tokenizer/\($0)") }
      + ["flags", "prefix", "llama3"].map { small.appending(path: $0) }
    return folders.filter {
      FileManager.default.fileExists(atPath: $0.appending(path: "tokenizer.json").path)
    }
  }

  @Test(
    "Qwen2's tokenizer is compared", .enabled(if: folders.count == 5, "its fixture is not there"))
  func qwenIsThere() { #expect(Self.folders.count == 5) }

  @Test("every text has the fixture's ids, met the first time and again", arguments: folders)
  func encoding(folder: URL) throws {
    let tokenizer = try Tokenizer(folder: folder)
    let cases = try Cases(folder: folder).cases
    try #require(cases.count > 1)
    for _ in 0..<2 {
      for expected in cases {
        #expect(
          tokenizer.encode(expected.text) == expected.ids, "\(expected.text.debugDescription)")
      }
    }
  }

  @Test("ids decode to the fixture's text, with and without special tokens", arguments: folders)
  func decoding(folder: URL) throws {
    let tokenizer = try Tokenizer(folder: folder)
    for expected in try Cases(folder: folder).cases {
      let whole = tokenizer.decode(expected.ids, skipSpecialTokens: false)
      #expect(Array(whole.unicodeScalars) == Array(expected.decoded.unicodeScalars))
      let skipped = tokenizer.decode(expected.ids)
      #expect(Array(skipped.unicodeScalars) == Array(expected.decodedSkipSpecial.unicodeScalars))
    }
  }

  @Test("ids that end inside a character decode to U+FFFD as in Rust", arguments: folders)
  func partialDecoding(folder: URL) throws {
    let tokenizer = try Tokenizer(folder: folder)
    let partial = try Cases(folder: folder).partialDecode
    try #require(!partial.isEmpty)
    for expected in partial {
      let text = tokenizer.decode(expected.ids, skipSpecialTokens: false)
      #expect(Array(text.unicodeScalars) == Array(expected.decoded.unicodeScalars))
    }
  }

  @Test("SmolLM2 ends with <|im_end|> and begins with nothing")
  func smollmTokens() throws {
    let tokenizer = try Tokenizer(folder: Fixtures.folder("tokenizer/smollm2"))
    #expect(tokenizer.beginToken == nil)
    #expect(tokenizer.declaredBeginToken == tokenizer.tokenID(of: "<|im_start|>"))
    #expect(tokenizer.endToken == tokenizer.tokenID(of: "<|im_end|>"))
    #expect(tokenizer.vocabularySize == 49152)
  }
}
