import Configuration
import Foundation

/// A vocabulary of whole words, made from captions: for data whose grammar is small.
///
/// Texts are lower-cased and split at white space. Ids 0 to 3 are `<pad>`, `<s>`, `</s>` and `<unk>`;
/// the words follow in the order of their bytes. The file it writes is read by
/// huggingface/tokenizers, with the same ids.
public struct WordTokenizer: TextTokenizer, Equatable {
  static let specialTokens = ["<pad>", "<s>", "</s>", "<unk>"]

  /// The word of each id.
  public let words: [String]
  private let ids: [Word: Int32]

  /// Compares bytes: Swift's `String` takes canonically equivalent words for equal.
  private struct Word: Hashable {
    let bytes: [UInt8]
    init(_ text: String) { bytes = Array(text.utf8) }
  }

  /// The words of `captions`, whatever their order.
  public init(captions: [String]) {
    var found: Set<Word> = []
    for caption in captions { found.formUnion(Self.split(caption).map(Word.init)) }
    let sorted = found.subtracting(Self.specialTokens.map(Word.init))
      .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    self.init(words: Self.specialTokens + sorted.map { String(decoding: $0.bytes, as: UTF8.self) })
  }

  private init(words: [String]) {
    self.words = words
    ids = Dictionary(
      words.enumerated().map { (Word($0.element), Int32($0.offset)) },
      uniquingKeysWith: { first, _ in first })
  }

  public var beginToken: Int32? { 1 }
  public var endToken: Int32? { 2 }
  public var unknownToken: Int32 { 3 }
  public var vocabularySize: Int { words.count }
  public var digestContent: [UInt8] { Array(words.joined(separator: "\n").utf8) }

  public func tokenID(of token: String) -> Int32? { ids[Word(token)] }

  public func encode(_ text: String) -> [Int32] {
    Self.split(text).map { ids[Word($0)] ?? unknownToken }
  }

  public func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String {
    ids.filter { id in
      words.indices.contains(Int(id))
        && !(skipSpecialTokens && id < Int32(Self.specialTokens.count))
    }.map { words[Int($0)] }.joined(separator: " ")
  }

  private static func split(_ text: String) -> [String] {
    text.lowercased().unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }
  }
}

extension WordTokenizer {
  /// Reads a `tokenizer.json` that ``write(to:)`` wrote.
  ///
  /// - Throws: ``TokenizerError`` if the file is absent, damaged, or describes another tokenizer.
  public init(file: URL) throws(TokenizerError) {
    try self.init(TokenizerReader(file: file))
  }

  init(_ reader: TokenizerReader) throws(TokenizerError) {
    let model = reader.root["model"]
    guard model?["type"]?.string == "WordLevel" else {
      throw reader.unsupported("model.type", model?["type"], "\"WordLevel\"")
    }
    guard reader.root["normalizer"]?["type"]?.string == "Lowercase" else {
      throw reader.unsupported("normalizer", reader.root["normalizer"]?["type"], "Lowercase")
    }
    guard reader.root["pre_tokenizer"]?["type"]?.string == "WhitespaceSplit" else {
      throw reader.unsupported(
        "pre_tokenizer", reader.root["pre_tokenizer"]?["type"], "WhitespaceSplit")
    }
    let members = model?["vocab"]?.object ?? []
    var words = [String?](repeating: nil, count: members.count)
    for member in members {
      guard let id = member.value.int, words.indices.contains(id), words[id] == nil else {
        throw reader.malformed(
          "model.vocab must number its \(members.count) words from 0 on, each once; "
            + "\"\(member.key)\" has \(member.value.shown)")
      }
      words[id] = member.key
    }
    let known = words.compactMap { $0 }
    guard Array(known.prefix(Self.specialTokens.count)) == Self.specialTokens else {
      throw reader.malformed("ids 0 to 3 must be \(Self.specialTokens.joined(separator: ", "))")
    }
    self.init(words: known)
  }

  /// Writes a `tokenizer.json`, replacing the file as a whole.
  public func write(to file: URL) throws {
    try Data(json.utf8).write(to: file, options: .atomic)
  }

  private var json: String {
    let added = Self.specialTokens.enumerated().map { id, token in
      """
          {"id": \(id), "content": \(JSONValue.quoted(token)), "single_word": false, "lstrip": false, \
      "rstrip": false, "normalized": false, "special": true}
      """
    }
    let vocabulary = words.enumerated().map {
      "      \(JSONValue.quoted($0.element)): \($0.offset)"
    }
    return """
      {
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [
      \(added.joined(separator: ",\n"))
        ],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": null,
        "decoder": null,
        "model": {
          "type": "WordLevel",
          "unk_token": "<unk>",
          "vocab": {
      \(vocabulary.joined(separator: ",\n"))
          }
        }
      }

      """
  }
}

/// Reads the tokenizer of a model folder: byte-level BPE or words, as its `tokenizer.json` says.
///
/// - Parameter settingsFolder: the folder whose `tokenizer_config.json` and the like name begin and end
///   tokens and the chat template, if not the same.
/// - Throws: ``TokenizerError`` if there is none, or it is of another kind.
public func readTokenizer(
  folder: URL, settingsOf settingsFolder: URL? = nil
) throws(TokenizerError) -> any TextTokenizer {
  let reader = try TokenizerReader(file: folder.appending(path: "tokenizer.json"))
  if reader.root["model"]?["type"]?.string == "WordLevel" { return try WordTokenizer(reader) }
  return try Tokenizer(reader, folder: settingsFolder ?? folder)
}
