import Foundation
import Synchronization

/// Byte-level BPE as Hugging Face's `tokenizer.json` describes it: GPT-2, SmolLM2, Qwen2, Llama 3.
///
/// Gives the ids of huggingface/tokenizers with `add_special_tokens=False`. What the file asks for
/// and this type does not do is an error on loading, never a different id later.
public final class Tokenizer: TextTokenizer {
  /// What one file, or one folder, says.
  struct Parts: Sendable {
    var normalizesToNFC = false
    var preTokenizer = PreTokenizer(steps: [])
    var model: BytePairModel
    var vocabulary: ByteTable
    /// The id of each string of `vocabulary`, by its index.
    var vocabularyIDs: [Int32]
    /// What each id decodes to; `nil` for ids that name no token.
    var decoded: [[UInt8]?]
    var addedTokens: [AddedToken] = []
    /// Ids that the file's post-processor puts in front of a sequence.
    var prefix: [Int32] = []
    var content: [UInt8] = []
  }

  let parts: Parts
  private let rawTokens: AddedTokenFinder
  private let normalizedTokens: AddedTokenFinder
  private let addedIDs: [String: Int32]
  private let specialIDs: Set<Int32>
  private let words = Mutex(WordCache())

  public let beginToken: Int32?
  public let endToken: Int32?
  /// Every token that ends a generated text: `generation_config.json` may name several.
  public let endTokens: [Int32]
  /// The token that the folder names as `bos_token`, whether or not it is added to sequences.
  public let declaredBeginToken: Int32?
  /// How messages are rendered; `nil` if the folder has no chat template.
  public let chatTemplate: ChatTemplate?

  init(_ parts: Parts, settings: FolderSettings) {
    self.parts = parts
    let normalizesToNFC = parts.normalizesToNFC
    rawTokens = AddedTokenFinder(parts.addedTokens.filter { !$0.isNormalized })
    normalizedTokens = AddedTokenFinder(parts.addedTokens.filter(\.isNormalized)) {
      normalizesToNFC ? $0.canonicallyComposed : $0
    }
    addedIDs = Dictionary(parts.addedTokens.map { ($0.content, $0.id) }) { first, _ in first }
    specialIDs = Set(parts.addedTokens.filter(\.isSpecial).map(\.id))
    beginToken =
      settings.addsBeginToken ?? !parts.prefix.isEmpty
      ? parts.prefix.first ?? settings.beginToken : nil
    declaredBeginToken = settings.beginToken ?? parts.prefix.first
    endTokens = settings.endTokens
    endToken = settings.endTokens.first
    chatTemplate = settings.chatTemplate
  }

  public var vocabularySize: Int { parts.decoded.count }

  public var digestContent: [UInt8] {
    parts.content + Array("\nbegin \(beginToken ?? -1) end \(endTokens)".utf8)
  }

  public func tokenID(of token: String) -> Int32? {
    if let id = addedIDs[token] { return id }
    return parts.vocabulary.index(of: token).map { parts.vocabularyIDs[$0] }
  }

  /// The ids of `text`.
  ///
  /// Expected O(bytes): words met before come from a cache.
  public func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    // Another thread at work leaves this one without the cache, which changes no id.
    let done: Void? = words.withLockIfAvailable { cache in
      encode(text, into: &ids, cache: &cache)
    }
    if done == nil {
      var cache = WordCache()
      encode(text, into: &ids, cache: &cache)
    }
    return ids
  }

  public func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String {
    var bytes: [UInt8] = []
    for id in ids {
      guard id >= 0, id < parts.decoded.count, let token = parts.decoded[Int(id)] else { continue }
      if skipSpecialTokens, specialIDs.contains(id) { continue }
      bytes.append(contentsOf: token)
    }
    // Swift repairs invalid UTF-8 as Rust's from_utf8_lossy does: one U+FFFD for each maximal part.
    return String(decoding: bytes, as: UTF8.self)
  }

  private func encode(_ text: String, into ids: inout [Int32], cache: inout WordCache) {
    var text = text
    text.withUTF8 { buffer in
      let bytes = TextBytes(buffer)
      for piece in rawTokens.pieces(of: bytes, 0..<buffer.count) {
        if let token = piece.token {
          ids.append(token)
        } else if parts.normalizesToNFC, buffer[piece.range].contains(where: { $0 >= 0xCC }) {
          // Below U+0300, whose UTF-8 begins with 0xCC, every text is its own NFC.
          let plain = String(decoding: buffer[piece.range], as: UTF8.self)
          var normalized = plain.canonicallyComposed
          normalized.withUTF8 {
            encodeNormalized(TextBytes($0), 0..<$0.count, into: &ids, cache: &cache)
          }
        } else {
          encodeNormalized(bytes, piece.range, into: &ids, cache: &cache)
        }
      }
    }
  }

  private func encodeNormalized(
    _ text: TextBytes, _ range: Range<Int>, into ids: inout [Int32], cache: inout WordCache
  ) {
    if normalizedTokens.isEmpty { return encodeWords(text, range, into: &ids, cache: &cache) }
    for piece in normalizedTokens.pieces(of: text, range) {
      if let token = piece.token {
        ids.append(token)
      } else {
        encodeWords(text, piece.range, into: &ids, cache: &cache)
      }
    }
  }

  private func encodeWords(
    _ text: TextBytes, _ range: Range<Int>, into ids: inout [Int32], cache: inout WordCache
  ) {
    if parts.preTokenizer.addsPrefixSpace, text.bytes[range.lowerBound] != UInt8(ascii: " ") {
      let spaced = [UInt8(ascii: " ")] + text.bytes[range]
      spaced.withUnsafeBufferPointer {
        cutWords(TextBytes($0), 0..<$0.count, into: &ids, cache: &cache)
      }
    } else {
      cutWords(text, range, into: &ids, cache: &cache)
    }
  }

  private func cutWords(
    _ text: TextBytes, _ range: Range<Int>, into ids: inout [Int32], cache: inout WordCache
  ) {
    parts.preTokenizer.forEachWord(in: text, range) { word in
      let bytes = UnsafeBufferPointer(rebasing: text.bytes[word])
      cache.append(bytes, to: &ids, encodedBy: parts.model)
    }
  }
}

/// The ids of words met before.
struct WordCache: Sendable {
  private var words = ByteTable()
  private var ids: [Int32] = []
  /// End of each word's ids in `ids`.
  private var ends: [Int] = []

  /// Words that are kept before all are forgotten, and their longest length in bytes.
  static let capacity = 1 << 16
  static let longestWord = 64

  mutating func append(
    _ word: UnsafeBufferPointer<UInt8>, to output: inout [Int32], encodedBy model: BytePairModel
  ) {
    guard word.count <= Self.longestWord else { return model.encode(word, into: &output) }
    if let index = words.index(of: word) {
      output.append(contentsOf: ids[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
      return
    }
    if words.count >= Self.capacity { self = WordCache() }
    let start = output.count
    model.encode(word, into: &output)
    words.insert(word)
    ids.append(contentsOf: output[start...])
    ends.append(ids.count)
  }
}
