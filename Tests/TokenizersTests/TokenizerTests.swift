import Foundation
import Testing

@testable import Tokenizers

struct TokenizerTests {
  /// A vocabulary of the letters a to d, the space and three merges.
  static var members: [String: Any] {
    [
      "added_tokens": [
        ["id": 9, "content": "<end>", "special": true, "normalized": false]
      ],
      "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false, "use_regex": true],
      "decoder": ["type": "ByteLevel"],
      "model": [
        "type": "BPE",
        "vocab": ["a": 0, "b": 1, "c": 2, "d": 3, "Ġ": 4, "ab": 5, "cd": 6, "abcd": 7, "Ġab": 8],
        "merges": ["a b", "c d", "ab cd", "Ġ ab"],
      ],
    ]
  }

  static func read(_ members: [String: Any], beside: [String: String] = [:]) throws -> Tokenizer {
    try inTemporaryFolder { folder in
      let data = try JSONSerialization.data(withJSONObject: members)
      try data.write(to: folder.appending(path: "tokenizer.json"))
      for (name, text) in beside { try Data(text.utf8).write(to: folder.appending(path: name)) }
      return try Tokenizer(folder: folder)
    }
  }

  @Test("merges apply by rank, and added tokens are found in the text")
  func encoding() throws {
    let tokenizer = try Self.read(Self.members)
    #expect(tokenizer.encode("abcd ab<end>ba") == [7, 8, 9, 1, 0])
    #expect(tokenizer.encode("") == [])
    #expect(tokenizer.decode([7, 8, 9, 99, -1], skipSpecialTokens: false) == "abcd ab<end>")
    #expect(tokenizer.decode([7, 8, 9]) == "abcd ab")
    #expect(tokenizer.vocabularySize == 10)
    #expect(tokenizer.tokenID(of: "Ġab") == 8)
    #expect(tokenizer.tokenID(of: "<end>") == 9)
    #expect(tokenizer.tokenID(of: "x") == nil)
  }

  @Test("the queue gives the merges of the scan, for words of any length")
  func queueEqualsScan() throws {
    let tokenizer = try Self.read(Self.members)
    let model = tokenizer.parts.model
    var state: UInt64 = 1
    for length in 0..<200 {
      var scanned = (0..<length).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int32(state >> 60) % 5
      }
      var queued = scanned
      model.mergeByScanning(&scanned)
      model.mergeByQueue(&queued)
      #expect(scanned == queued)
    }
  }

  @Test("begin and end tokens come from the files beside tokenizer.json, names before ids")
  func folderSettings() throws {
    let plain = try Self.read(Self.members)
    #expect(plain.endToken == nil && plain.beginToken == nil)
    let named = try Self.read(
      Self.members,
      beside: [
        "tokenizer_config.json":
          #"{"bos_token": {"content": "a"}, "eos_token": "<end>", "add_bos_token": true}"#,
        "generation_config.json": #"{"eos_token_id": [3, 9]}"#,
      ])
    #expect(named.beginToken == 0)
    #expect(named.endTokens == [9, 3])
    let numbered = try Self.read(
      Self.members, beside: ["config.json": #"{"bos_token_id": 2, "eos_token_id": 3}"#])
    #expect(numbered.beginToken == nil && numbered.declaredBeginToken == 2)
    #expect(numbered.endToken == 3)
  }

  @Test("a name that is no token is an error that names the file")
  func unknownEndToken() {
    let error = #expect(throws: TokenizerError.self) {
      try Self.read(
        Self.members, beside: ["tokenizer_config.json": #"{"eos_token": "<stop>"}"#])
    }
    #expect(error?.description.contains("tokenizer_config.json: eos_token \"<stop>\"") == true)
  }

  static let refusals: [(path: [String], value: String, words: String)] = [
    (["model", "type"], #""Unigram""#, "model.type is \"Unigram\""),
    (["model", "dropout"], "0.1", "model.dropout"),
    (["model", "end_of_word_suffix"], #""</w>""#, "model.end_of_word_suffix"),
    (["model", "byte_fallback"], "true", "model.byte_fallback"),
    (["model", "unk_token"], #""<unk>""#, "unk_token"),
    (["model", "merges"], #"["a b c"]"#, "model.merges[0]"),
    (["model", "merges"], #"["a z"]"#, "model.merges[0]"),
    (["model", "merges"], "1", "model.merges"),
    (["model", "vocab"], #"{"a": -1}"#, "model.vocab[\"a\"]"),
    (["model", "vocab"], #"{"a": 99999999999}"#, "model.vocab[\"a\"]"),
    (["model", "vocab"], "{}", "model.vocab"),
    (["model"], "null", "\"model\" is missing"),
    (["normalizer"], #"{"type": "NFKC"}"#, "normalizer is \"NFKC\""),
    (["pre_tokenizer"], #"{"type": "Metaspace"}"#, "pre_tokenizer is \"Metaspace\""),
    (["pre_tokenizer"], #"{"type": "Digits"}"#, "holds ByteLevel"),
    (
      ["pre_tokenizer"],
      #"{"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Isolated"}"#,
      "Split.pattern"
    ),
    (["decoder"], #"{"type": "WordPiece"}"#, "decoder is \"WordPiece\""),
    (["added_tokens"], #"[{"id": 1}]"#, "added_tokens[0]"),
  ]

  @Test("what is not supported is refused with its key", arguments: refusals.indices)
  func refuses(index: Int) throws {
    let (path, value, words) = Self.refusals[index]
    let json = try JSONSerialization.jsonObject(
      with: Data(value.utf8), options: .fragmentsAllowed)
    var members = Self.members
    if path.count == 2 {
      var inner = try #require(members[path[0]] as? [String: Any])
      inner[path[1]] = json
      members[path[0]] = inner
    } else {
      members[path[0]] = json
    }
    let error = #expect(throws: TokenizerError.self) { try Self.read(members) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("tokenizer.json") == true)
  }

  @Test(
    "text that is not JSON is refused with its line",
    arguments: [
      ("{\n\"a\": 1,\n}", 3), ("", 1), ("{\"a\": \"\\ud800\"}", 1), ("[1, 2", 1), ("{} x", 1),
    ])
  func notJSON(text: String, line: Int) throws {
    try inTemporaryFolder { folder in
      let file = folder.appending(path: "tokenizer.json")
      try Data(text.utf8).write(to: file)
      let error = #expect(throws: TokenizerError.self) { try Tokenizer(file: file) }
      guard case .malformed(_, let found, _)? = error else {
        Issue.record("\(error?.description ?? "no error")")
        return
      }
      #expect(found == line)
    }
  }

  @Test("normalisation sorts the marks of signs that decompose")
  func canonicalComposition() {
    #expect(
      Array("\u{F73}\u{F73}".canonicallyComposed.unicodeScalars.map(\.value))
        == [0xF71, 0xF71, 0xF72, 0xF72])
    #expect(
      Array("e\u{301}\u{F75}".canonicallyComposed.unicodeScalars.map(\.value))
        == [0xE9, 0xF71, 0xF74])
  }

  @Test("an absent file is named")
  func absentFile() {
    let error = #expect(throws: TokenizerError.self) {
      try Tokenizer(folder: URL(filePath: "/nowhere"))
    }
    #expect(error?.description == "/nowhere/tokenizer.json: cannot be read: no such file")
  }

  @Test("threads that share a tokenizer get the ids of one thread")
  func concurrency() async throws {
    let tokenizer = try Self.read(Self.members)
    let texts = (0..<500).map { "abcd ab \(String(repeating: "ab", count: $0 % 40)) dcba" }
    let expected = texts.map(tokenizer.encode)
    await withTaskGroup(of: [[Int32]].self) { group in
      for _ in 0..<4 { group.addTask { texts.map(tokenizer.encode) } }
      for await ids in group { #expect(ids == expected) }
    }
  }
}

/// Runs `body` with a new folder that is removed afterwards.
func inTemporaryFolder<Value>(_ body: (URL) throws -> Value) throws -> Value {
  let folder = FileManager.default.temporaryDirectory.appending(path: "dragoman-\(UUID())")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}
