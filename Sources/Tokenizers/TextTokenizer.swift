/// Text to token ids and back: what training, generation and prompts need of a tokenizer.
///
/// ``Tokenizer`` reads Hugging Face's byte-level BPE; ``WordTokenizer`` is the small one that the
/// made-up scenes train.
public protocol TextTokenizer: Sendable {
  /// The ids of `text`, with nothing put before or after it. Special tokens that stand in the text
  /// become their ids.
  func encode(_ text: String) -> [Int32]

  /// The text of `ids`; ids that name no token are left out.
  ///
  /// With `skipSpecialTokens` tokens such as `<|im_end|>` are left out too.
  func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String

  /// The token this tokenizer puts before every sequence; `nil` if it adds none.
  var beginToken: Int32? { get }

  /// The token that ends a sequence; `nil` if the tokenizer names none.
  var endToken: Int32? { get }

  /// One more than the largest id.
  var vocabularySize: Int { get }

  /// The id of a token as the vocabulary spells it (`<|im_end|>`, `Ġthe`); `nil` if it has none.
  func tokenID(of token: String) -> Int32?

  /// Bytes that are equal for tokenizers that give equal ids: what a digest of a run covers.
  var digestContent: [UInt8] { get }
}

extension TextTokenizer {
  /// The text of `ids` without special tokens.
  public func decode(_ ids: [Int32]) -> String { decode(ids, skipSpecialTokens: true) }
}
