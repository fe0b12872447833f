import Configuration
import Foundation
import Reports
import Storage
import TestSupport
import Testing

@testable import Harness

/// Language models in `dragoman run`: random weights, another tokenizer, chats.
@Suite("The language model of dragoman run")
struct RunLanguageModelTests {
  @Test("random weights: only config.json is used, and every table says so")
  func randomWeights() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    for model in ["encoder", "language-model"] {
      try FileManager.default.removeItem(
        at: photos.folder.appending(path: model).appending(path: "model.safetensors"))
    }
    let ending = try photos.run(["encoder.weights=random", "language_model.weights=random"])
    #expect(ending.code == 0, "\(ending)")
    #expect(ending.output.contains("Random weights: the encoder and the language model started"))
    let results = photos.folder.appending(path: "results/photos")
    for name in ["comparison.md", "report.html", "summary.json"] {
      let text = try String(contentsOf: results.appending(path: name), encoding: .utf8)
      #expect(text.contains("Random weights: "), "\(name)")
    }
    let provenance = try String(
      contentsOf: results.appending(path: "provenance.json"), encoding: .utf8)
    #expect(provenance.contains(#""language_model_weights" : "random""#))
  }

  @Test("a tokenizer of its own folder; where it stands alone the model's folder names the end")
  func tokenizerFolder() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let folder = photos.folder.appending(path: "tokenizer")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try FileManager.default.moveItem(
      at: photos.folder.appending(path: "language-model/tokenizer.json"),
      to: folder.appending(path: "tokenizer.json"))
    let ending = try photos.run(["language_model.tokenizer=tokenizer"])
    #expect(ending.code == 0, "\(ending)")
  }

  @Test("a tokenizer with more tokens than the model knows")
  func largeTokenizer() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let file = photos.folder.appending(path: "language-model/config.json")
    let config = try String(contentsOf: file, encoding: .utf8)
    let small = config.replacing(/"vocab_size": \d+/, with: "\"vocab_size\": 100")
    try Data(small.utf8).write(to: file)
    let ending = try photos.run(["language_model.weights=random"])
    let folder = photos.folder.appending(path: "language-model").path
    #expect(
      ending
        == Program.Ending(
          code: 65, output: "",
          errors:
            "dragoman: error: \(folder): the tokenizer has 257 tokens, the model in \(folder) "
            + "knows 100. Do they belong together?\n"))
    photos.expectNoResults()
  }

  @Test("a chat by the model's template, from training to the report and the heatmaps")
  func chat() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    try photos.writeTokenizerConfig(chatTemplate: PhotoExperiment.chatML)
    let changes = [
      "language_model.chat=true", "language_model.prompt=What is it?",
      "projectors={qformer: {kind: qformer, layers: 1, queries: 2, heads: 2}}",
    ]
    let ending = try photos.run(changes)
    #expect(ending.code == 0, "\(ending)")
    let report = try String(
      contentsOf: photos.folder.appending(path: "results/photos/report.html"), encoding: .utf8)
    #expect(report.contains("[visual tokens]"))
    #expect(report.contains("What is it?"))
    let heatmap = try Program.run(
      ["heatmap", "results/photos", "--output", "drawn", "--cache", "cache"], in: photos.folder)
    #expect(heatmap.code == 0, "\(heatmap)")
  }

  @Test(
    "a chat without a template that is understood is refused before any training",
    arguments: [
      (nil, "needs the model's chat template, but "),
      ("{{ messages | tojson }}", "chat template: "),
      ("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", "generation prompt"),
      (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
          + "{% if add_generation_prompt %}assistant: {% endif %}", "begins with no special token"
      ),
    ] as [(String?, String)])
  func refusedChat(template: String?, reason: String) throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    try photos.writeTokenizerConfig(chatTemplate: template)
    let ending = try photos.run(["language_model.chat=true"])
    #expect(ending.code == 65, "\(ending)")
    #expect(ending.errorLines.count == 1 && ending.errors.contains(reason), "\(ending)")
    photos.expectNoResults()
  }
}

extension PhotoExperiment {
  static let chatML =
    "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>\n{% endfor %}"
    + "{% if add_generation_prompt %}assistant: {% endif %}"

  func writeTokenizerConfig(chatTemplate: String?) throws {
    let template = chatTemplate.map { ", \"chat_template\": \(JSONValue.quoted($0))" } ?? ""
    try write(#"{"eos_token": "<|end|>"\#(template)}"#, "language-model/tokenizer_config.json")
  }
}
