import Configuration
import Datasets
import Foundation
import LanguageModels
import Tensors
import Tokenizers

/// How examples become sequences of ids: raw text, or a chat.
///
/// Raw: `[begin, if the tokenizer adds one][visual tokens][prompt][question][answer][end]`, and for each
/// further turn `[question][answer][end]`; a caption is an answer without a question. A text that follows
/// another starts with a space, unless that one ends in white space; spaces at the end of a prompt are left
/// out for it. After an end token nothing is put in between.
///
/// In a chat the visual tokens, the prompt and the first question are what the user says first, the prompt
/// and the question with a line break between; all around them is what the model's chat template writes. A
/// begin token is there if the template writes one, as with `apply_chat_template` of transformers.
///
/// Visual tokens stand where a question holds ``mediumMark``, one mark a medium. Without marks, and where
/// they only open or, with one medium, close the first question, they stand before everything that is said
/// (LLaVA's own rule: `preprocess_multimodal`, haotian-liu/LLaVA).
public struct SequenceTemplate: Sendable {
  /// Stands for a medium in the text of a question.
  public static let mediumMark = "<image>"

  /// The id that ends an answer.
  public let end: Int32
  /// Ids that end a generated answer.
  public let endTokens: Set<Int32>
  let prompt: String
  let tokenizer: any TextTokenizer
  /// Nil for raw text.
  let chat: ChatTemplate?
  /// The file or folder of the tokenizer, for errors.
  let source: String

  /// Raw text.
  ///
  /// - Parameter endTokens: that end a generated answer beside `end`.
  public init(
    prompt: String, end: Int32, endTokens: Set<Int32> = [], tokenizer: any TextTokenizer
  ) {
    self.prompt = prompt
    self.tokenizer = tokenizer
    self.end = end
    self.endTokens = endTokens.union([end])
    chat = nil
    source = "the tokenizer"
  }

  /// A chat by the model's own template.
  ///
  /// - Parameters:
  ///   - endTokens: that end a generated answer beside the one that ends a turn.
  ///   - source: the folder of the tokenizer, for errors.
  /// - Throws: ``SequenceError`` if there is no template or it ends a turn with no token, `TokenizerError`
  ///   if it is not understood.
  public init(
    chat prompt: String, endTokens: Set<Int32> = [], tokenizer: any TextTokenizer, source: String
  ) throws {
    guard let template = (tokenizer as? Tokenizer)?.chatTemplate else {
      throw SequenceError(
        "language_model.chat: true needs the model's chat template, but \(source) has neither a "
          + "chat_template.jinja nor a chat_template in tokenizer_config.json")
    }
    let turn = try template.dialogue([
      ChatMessage(role: "user", content: ChatTemplate.mark(medium: 0) + prompt),
      ChatMessage(role: "assistant", content: ""),
    ])
    guard case .text(let closing) = turn.last, let end = tokenizer.encode(closing).first,
      tokenizer.decode([end], skipSpecialTokens: true).isEmpty
    else {
      let closing = if case .text(let text) = turn.last { text } else { "" }
      throw SequenceError(
        "language_model.chat: true needs a token that ends the assistant's turn, but the chat "
          + "template of \(source) writes “\(Self.line(closing))” after an answer, which "
          + "begins with no special token")
    }
    self.prompt = prompt
    self.tokenizer = tokenizer
    self.end = end
    self.endTokens = endTokens.union([end])
    chat = template
    self.source = source
  }

  // MARK: - Data sets

  /// The samples of a data set's examples, not cut.
  ///
  /// A branch is an example with one of its alternative answers; where several exchanges have alternatives,
  /// branch n takes the n-th of each, from the first again where there are fewer. Consecutive examples of
  /// the same media are branches of one sample.
  ///
  /// - Parameters:
  ///   - places: of each medium in the patch source.
  ///   - executor: whose threads do the work; the result does not depend on how many there are.
  /// - Throws: ``SequenceError`` for marks of media that do not fit an example, `TokenizerError` for a
  ///   dialogue that the chat template refuses.
  public func sequences(
    of examples: [Example], places: [Identifier: Int], executor: LaneExecutor
  ) throws -> SequenceSet {
    let outlines = try self.outlines(of: examples, executor: executor)
    var groups: [Range<Int>] = []
    for index in examples.indices {
      let media = examples[index].media.map(\.id)
      if !media.isEmpty, let last = groups.last, examples[last.lowerBound].media.map(\.id) == media
      {
        groups[groups.count - 1] = last.lowerBound..<index + 1
      } else {
        groups.append(index..<index + 1)
      }
    }
    let ranges = groups
    let made = try executor.map(count: ranges.count) { group in
      try sample(of: ranges[group], examples: examples, outlines: outlines, places: places)
    }
    return SequenceSet(
      samples: made.map(\.sample), alternatives: made.map(\.alternatives),
      examples: ranges.map { Array($0) })
  }

  /// The sequence up to where the answer of an exchange begins: what to generate from, or to rank answers
  /// after. Answers of the exchanges before it are given.
  ///
  /// - Parameter exchange: the last one when nil.
  /// - Throws: as ``sequences(of:places:executor:)``.
  public func request(
    of example: Example, exchange: Int? = nil, places: [Identifier: Int]
  ) throws -> SequenceSample {
    let last = exchange ?? example.exchanges.count - 1
    let asked = Array(example.exchanges[...last])
    let outline = try Outline(
      questions: asked.map(\.question), media: example.media.count, answersLast: false, self,
      name: example.id.text)
    let answers = asked.dropLast().enumerated().map {
      ids(of: $1.answers.first ?? "", to: $0, in: outline)
    }
    let pieces = outline.pieces(answers: answers).map { piece in
      if case .answer(let ids, _) = piece { SequencePiece.text(ids + [end]) } else { piece }
    }
    return SequenceSample(
      media: Self.places(of: example, in: places), prefix: pieces, branches: [])
  }

  /// The same with the answers to choose from, a branch each.
  ///
  /// - Throws: as ``sequences(of:places:executor:)``.
  public func choices(
    _ answers: [String], of example: Example, exchange: Int, places: [Identifier: Int]
  ) throws -> SequenceSample {
    var sample = try request(of: example, exchange: exchange, places: places)
    let outline = try Outline(
      questions: example.exchanges[...exchange].map(\.question), media: example.media.count,
      answersLast: false, self, name: example.id.text)
    sample.branches = answers.map { [.answer(ids(of: $0, to: exchange, in: outline))] }
    return sample
  }

  /// The sequence up to where the answer to a question begins, or a caption without one.
  ///
  /// - Parameter media: places in the patch source.
  public func request(question: String? = nil, media: [Int]) throws -> SequenceSample {
    let outline = try Outline(
      questions: [question], media: media.count, answersLast: false, self, name: "the question")
    return SequenceSample(media: media, prefix: outline.pieces(answers: []), branches: [])
  }

  /// What an example's sequence is made of, for people: `[begin][visual tokens][caption][end]`.
  public func description(of example: Example) throws -> String {
    let outline = try Outline(
      questions: example.exchanges.map(\.question), media: example.media.count, answersLast: true,
      self, name: example.id.text)
    return outline.description
  }

  // MARK: - Parts

  private func sample(
    of group: Range<Int>, examples: [Example], outlines: [OutlineKey: Outline],
    places: [Identifier: Int]
  ) throws -> (sample: SequenceSample, alternatives: [Range<Int>]) {
    var branches: [[SequencePiece]] = []
    var alternatives: [Range<Int>] = []
    for index in group {
      let exchanges = examples[index].exchanges
      guard let outline = outlines[OutlineKey(examples[index])] else {
        preconditionFailure("every example has its outline")
      }
      let count = exchanges.map(\.answers.count).max() ?? 0
      for branch in 0..<count {
        let answers = exchanges.enumerated().map { place, exchange in
          ids(of: exchange.answers[branch % exchange.answers.count], to: place, in: outline)
        }
        branches.append(outline.pieces(answers: answers))
      }
      alternatives.append(branches.count - count..<branches.count)
    }
    // What all branches begin with is computed once.
    let first = branches.first ?? []
    let shared = first.indices.first { place in
      if case .answer = first[place] { return true }
      return branches.contains { $0.count <= place || $0[place] != first[place] }
    }
    let prefix = first[..<(shared ?? first.count)]
    return (
      SequenceSample(
        media: Self.places(of: examples[group.lowerBound], in: places), prefix: Array(prefix),
        branches: branches.map { Array($0[prefix.count...]) }),
      alternatives
    )
  }

  private func outlines(
    of examples: [Example], executor: LaneExecutor
  ) throws -> [OutlineKey: Outline] {
    var names: [OutlineKey: String] = [:]
    var keys: [OutlineKey] = []
    for example in examples {
      let key = OutlineKey(example)
      if names.updateValue(names[key] ?? example.id.text, forKey: key) == nil { keys.append(key) }
    }
    let (ordered, named) = (keys, names)
    let made = try executor.map(count: ordered.count) { index in
      let key = ordered[index]
      return try Outline(
        questions: key.questions.map { $0?.text }, media: key.media, answersLast: true, self,
        name: named[key] ?? "")
    }
    return Dictionary(uniqueKeysWithValues: zip(ordered, made))
  }

  /// The ids of an answer to the n-th exchange.
  private func ids(of answer: String, to exchange: Int, in outline: Outline) -> [Int32] {
    let words = Self.trimmed(answer)
    return words.isEmpty ? [] : tokenizer.encode(outline.answerLeads[exchange] + words)
  }

  private static func places(
    of example: Example, in places: [Identifier: Int]
  ) -> [Int] {
    example.media.map { medium in
      guard let place = places[medium.id] else {
        preconditionFailure("the patch source has no \(medium.id)")
      }
      return place
    }
  }

  /// The text in one line.
  static func line(_ text: String) -> String { text.replacing("\n", with: "⏎") }

  static func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespaces) }

  /// The prompt of raw text as it stands before another: the space between them is the other's.
  var textPrompt: String { String(prompt.reversed().drop { $0 == " " }.reversed()) }

  /// What a text that follows `text` begins with.
  static func lead(after text: String) -> String {
    guard let last = text.unicodeScalars.last else { return "" }
    return last.properties.isWhitespace ? "" : " "
  }
}

/// Examples whose sequences are equal but for the answers.
private struct OutlineKey: Hashable {
  let questions: [Identifier?]
  let media: Int

  init(_ example: Example) {
    questions = example.exchanges.map { exchange in exchange.question.map { Identifier($0) } }
    media = example.media.count
  }
}
