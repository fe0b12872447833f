import Configuration
import Datasets
import Foundation
import LanguageModels
import Tensors
import TestSupport
import Testing
import Tokenizers

@testable import Training

/// Sequences by a chat template, against transformers.
@Suite struct ChatSequenceParityTests {
  /// `Fixtures/chat-dialogues`.
  private struct Dialogues: Decodable {
    struct Case: Decodable {
      struct Message: Decodable {
        let role: String
        let content: String
      }

      let name: String
      let messages: [Message]
      let addGenerationPrompt: Bool
      let ids: [Int32]
      let answers: [[Int]]
    }

    let endId: Int32
    let chatTemplate: String
    let cases: [Case]
  }

  private static func template(
    prompt: String = "", tokenizer: Tokenizer
  ) throws -> SequenceTemplate {
    try SequenceTemplate(
      chat: prompt, endTokens: Set(tokenizer.endTokens), tokenizer: tokenizer, source: "m")
  }

  private static func smollm2() throws -> (Tokenizer, Dialogues) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let file = Fixtures.folder("chat-dialogues").appending(path: "smollm2.json")
    let dialogues = try decoder.decode(Dialogues.self, from: Data(contentsOf: file))
    return (try Tokenizer(folder: Fixtures.folder("tokenizer/smollm2")), dialogues)
  }

  /// The dialogue as an example; nil if it has a system message, which examples have not.
  private static func example(_ dialogue: Dialogues.Case) -> Example? {
    guard dialogue.messages.first?.role != "system" else { return nil }
    let turns = stride(from: 0, to: dialogue.messages.count, by: 2).map { place in
      Exchange(
        question: dialogue.messages[place].content,
        answers: dialogue.messages[(place + 1)...].prefix(1).map(\.content))
    }
    return Example(
      id: Identifier(dialogue.name), media: [],
      exchanges: turns.map {
        $0.answers.isEmpty ? Exchange(question: $0.question, answers: [""]) : $0
      })
  }

  @Test func dialoguesHaveTheIdsAndTheTaughtTokensOfTransformers() throws {
    let (tokenizer, dialogues) = try Self.smollm2()
    let template = try Self.template(tokenizer: tokenizer)
    #expect(template.end == dialogues.endId)
    var compared = 0
    for expected in dialogues.cases {
      guard let example = Self.example(expected) else { continue }
      compared += 1
      if expected.addGenerationPrompt {
        let request = try template.request(of: example, places: [:])
        let ids = request.prefix.flatMap { piece -> [Int32] in
          if case .text(let ids) = piece { ids } else { [-1] }
        }
        #expect(ids == expected.ids, "\(expected.name)")
        continue
      }
      let set = try template.sequences(
        of: [example], places: [:], executor: LaneExecutor(threads: 1))
      let sample = set.samples[0]
      #expect(sample.branches.count == 1)
      var ids: [Int32] = []
      var taught: [[Int]] = []
      for piece in sample.prefix + sample.branches[0] {
        switch piece {
        case .text(let text): ids += text
        case .visual: ids.append(-1)
        case .answer(let answer, let isWhole):
          #expect(isWhole)
          taught.append([ids.count, ids.count + answer.count + 1])
          ids += answer + [template.end]
        }
      }
      // The line break after the last end predicts nothing and is left out.
      #expect(ids == Array(expected.ids.prefix(ids.count)), "\(expected.name)")
      #expect(expected.ids.count - ids.count == 1)
      #expect(taught == expected.answers, "\(expected.name)")
    }
    #expect(compared > 5)
  }

  @Test func anImageStandsBeforeWhatTheUserSaysFirst() throws {
    let (tokenizer, _) = try Self.smollm2()
    let template = try Self.template(prompt: "Be brief.", tokenizer: tokenizer)
    let medium = Medium(id: "a", source: .file(URL(filePath: "/a.png")))
    let example = Example(
      id: "e", media: [medium],
      exchanges: [
        Exchange(question: "hue?", answers: ["red"]),
        Exchange(question: "form?", answers: ["disc"]),
      ])
    let set = try template.sequences(
      of: [example], places: ["a": 4], executor: LaneExecutor(threads: 1))
    let opening =
      "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
      + "<|im_end|>\n<|im_start|>user\n"
    #expect(
      set.samples == [
        SequenceSample(
          media: [4],
          prefix: [
            .text(tokenizer.encode(opening)), .visual(0),
            .text(tokenizer.encode("Be brief.\nhue?<|im_end|>\n<|im_start|>assistant\n")),
          ],
          branches: [
            [
              .answer(tokenizer.encode("red")),
              .text(
                tokenizer.encode(
                  "\n<|im_start|>user\nform?<|im_end|>\n<|im_start|>assistant\n")),
              .answer(tokenizer.encode("disc")),
            ]
          ])
      ])
    #expect(
      try template.description(of: Example(id: "e", source: medium.source, captions: ["x"]))
        == "[chat “\(opening.replacing("\n", with: "⏎"))”][visual tokens]"
        + "[chat “Be brief.<|im_end|>⏎<|im_start|>assistant⏎”][caption][end]")
  }

  @Test func aTokenizerWithoutATemplateIsRefused() {
    let error = #expect(throws: SequenceError.self) {
      try SequenceTemplate(
        chat: "", tokenizer: WordTokenizer(captions: ["a dog"]), source: "models/small")
    }
    #expect(error?.description.contains("models/small has neither a chat_template.jinja") == true)
  }
}
