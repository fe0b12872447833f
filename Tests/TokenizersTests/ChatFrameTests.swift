import Foundation
import TestSupport
import Testing

@testable import Tokenizers

/// The place of images and of the answer in a chat, against transformers.
struct ChatFrameParityTests {
  struct Cases: Decodable, CustomTestStringConvertible {
    struct Case: Decodable {
      let prompt: String
      let caption: String
      let ids: [Int32]
      let generation: [Int32]
    }

    let tokenizer: String
    let cases: [Case]
    var testDescription: String { tokenizer }
  }

  /// This fixture is ours and always lies in the repository.
  static var all: [Cases] {
    let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = fixtures.appending(path: "Fixtures/chat-templates/captions.json")
    return (try? ChatTemplateParityTests.decode([Cases].self, file)) ?? []
  }

  @Test("both tokenizers have cases")
  func casesAreThere() { #expect(Self.all.map(\.cases.count) == [15, 15]) }

  /// Qwen2's tokenizer is too large for the repository; its chats are tried where it is there.
  @Test(
    "opening, images, question, answer and closing have the ids of the whole chat", arguments: all)
  func ids(cases: Cases) throws {
    let folder = Fixtures.folder("tokenizer").appending(path: cases.tokenizer)
    guard
      FileManager.default.fileExists(atPath: folder.appending(path: "tokenizer.json").path)
    else { return }
    let tokenizer = try Tokenizer(folder: folder)
    let template = try tokenizer.chatTemplate ?? Self.qwenTemplate(folder)
    for expected in cases.cases {
      let frame = try template.frame(question: expected.prompt)
      let asked = tokenizer.encode(frame.opening) + [-1] + tokenizer.encode(frame.question)
      #expect(asked == expected.generation)
      #expect(
        asked + tokenizer.encode(expected.caption) + tokenizer.encode(frame.closing)
          == expected.ids)
    }
  }

  private static func qwenTemplate(_ folder: URL) throws -> ChatTemplate {
    struct Chat: Decodable { let chatTemplate: String }
    let chat = try ChatTemplateParityTests.decode(
      Chat.self, folder.appending(path: "chat-qwen2.json"))
    return ChatTemplate(chat.chatTemplate)
  }
}

struct ChatFrameTests {
  private static let chatML =
    "{% for m in messages %}<|s|>{{ m.role }}\n{{ m.content }}<|e|>\n{% endfor %}"
    + "{% if add_generation_prompt %}<|s|>assistant\n{% endif %}"

  @Test("the texts around images and answer, as the template writes them")
  func frame() throws {
    let frame = try ChatTemplate(Self.chatML).frame(question: "What is it?")
    #expect(
      frame
        == ChatFrame(
          opening: "<|s|>user\n", question: "What is it?<|e|>\n<|s|>assistant\n",
          closing: "<|e|>\n"))
  }

  @Test(
    "a template in which images or answer have no sure place is refused",
    arguments: [
      ("no content", "{% for m in messages %}{{ m.role }}{% endfor %}", "what the user says"),
      ("twice", "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}", "user says"),
      ("the user alone", "{{ messages[0].content }}", "the assistant's answer once"),
      (
        "another place for the answer",
        "{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}"
          + "{% if add_generation_prompt %}assistant: {% endif %}", "generation prompt ends"
      ),
      ("not understood", "{{ messages | tojson }}", "tojson"),
      (
        "refuses a user without a system message",
        "{% if messages[0].role != 'system' %}{{ raise_exception('no') }}{% endif %}",
        "refuses the messages"
      ),
    ])
  func refusals(name: String, text: String, reason: String) {
    let error = #expect(throws: TokenizerError.self) {
      try ChatTemplate(text, file: "chat_template.jinja").frame(question: "Hi")
    }
    let message = error?.description ?? ""
    #expect(message.hasPrefix("chat_template.jinja: chat template: "), "\(message)")
    #expect(message.contains(reason), "\(message)")
  }
}
