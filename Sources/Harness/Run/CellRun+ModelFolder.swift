import Configuration
import Foundation
import Storage
import Training

extension CellRun {
  /// Puts configuration and tokenizer beside the weights of a language model that trained, so that the
  /// folder loads by itself, here (`language_model.model`) and in transformers (`from_pretrained`).
  ///
  /// The model that a run makes has no configuration of Hugging Face's form: only its weights are kept.
  func completeModelFolder() throws {
    guard cell.config.training.trains(.languageModel), let source = inputs.text.folder else {
      return
    }
    let target = cell.folder.languageModelFolder
    try AtomicFile.ensureFolder(target)
    var config = try source.json("config.json")
    config.set("float32", at: ["torch_dtype", "dtype"])
    try AtomicFile.write(config.text() + "\n", to: target.appending(path: "config.json"))
    let tokenizer = cell.config.languageModel.pretrained?.tokenizer?.url ?? source.url
    for (folder, names) in [(source.url, Self.modelFiles), (tokenizer, Self.tokenizerFiles)] {
      for name in names {
        let file = folder.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path) else { continue }
        try AtomicFile.write(try Data(contentsOf: file), to: target.appending(path: name))
      }
    }
  }

  private static let modelFiles = ["generation_config.json"]
  private static let tokenizerFiles = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
    "added_tokens.json", "vocab.json", "merges.txt",
  ]
}

extension JSONValue {
  /// Replaces the values of those keys of an object that are there; the first is added if none is.
  fileprivate mutating func set(_ text: String, at keys: [String]) {
    guard var members = object else { return }
    let places = members.indices.filter { keys.contains(members[$0].key) }
    for place in places { members[place] = Member(members[place].key, .string(text)) }
    if places.isEmpty { members.append(Member(keys[0], .string(text))) }
    self = .object(members)
  }
}
