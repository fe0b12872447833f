import Foundation
import TestSupport
import Testing

@testable import Tokenizers

/// The place of media and of answers in a chat, against transformers.
struct ChatDialogueParityTests {
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
    "the texts around an image and an answer have the ids of the whole chat", arguments: all)
  func captionIds(cases: Cases) throws {
    guard let tokenizer = try Self.tokenizer(cases.tokenizer) else { return }
    let folder = Fixtures.folder("tokenizer").appending(path: cases.tokenizer)
    let template = try tokenizer.chatTemplate ?? Self.qwenTemplate(folder)
    for expected in cases.cases {
      let asked = ChatMessage(
        role: "user", content: ChatTemplate.mark(medium: 0) + expected.prompt)
      let pieces = try template.dialogue([
        asked, ChatMessage(role: "assistant", content: expected.caption),
      ])
      #expect(Self.ids(pieces, [expected.caption], tokenizer) == expected.ids)
      #expect(Self.ids(try template.dialogue([asked]), [], tokenizer) == expected.generation)
    }
  }

  /// transformers' `apply_chat_template` and `return_assistant_tokens_mask`.
  struct Dialogues: Decodable {
    struct Case: Decodable {
      struct Message: Decodable {
        let role: String
        let content: String
      }

      let name: String
      let messages: [Message]
      let addGenerationPrompt: Bool
      let text: String
      let ids: [Int32]
      let answers: [[Int]]
    }

    let endId: Int32
    let chatTemplate: String
    let cases: [Case]
  }

  @Test(
    "the turns of a dialogue have the ids of the whole chat, and answers their spans",
    arguments: ["smollm2", "qwen2"])
  func dialogues(name: String) throws {
    let fixture = try ChatTemplateParityTests.decode(
      Dialogues.self, Fixtures.folder("chat-dialogues").appending(path: "\(name).json"))
    let template = ChatTemplate(fixture.chatTemplate)
    let tokenizer = try Self.tokenizer(name)
    for expected in fixture.cases {
      let messages = expected.messages.map { ChatMessage(role: $0.role, content: $0.content) }
      let answers = messages.filter { $0.role == "assistant" }.map(\.content)
      let pieces = try template.dialogue(messages)
      let texts = pieces.map { piece in
        switch piece {
        case .text(let text): text
        case .answer(let index): answers[index]
        case .medium: ""
        }
      }
      #expect(texts.joined() == expected.text, "\(expected.name)")
      guard let tokenizer else { continue }
      #expect(Self.ids(pieces, answers, tokenizer) == expected.ids, "\(expected.name)")
      var start = 0
      var spans: [[Int]] = []
      for (index, piece) in pieces.enumerated() {
        let count = tokenizer.encode(texts[index]).count
        if case .answer = piece {
          spans.append([start, start + count + 1])
          #expect(tokenizer.encode(texts[index + 1]).first == fixture.endId)
        }
        start += count
      }
      #expect(spans == expected.answers, "\(expected.name)")
    }
  }

  private static func ids(
    _ pieces: [ChatPiece], _ answers: [String], _ tokenizer: Tokenizer
  ) -> [Int32] {
    pieces.flatMap { piece -> [Int32] in
      switch piece {
      case .text(let text): tokenizer.encode(text)
      case .medium: [-1]
      case .answer(let index): tokenizer.encode(answers[index])
      }
    }
  }

  private static func tokenizer(_ name: String) throws -> Tokenizer? {
    let folder = Fixtures.folder("tokenizer").appending(path: name)
    let file = folder.appending(path: "tokenizer.json")
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    return try Tokenizer(folder: folder)
  }

  private static func qwenTemplate(_ folder: URL) throws -> ChatTemplate {
    struct Chat: Decodable { let chatTemplate: String }
    let chat = try ChatTemplateParityTests.decode(
      Chat.self, folder.appending(path: "chat-qwen2.json"))
    return ChatTemplate(chat.chatTemplate)
  }
}

struct ChatDialogueTests {
  private static let chatML =
    "{% for m in messages %}<|s|>{{ m.role }}\n{{ m.content }}<|e|>\n{% endfor %}"
    + "{% if add_generation_prompt %}<|s|>assistant\n{% endif %}"

  private static func user(_ content: String) -> ChatMessage {
    ChatMessage(role: "user", content: content)
  }

  private static func assistant(_ content: String = "yes") -> ChatMessage {
    ChatMessage(role: "assistant", content: content)
  }

  @Test("the texts around media and answers, as the template writes them")
  func pieces() throws {
    let template = ChatTemplate(Self.chatML)
    let marks = ChatTemplate.mark(medium: 0) + ChatTemplate.mark(medium: 1)
    #expect(
      try template.dialogue([
        Self.user(marks + "Same?"), Self.assistant(), Self.user("Why?"),
      ]) == [
        .text("<|s|>user\n"), .medium(0), .medium(1),
        .text("Same?<|e|>\n<|s|>assistant\n"), .answer(0),
        .text("<|e|>\n<|s|>user\nWhy?<|e|>\n<|s|>assistant\n"),
      ])
  }

  @Test("a medium may stand inside what the user says")
  func inside() throws {
    let pieces = try ChatTemplate(Self.chatML).dialogue([
      Self.user("Is \(ChatTemplate.mark(medium: 3)) red?"), Self.assistant(),
    ])
    #expect(
      pieces == [
        .text("<|s|>user\nIs "), .medium(3), .text(" red?<|e|>\n<|s|>assistant\n"), .answer(0),
        .text("<|e|>\n"),
      ])
  }

  @Test("a template that writes an earlier answer otherwise once others follow is refused")
  func changing() {
    let text =
      "{% for m in messages %}{% if m.role == 'assistant' and not loop.last %}(earlier) {% endif %}"
      + "{{ m.role }}: {{ m.content }}\n{% endfor %}"
      + "{% if add_generation_prompt %}assistant: {% endif %}"
    let error = #expect(throws: TokenizerError.self) {
      try ChatTemplate(text).dialogue([
        Self.user("a"), Self.assistant(), Self.user("b"), Self.assistant(),
      ])
    }
    #expect(error?.description.contains("generation prompt ends") == true)
  }

  @Test(
    "a template in which media or answer have no sure place is refused",
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
      try ChatTemplate(text, file: "chat_template.jinja").dialogue([
        Self.user(ChatTemplate.mark(medium: 0) + "Hi"), Self.assistant(),
      ])
    }
    let message = error?.description ?? ""
    #expect(message.hasPrefix("chat_template.jinja: chat template: "), "\(message)")
    #expect(message.contains(reason), "\(message)")
  }
}
