import Configuration
import Foundation

/// What the files beside `tokenizer.json` say of a tokenizer.
struct FolderSettings: Sendable {
  /// Whether sequences begin with the begin token; `nil` where the folder does not say.
  var addsBeginToken: Bool?
  var beginToken: Int32?
  /// The first one is the end token of captions.
  var endTokens: [Int32] = []
  var chatTemplate: ChatTemplate?

  init() {}

  /// Names in `tokenizer_config.json` come before ids in `generation_config.json`, and those before
  /// `config.json`; each file may be absent.
  init(folder: URL, id: (String) -> Int32?) throws(TokenizerError) {
    let tokenizer = try Self.read(folder, "tokenizer_config.json")
    let generation = try Self.read(folder, "generation_config.json")
    let model = try Self.read(folder, "config.json")

    addsBeginToken = tokenizer?["add_bos_token"]?.bool
    let file = folder.appending(path: "tokenizer_config.json").path
    let begin = try Self.named("bos_token", in: tokenizer, file, id)
    let end = try Self.named("eos_token", in: tokenizer, file, id)
    beginToken = begin ?? Self.ids("bos_token_id", generation, model).first
    for token in [end].compactMap({ $0 }) + Self.ids("eos_token_id", generation, model)
    where !endTokens.contains(token) {
      endTokens.append(token)
    }
    if let (text, source) = try Self.template(folder, tokenizer, file) {
      var names: [String: String] = [:]
      for key in ["bos_token", "eos_token", "pad_token", "unk_token"] {
        let value = tokenizer?[key]
        names[key] = value?.string ?? value?["content"]?.string
      }
      chatTemplate = ChatTemplate(text, file: source, specialTokens: names)
    }
  }

  private static func read(_ folder: URL, _ name: String) throws(TokenizerError) -> JSONValue? {
    let file = folder.appending(path: name)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    return try TokenizerReader.read(file).1
  }

  /// The id of a token that is given by name: a string, or an object with `content`.
  private static func named(
    _ key: String, in config: JSONValue?, _ file: String, _ id: (String) -> Int32?
  ) throws(TokenizerError) -> Int32? {
    guard let value = config?[key], let token = value.string ?? value["content"]?.string else {
      return nil
    }
    guard let found = id(token) else {
      throw .malformed(
        file: file, line: 0,
        rule: "\(key) \"\(token)\" is not in tokenizer.json: do the two files belong together?")
    }
    return found
  }

  /// Ids given as a number or a list, from the first file that has the key.
  private static func ids(_ key: String, _ configs: JSONValue?...) -> [Int32] {
    for case let value? in configs.map({ $0?[key] }) where !value.isNull {
      return (value.array ?? [value]).compactMap { $0.int.flatMap(Int32.init(exactly:)) }
    }
    return []
  }

  /// `chat_template.jinja` if there, else `chat_template` of the configuration: a text, or a list of
  /// named ones of which `default` is meant.
  private static func template(
    _ folder: URL, _ config: JSONValue?, _ file: String
  ) throws(TokenizerError) -> (text: String, file: String)? {
    let jinja = folder.appending(path: "chat_template.jinja")
    if FileManager.default.fileExists(atPath: jinja.path) {
      do { return (try String(contentsOf: jinja, encoding: .utf8), jinja.path) } catch {
        throw .unreadable(file: jinja.path, reason: error.localizedDescription)
      }
    }
    guard let value = config?["chat_template"], !value.isNull else { return nil }
    if let text = value.string { return (text, file) }
    guard
      let named = value.array?.first(where: { $0["name"]?.string == "default" }),
      let text = named["template"]?.string
    else {
      throw .malformed(
        file: file, line: 0, rule: "chat_template must be a text or hold one named \"default\"")
    }
    return (text, file)
  }
}
