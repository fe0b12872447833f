import Datasets
import Foundation
import LanguageModels
import Tokenizers

/// A sequence without the words of its answers.
struct Outline: Sendable {
  enum Part: Sendable {
    case visual(Int)
    case text([Int32], description: String)
    /// The n-th answer.
    case answer(Int)
  }

  let parts: [Part]
  /// What stands before the first word of each exchange's answer.
  let answerLeads: [String]
  let description: String

  /// - Parameters:
  ///   - questions: one an exchange; nil for a caption.
  ///   - media: how many.
  ///   - answersLast: whether the last exchange has its answer, or the sequence ends where that begins.
  ///   - name: of the example, for errors.
  init(
    questions: [String?], media: Int, answersLast: Bool, _ template: SequenceTemplate, name: String
  ) throws {
    let turns = try Turns(questions: questions, media: media, name: name)
    let answers = questions.count - (answersLast ? 0 : 1)
    if let chat = template.chat {
      parts = try Self.chatParts(turns, answers: answers, template, chat)
      answerLeads = questions.map { _ in "" }
    } else {
      parts = Self.rawParts(turns, answers: answers, template)
      answerLeads = turns.questions.enumerated().map { turn, question in
        switch question.last {
        case .text(let text): SequenceTemplate.lead(after: text)
        case .medium: ""
        case nil: turn == 0 ? SequenceTemplate.lead(after: template.textPrompt) : ""
        }
      }
    }
    description = parts.map { part in
      switch part {
      case .visual: "[visual tokens]"
      case .text(_, let description): description
      case .answer(let index): questions[index] == nil ? "[caption][end]" : "[answer][end]"
      }
    }.joined()
  }

  /// The pieces with the answers' ids.
  func pieces(answers: [[Int32]]) -> [SequencePiece] {
    parts.compactMap { part in
      switch part {
      case .visual(let medium): .visual(medium)
      case .text(let ids, _): ids.isEmpty ? nil : .text(ids)
      case .answer(let index): .answer(answers[index])
      }
    }
  }

  private static func rawParts(
    _ turns: Turns, answers: Int, _ template: SequenceTemplate
  ) -> [Part] {
    let encode = template.tokenizer.encode
    var parts: [Part] = []
    if let begin = template.tokenizer.beginToken {
      parts.append(.text([begin], description: "[begin]"))
    }
    parts += turns.leadingMedia.map { .visual($0) }
    let prompt = template.textPrompt
    if !prompt.isEmpty {
      parts.append(.text(encode(prompt), description: "[prompt “\(prompt)”]"))
    }
    for (turn, question) in turns.questions.enumerated() {
      // Only the first question follows a text.
      var lead = turn == 0 ? SequenceTemplate.lead(after: prompt) : ""
      for piece in question {
        switch piece {
        case .medium(let medium):
          parts.append(.visual(medium))
          lead = ""
        case .text(let text):
          parts.append(.text(encode(lead + text), description: "[question]"))
        }
      }
      if turn < answers { parts.append(.answer(turn)) }
    }
    return parts
  }

  private static func chatParts(
    _ turns: Turns, answers: Int, _ template: SequenceTemplate, _ chat: ChatTemplate
  ) throws -> [Part] {
    var messages: [ChatMessage] = []
    for (turn, question) in turns.questions.enumerated() {
      var content = question.map { piece in
        switch piece {
        case .medium(let medium): ChatTemplate.mark(medium: medium)
        case .text(let text): text
        }
      }.joined()
      if turn == 0 {
        let prompt = template.prompt
        if !prompt.isEmpty, !content.isEmpty { content = "\n" + content }
        content =
          turns.leadingMedia.map { ChatTemplate.mark(medium: $0) }.joined() + prompt + content
      }
      messages.append(ChatMessage(role: "user", content: content))
      if turn < answers { messages.append(ChatMessage(role: "assistant", content: "")) }
    }
    var isAfterAnswer = false
    let pieces = try chat.dialogue(messages)
    return try pieces.enumerated().compactMap { index, piece in
      defer { if case .answer = piece { isAfterAnswer = true } else { isAfterAnswer = false } }
      switch piece {
      case .medium(let medium): return .visual(medium)
      case .answer(let answer): return .answer(answer)
      case .text(let text):
        var ids = template.tokenizer.encode(text)
        if isAfterAnswer {
          guard ids.first == template.end else {
            throw SequenceError(
              "language_model.chat: true needs every turn of the assistant to end with the same "
                + "token, but the chat template of \(template.source) writes "
                + "“\(SequenceTemplate.line(text))” after an answer")
          }
          ids.removeFirst()
          // What follows the last answer's end is never asked for.
          if index == pieces.count - 1, answers == turns.questions.count { return nil }
        }
        return .text(ids, description: "[chat “\(SequenceTemplate.line(text))”]")
      }
    }
  }
}

/// The questions of an example, cut at the places of its media.
private struct Turns {
  enum Piece {
    case text(String)
    case medium(Int)
  }

  /// Media that stand before everything that is said.
  var leadingMedia: [Int]
  /// Of each exchange.
  var questions: [[Piece]]

  init(questions: [String?], media: Int, name: String) throws {
    let mark = SequenceTemplate.mediumMark
    var texts = questions.map { SequenceTemplate.trimmed($0 ?? "") }
    let marks = texts.reduce(0) { $0 + $1.ranges(of: mark).count }
    guard marks == 0 || marks == media else {
      throw SequenceError(
        "\(name): its questions hold \(marks) times \(mark), but it has \(media) "
          + "\(media == 1 ? "image" : "images"). Write one mark an image, or none")
    }
    var leading = marks == 0 ? media : 0
    if marks > 0, var first = texts.first {
      while first.hasPrefix(mark) {
        first = String(first.dropFirst(mark.count).drop(while: \.isWhitespace))
        leading += 1
      }
      if marks == 1, leading == 0, first.hasSuffix(mark) {
        first = String(
          first.dropLast(mark.count).reversed().drop(while: \.isWhitespace).reversed())
        leading = 1
      }
      texts[0] = first
    }
    leadingMedia = Array(0..<leading)
    var next = leading
    self.questions = texts.map { text in
      var pieces: [Piece] = []
      for (index, part) in text.split(
        separator: mark, omittingEmptySubsequences: false
      ).enumerated() {
        if index > 0 {
          pieces.append(.medium(next))
          next += 1
        }
        if !part.isEmpty { pieces.append(.text(String(part))) }
      }
      return pieces
    }
  }
}
