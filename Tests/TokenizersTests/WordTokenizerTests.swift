import Foundation
import Testing

@testable import Tokenizers

struct WordTokenizerTests {
  static let tokenizer = WordTokenizer(captions: ["a Red circle", "a blue  square\tcircle <unk>"])

  @Test("special tokens come first, then the words in order")
  func vocabulary() {
    #expect(
      Self.tokenizer.words == [
        "<pad>", "<s>", "</s>", "<unk>", "a", "blue", "circle", "red", "square",
      ])
    #expect(Self.tokenizer.vocabularySize == 9)
    #expect(Self.tokenizer.beginToken == 1 && Self.tokenizer.endToken == 2)
    #expect(WordTokenizer(captions: ["circle blue square", "a red a"]) == Self.tokenizer)
  }

  @Test("texts are lower-cased; a word never met is <unk>; special tokens can be skipped")
  func encoding() {
    #expect(Self.tokenizer.encode("A red  pony </s>") == [4, 7, 3, 2])
    #expect(
      Self.tokenizer.decode([1, 4, 7, 3, 2], skipSpecialTokens: false) == "<s> a red <unk> </s>")
    #expect(Self.tokenizer.decode([1, 4, 7, 2, 77, -1]) == "a red")
    #expect(Self.tokenizer.encode(" ") == [])
  }

  @Test("a written tokenizer reads back equal, whatever its words hold")
  func roundTrip() throws {
    let tokenizer = WordTokenizer(captions: ["say \"hi\" \\ été \u{1}x e\u{301}te\u{301}"])
    try inTemporaryFolder { folder in
      let file = folder.appending(path: "tokenizer.json")
      try tokenizer.write(to: file)
      let read = try WordTokenizer(file: file)
      #expect(read.digestContent == tokenizer.digestContent)
      #expect(read.vocabularySize == 10)
      #expect(
        try readTokenizer(folder: folder).encode("hi \"hi\"") == tokenizer.encode("hi \"hi\""))
    }
  }

  @Test("another tokenizer's file, and a vocabulary with holes, are refused")
  func refusals() throws {
    try inTemporaryFolder { folder in
      let file = folder.appending(path: "tokenizer.json")
      try Self.tokenizer.write(to: file)
      let text = try String(contentsOf: file, encoding: .utf8)
      for (old, new) in [
        ("WordLevel", "Unigram"), ("Lowercase", "NFC"), ("\"red\": 7", "\"red\": 9"),
        ("\"<s>\": 1,\n", "\"<z>\": 1,\n"),
      ] {
        let changed = text.replacingOccurrences(of: old, with: new)
        #expect(changed != text)
        try Data(changed.utf8).write(to: file)
        #expect(throws: TokenizerError.self) { try WordTokenizer(file: file) }
      }
    }
  }
}
