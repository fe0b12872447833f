import Foundation
import TestSupport
import Testing

@testable import Tokenizers

/// Chats against transformers and Jinja: `Fixtures/tokenizer`, `Fixtures/chat-templates`.
struct ChatTemplateParityTests {
  struct Case: Decodable {
    struct Message: Decodable {
      let role: String
      let content: String
    }

    let messages: [Message]
    let addGenerationPrompt: Bool
    let text: String?
    let ids: [Int32]?

    var chat: [ChatMessage] { messages.map { ChatMessage(role: $0.role, content: $0.content) } }
  }

  static func decode<Value: Decodable>(_ type: Value.Type, _ file: URL) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(type, from: Data(contentsOf: file))
  }

  @Test("SmolLM2's chats have the fixture's text and ids")
  func smollm() throws {
    struct Cases: Decodable { let chat: [Case] }
    let folder = Fixtures.folder("tokenizer/smollm2")
    let tokenizer = try Tokenizer(folder: folder)
    let template = try #require(tokenizer.chatTemplate)
    for expected in try Self.decode(Cases.self, folder.appending(path: "cases.json")).chat {
      let text = try template.render(
        expected.chat, addGenerationPrompt: expected.addGenerationPrompt)
      #expect(text == expected.text)
      #expect(tokenizer.encode(text) == expected.ids)
    }
  }

  @Test("Qwen2.5's chats have the fixture's text and, where its tokenizer is there, ids")
  func qwen() throws {
    struct Cases: Decodable {
      let chatTemplate: String
      let cases: [Case]
    }
    let folder = Fixtures.folder("tokenizer/qwen2")
    let fixture = try Self.decode(Cases.self, folder.appending(path: "chat-qwen2.json"))
    let template = ChatTemplate(fixture.chatTemplate)
    let file = folder.appending(path: "tokenizer.json")
    let tokenizer =
      FileManager.default.fileExists(atPath: file.path) ? try Tokenizer(file: file) : nil
    for expected in fixture.cases {
      let text = try template.render(
        expected.chat, addGenerationPrompt: expected.addGenerationPrompt)
      #expect(text == expected.text)
      if let tokenizer { #expect(tokenizer.encode(text) == expected.ids) }
    }
  }

  struct Template: Decodable, CustomTestStringConvertible {
    let name: String
    let template: String
    let cases: [Case]
    var testDescription: String { name }
  }

  /// This fixture is ours and always lies in the repository.
  static var templates: [Template] {
    let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = fixtures.appending(path: "Fixtures/chat-templates/templates.json")
    return (try? decode([Template].self, file)) ?? []
  }

  @Test("other templates render as Jinja renders them, or refuse as they do", arguments: templates)
  func jinja(template: Template) throws {
    try #require(!template.cases.isEmpty)
    let subject = ChatTemplate(
      template.template, specialTokens: ["bos_token": "<s>", "eos_token": "</s>"])
    for expected in template.cases {
      if let text = expected.text {
        let rendered = try subject.render(
          expected.chat, addGenerationPrompt: expected.addGenerationPrompt)
        #expect(rendered == text)
      } else {
        let error = #expect(throws: TokenizerError.self) {
          try subject.render(expected.chat, addGenerationPrompt: expected.addGenerationPrompt)
        }
        #expect(error?.description.contains("it refuses the messages") == true)
      }
    }
  }

  @Test("there are templates to try")
  func templatesAreThere() { #expect(Self.templates.count == 4) }

  @Test(
    "what is not understood is an error, never a guess",
    arguments: [
      "{% macro f() %}{% endmacro %}", "{{ messages | tojson }}", "{{ strftime_now('%d') }}",
      "{% for a, b in messages %}{% endfor %}", "{{ messages }}", "{{ 1 / 2 }}", "{% if true %}",
      "{{ 'a' + 1 }}", "{{ x.y }}", "{{ 'open }}", "{{ messages[0]", "{# open", "{% endif %}",
      "{{ 1 2 }}", "{{ messages[0].role is odd }}", "{{ 'a'.title() }}", "{{ @ }}",
      "{% set x %}a{% endset %}", "{{ ((((((((((1) }}",
    ])
  func refusals(text: String) {
    let template = ChatTemplate(text, file: "tokenizer_config.json")
    let error = #expect(throws: TokenizerError.self) {
      try template.render([ChatMessage(role: "user", content: "Hi")], addGenerationPrompt: true)
    }
    #expect(error?.description.hasPrefix("tokenizer_config.json: chat template: ") == true)
  }
}
