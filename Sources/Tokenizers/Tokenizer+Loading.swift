import Configuration
import Foundation

extension Tokenizer {
  /// Reads `tokenizer.json` of a model folder, and what `tokenizer_config.json`,
  /// `generation_config.json`, `config.json` and `chat_template.jinja` beside it say of the begin and
  /// end tokens and of chats.
  public convenience init(folder: URL) throws(TokenizerError) {
    try self.init(TokenizerReader(file: folder.appending(path: "tokenizer.json")), folder: folder)
  }

  convenience init(_ reader: TokenizerReader, folder: URL) throws(TokenizerError) {
    let parts = try reader.parts()
    let settings = try FolderSettings(folder: folder) { token in reader.id(of: token, in: parts) }
    self.init(parts, settings: settings)
  }

  /// Reads a `tokenizer.json` alone: begin token as its post-processor says, no end token.
  public convenience init(file: URL) throws(TokenizerError) {
    self.init(try TokenizerReader(file: file).parts(), settings: FolderSettings())
  }
}

/// Turns the members of a `tokenizer.json` into ``Tokenizer/Parts``.
struct TokenizerReader {
  let file: String
  let content: [UInt8]
  let root: JSONValue

  init(file: URL) throws(TokenizerError) {
    self.file = file.path
    (content, root) = try Self.read(file)
  }

  static func read(_ file: URL) throws(TokenizerError) -> ([UInt8], JSONValue) {
    let data: Data
    do { data = try Data(contentsOf: file) } catch {
      throw .unreadable(
        file: file.path,
        reason: FileManager.default.fileExists(atPath: file.path)
          ? error.localizedDescription : "no such file")
    }
    let bytes = [UInt8](data)
    do throws(JSONError) { return (bytes, try JSONValue(parsing: bytes)) } catch {
      throw .malformed(
        file: file.path, line: error.line, rule: "not valid JSON: \(error.problem)")
    }
  }

  func unsupported(_ key: String, _ found: JSONValue?, _ supported: String) -> TokenizerError {
    .unsupported(file: file, key: key, found: found?.shown ?? "absent", supported: supported)
  }

  func malformed(_ rule: String) -> TokenizerError { .malformed(file: file, line: 0, rule: rule) }

  func id(of token: String, in parts: Tokenizer.Parts) -> Int32? {
    parts.addedTokens.first { $0.content.utf8.elementsEqual(token.utf8) }?.id
      ?? parts.vocabulary.index(of: token).map { parts.vocabularyIDs[$0] }
  }

  func parts() throws(TokenizerError) -> Tokenizer.Parts {
    guard let model = root["model"], model.object != nil else {
      throw malformed("\"model\" is missing: this is not a Hugging Face tokenizer.json")
    }
    guard model["type"]?.string ?? "BPE" == "BPE" else {
      throw unsupported("model.type", model["type"], "\"BPE\" (and \"WordLevel\" by WordTokenizer)")
    }
    let (vocabulary, ids) = try readVocabulary(model)
    let added = try readAddedTokens()
    var parts = Tokenizer.Parts(
      model: try readModel(model, vocabulary, ids), vocabulary: vocabulary, vocabularyIDs: ids,
      decoded: decodedTokens(vocabulary, ids, added))
    parts.normalizesToNFC = try readNormalizer()
    parts.preTokenizer = try readPreTokenizer()
    parts.addedTokens = added
    parts.prefix = try readPrefix()
    parts.content = content
    guard root["decoder"]?["type"]?.string == "ByteLevel" else {
      throw unsupported("decoder", root["decoder"]?["type"] ?? root["decoder"], "ByteLevel")
    }
    return parts
  }

  /// Largest id that is believed: every id costs memory, whether or not it names a token.
  private static let largestID = 1 << 24

  private func checkedID(_ value: JSONValue?, _ key: String) throws(TokenizerError) -> Int32 {
    guard let id = value?.int, id >= 0, id <= Self.largestID else {
      throw malformed(
        "\(key) must be an id between 0 and \(Self.largestID), got \(value?.shown ?? "nothing")")
    }
    return Int32(id)
  }

  private func readVocabulary(_ model: JSONValue) throws(TokenizerError) -> (ByteTable, [Int32]) {
    guard let members = model["vocab"]?.object, !members.isEmpty else {
      throw malformed("model.vocab must be an object of tokens and ids")
    }
    var table = ByteTable(minimumCapacity: members.count)
    var ids: [Int32] = []
    ids.reserveCapacity(members.count)
    for member in members {
      let id = try checkedID(member.value, "model.vocab[\"\(member.key)\"]")
      let index = table.insert(member.key)
      if index < ids.count { ids[index] = id } else { ids.append(id) }
    }
    return (table, ids)
  }

  private func readModel(
    _ model: JSONValue, _ vocabulary: ByteTable, _ ids: [Int32]
  ) throws(TokenizerError) -> BytePairModel {
    if let dropout = model["dropout"], !dropout.isNull, dropout.double != 0 {
      throw unsupported("model.dropout", dropout, "null: dropout makes the ids random")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = model[key], !affix.isNull, affix != .string("") {
        throw unsupported("model.\(key)", affix, "null: byte-level BPE has none")
      }
    }
    if model["byte_fallback"]?.bool == true {
      throw unsupported("model.byte_fallback", model["byte_fallback"], "false: byte-level BPE")
    }
    func id(_ token: String) -> Int32? { vocabulary.index(of: token).map { ids[$0] } }
    var unknown: Int32?
    if let token = model["unk_token"]?.string {
      guard let found = id(token) else {
        throw malformed("model.unk_token \"\(token)\" is not in the vocabulary")
      }
      unknown = found
    }
    var wholeWords: ByteTable?
    var wholeWordTokens: [Int32] = []
    if model["ignore_merges"]?.bool == true {
      var table = ByteTable(minimumCapacity: vocabulary.count)
      for index in 0..<vocabulary.count {
        let token = String(decoding: vocabulary.bytes(index), as: UTF8.self)
        let place = ByteAlphabet.decoded(token).withUnsafeBufferPointer { table.insert($0) }
        if place == wholeWordTokens.count { wholeWordTokens.append(ids[index]) }
      }
      wholeWords = table
    }
    return BytePairModel(
      byteTokens: ByteAlphabet.scalars.map { id(String(Character($0))) ?? -1 },
      unknownToken: unknown, fusesUnknown: model["fuse_unk"]?.bool ?? false,
      merges: try readMerges(model, id), wholeWords: wholeWords, wholeWordTokens: wholeWordTokens)
  }

  /// Both notations: `"a b"` and `["a", "b"]`.
  ///
  /// Rank is the place in the list.
  private func readMerges(
    _ model: JSONValue, _ id: (String) -> Int32?
  ) throws(TokenizerError) -> MergeTable {
    guard let list = model["merges"]?.array else {
      throw malformed("model.merges must be a list")
    }
    var table = MergeTable(capacity: list.count)
    var rank: UInt32 = 0
    for (index, element) in list.enumerated() {
      let pair: [String]
      if let line = element.string {
        if line.hasPrefix("#version") { continue }
        pair = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
          .map { String($0) ?? "" }
      } else {
        pair = (element.array ?? []).compactMap(\.string)
      }
      guard pair.count == 2 else {
        throw malformed("model.merges[\(index)] must be two tokens, got \(element.shown)")
      }
      guard let left = id(pair[0]), let right = id(pair[1]), let merged = id(pair[0] + pair[1])
      else {
        throw malformed(
          "model.merges[\(index)]: \"\(pair[0])\", \"\(pair[1])\" and their merge must be in model.vocab"
        )
      }
      table.insert(left, right, Merge(rank: rank, token: merged))
      rank += 1
    }
    return table
  }

  private func readAddedTokens() throws(TokenizerError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    for (index, element) in (root["added_tokens"]?.array ?? []).enumerated() {
      guard let content = element["content"]?.string else {
        throw malformed("added_tokens[\(index)] has no \"content\"")
      }
      func flag(_ key: String) -> Bool { element[key]?.bool ?? false }
      tokens.append(
        AddedToken(
          content: content, id: try checkedID(element["id"], "added_tokens[\(index)].id"),
          isSpecial: flag("special"), isSingleWord: flag("single_word"), stripsLeft: flag("lstrip"),
          stripsRight: flag("rstrip"), isNormalized: flag("normalized")))
    }
    return tokens
  }

  private func decodedTokens(
    _ vocabulary: ByteTable, _ ids: [Int32], _ added: [AddedToken]
  ) -> [[UInt8]?] {
    let largest = max(ids.max() ?? 0, added.map(\.id).max() ?? 0)
    var decoded = [[UInt8]?](repeating: nil, count: Int(largest) + 1)
    for (index, id) in ids.enumerated() {
      decoded[Int(id)] = ByteAlphabet.decoded(
        String(decoding: vocabulary.bytes(index), as: UTF8.self))
    }
    for token in added { decoded[Int(token.id)] = ByteAlphabet.decoded(token.content) }
    return decoded
  }

  private func readNormalizer() throws(TokenizerError) -> Bool {
    guard let normalizer = root["normalizer"], !normalizer.isNull else { return false }
    let parts = sequence(normalizer, "normalizers")
    for part in parts where part["type"]?.string != "NFC" {
      throw unsupported("normalizer", part["type"] ?? part, "null or NFC")
    }
    return !parts.isEmpty
  }

  /// The members of a `Sequence`, nested ones too, or the value alone.
  private func sequence(_ value: JSONValue, _ key: String) -> [JSONValue] {
    guard value["type"]?.string == "Sequence" else { return [value] }
    return (value[key]?.array ?? []).flatMap { sequence($0, key) }
  }

  private func readPreTokenizer() throws(TokenizerError) -> PreTokenizer {
    var preTokenizer = PreTokenizer(steps: [])
    var isByteLevel = false
    for part in root["pre_tokenizer"].map({ sequence($0, "pretokenizers") }) ?? [] {
      switch part["type"]?.string {
      case "Digits":
        preTokenizer.steps.append(.digits(individual: part["individual_digits"]?.bool ?? false))
      case "Split":
        preTokenizer.steps.append(.words(try readSplit(part)))
      case "ByteLevel":
        isByteLevel = true
        if part["add_prefix_space"]?.bool ?? true {
          guard preTokenizer.steps.isEmpty else {
            throw unsupported(
              "pre_tokenizer ByteLevel.add_prefix_space", .bool(true), "true only in the first step"
            )
          }
          preTokenizer.addsPrefixSpace = true
        }
        if part["use_regex"]?.bool ?? true { preTokenizer.steps.append(.words(.gpt2)) }
      default:
        throw unsupported(
          "pre_tokenizer", part["type"] ?? part, "Digits, Split, ByteLevel, Sequence")
      }
    }
    guard isByteLevel else {
      throw unsupported("pre_tokenizer", root["pre_tokenizer"], "a sequence that holds ByteLevel")
    }
    return preTokenizer
  }

  private func readSplit(_ split: JSONValue) throws(TokenizerError) -> WordPattern {
    let expression = split["pattern"]?["Regex"]?.string
    guard let pattern = expression.flatMap(WordPattern.init(regularExpression:)) else {
      throw unsupported(
        "pre_tokenizer Split.pattern", split["pattern"]?["Regex"] ?? split["pattern"],
        "the regular expressions of GPT-2, Qwen2 and Llama 3, letter for letter")
    }
    // The patterns match every character, so keeping matches and dropping the rest is the same.
    let behavior = split["behavior"]?.string
    let inverted = split["invert"]?.bool ?? false
    guard behavior == "Isolated" || (behavior == "Removed" && inverted) else {
      throw unsupported(
        "pre_tokenizer Split.behavior", split["behavior"], "Isolated, or Removed with invert")
    }
    return pattern
  }

  /// The ids that a `TemplateProcessing` puts before a single sequence.
  private func readPrefix() throws(TokenizerError) -> [Int32] {
    guard let processor = root["post_processor"], !processor.isNull else { return [] }
    var prefix: [Int32] = []
    for part in sequence(processor, "processors") where part["type"]?.string == "TemplateProcessing"
    {
      for element in part["single"]?.array ?? [] {
        guard let name = element["SpecialToken"]?["id"]?.string else { break }
        for id in part["special_tokens"]?[name]?["ids"]?.array ?? [] {
          prefix.append(try checkedID(id, "post_processor.special_tokens[\"\(name)\"].ids"))
        }
      }
    }
    return prefix
  }
}
