import Configuration
import Datasets
import Foundation
import LanguageModels
import Tensors
import TestSupport
import Testing
import Tokenizers

@testable import Training

/// How examples become sequences.
@Suite struct SequenceTemplateTests {
  /// One id a character, begin 1 and end 2 when asked for: a joint shows.
  private struct Letters: TextTokenizer {
    var begin: Int32? = 1
    func encode(_ text: String) -> [Int32] { text.unicodeScalars.map { Int32($0.value) } }
    func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String { Letters.text(ids) }
    var beginToken: Int32? { begin }
    var endToken: Int32? { 2 }
    var vocabularySize: Int { 1 << 16 }
    func tokenID(of token: String) -> Int32? { nil }
    var digestContent: [UInt8] { [] }

    static func text(_ ids: [Int32]) -> String {
      ids.map { id in
        switch id {
        case 1: "^"
        case 2: "$"
        default: Unicode.Scalar(UInt32(id)).map { String(Character($0)) } ?? "?"
        }
      }.joined()
    }
  }

  private static func medium(_ id: String) -> Medium {
    Medium(id: Identifier(id), source: .file(URL(filePath: "/\(id).png")))
  }

  private static func example(
    _ id: String, media: [String] = ["a"], _ exchanges: Exchange...
  ) -> Example {
    Example(id: Identifier(id), media: media.map(medium), exchanges: exchanges)
  }

  private static func example(_ exchanges: Exchange...) -> Example {
    Example(id: "e", media: [medium("a")], exchanges: exchanges)
  }

  private static let places: [Identifier: Int] = ["a": 7, "b": 3]

  private static func set(
    _ examples: [Example], prompt: String = "", begin: Int32? = 1, threads: Int = 2
  ) throws -> SequenceSet {
    try SequenceTemplate(prompt: prompt, end: 2, tokenizer: Letters(begin: begin)).sequences(
      of: examples, places: places, executor: LaneExecutor(threads: threads))
  }

  /// A sample as text: media in brackets, answers in parentheses, branches after bars.
  private static func shown(_ sample: SequenceSample) -> String {
    func shown(_ pieces: [SequencePiece]) -> String {
      pieces.map { piece in
        switch piece {
        case .visual(let medium): "[\(sample.media[medium])]"
        case .text(let ids): Letters.text(ids)
        case .answer(let ids, let isWhole): "(\(Letters.text(ids))\(isWhole ? "$" : ""))"
        }
      }.joined()
    }
    return ([sample.prefix] + sample.branches).map(shown).joined(separator: "|")
  }

  @Test(
    "what stands between prompt, question and answer",
    arguments: [
      ("", nil, "^[7]|(dog$)"), ("a photo of", nil, "^[7]a photo of|( dog$)"),
      // A space at the prompt's end is not written twice.
      ("a photo of ", nil, "^[7]a photo of|( dog$)"), ("  ", nil, "^[7]|(dog$)"),
      ("It is:\n", nil, "^[7]It is:\n|(dog$)"), ("", "what?", "^[7]what?|( dog$)"),
      ("Look.", "what?", "^[7]Look. what?|( dog$)"),
      ("Look. ", " what? ", "^[7]Look. what?|( dog$)"),
      ("Q:\n", "what?\n", "^[7]Q:\nwhat?\n|(dog$)"),
    ] as [(String, String?, String)])
  func joints(prompt: String, question: String?, expected: String) throws {
    let set = try Self.set(
      [Self.example(Exchange(question: question, answers: [" dog "]))], prompt: prompt)
    #expect(set.samples.map(Self.shown) == [expected])
  }

  @Test("the case of AReaL#1427: one space less, one row less, with a real tokenizer")
  func areal() throws {
    let tokenizer = try Tokenizer(folder: Fixtures.folder("tokenizer/smollm2"))
    func ids(_ prompt: String) throws -> [SequencePiece] {
      let template = SequenceTemplate(prompt: prompt, end: 2, tokenizer: tokenizer)
      let set = try template.sequences(
        of: [Self.example(Exchange(answers: ["a dog runs"]))], places: Self.places,
        executor: LaneExecutor(threads: 1))
      return set.samples[0].prefix + set.samples[0].branches[0]
    }
    let right: [SequencePiece] = [
      .visual(0), .text(tokenizer.encode("a photo of")), .answer(tokenizer.encode(" a dog runs")),
    ]
    #expect(try ids("a photo of ") == right)
    #expect(try ids("a photo of") == right)
  }

  @Test("no begin token where the tokenizer adds none")
  func noBegin() throws {
    let set = try Self.set([Self.example(Exchange(answers: ["x"]))], begin: nil)
    #expect(set.samples.map(Self.shown) == ["[7]|(x$)"])
  }

  @Test("captions are branches of one sample, alternatives of each other")
  func captions() throws {
    let set = try Self.set(
      [
        Self.example("1", Exchange(answers: ["x", "y"])),
        Self.example("2", media: ["b"], Exchange(answers: ["z"])),
      ], prompt: "p")
    #expect(set.samples.map(Self.shown) == ["^[7]p|( x$)|( y$)", "^[3]p|( z$)"])
    #expect(set.alternatives == [[0..<2], [0..<1]])
    #expect(set.examples == [[0], [1]])
    #expect(set.answers == 3)
  }

  @Test("questions on one image share what they begin with; each keeps its alternatives")
  func questions() throws {
    let set = try Self.set([
      Self.example("1", Exchange(question: "hue?", answers: ["red"])),
      Self.example("2", Exchange(question: "form?", answers: ["disc", "circle"])),
      Self.example("3", media: ["b"], Exchange(question: "hue?", answers: ["blue"])),
    ])
    #expect(
      set.samples.map(Self.shown) == [
        "^[7]|hue?( red$)|form?( disc$)|form?( circle$)", "^[3]hue?|( blue$)",
      ])
    #expect(set.alternatives == [[0..<1, 1..<3], [0..<1]])
    #expect(set.examples == [[0, 1], [2]])
  }

  @Test("texts without media are not taken for one sample")
  func withoutMedia() throws {
    let set = try Self.set([
      Self.example("1", media: [], Exchange(answers: ["x"])),
      Self.example("2", media: [], Exchange(answers: ["y"])),
    ])
    #expect(set.samples.map(Self.shown) == ["^|(x$)", "^|(y$)"])
  }

  @Test("a dialogue is one branch; the question after an answer's end follows at once")
  func dialogue() throws {
    let set = try Self.set(
      [
        Self.example(
          Exchange(question: "hue?", answers: ["red"]),
          Exchange(question: "and form?", answers: ["disc"]))
      ], prompt: "Look.")
    #expect(set.samples.map(Self.shown) == ["^[7]Look. hue?|( red$)and form?( disc$)"])
  }

  @Test(
    "media stand first, or where the questions hold marks",
    arguments: [
      ("same?", nil, "^[7][3]P same?|( no$)"),
      ("<image>\n<image>\nsame?", nil, "^[7][3]P same?|( no$)"),
      ("<image> or <image>?", nil, "^[7]P or [3]?|( no$)"),
      ("is <image> like <image>", nil, "^P is [7] like [3]|(no$)"),
      ("<image>\nred?", "and <image>?", "^[7]P red?|( no$)and [3]?( no$)"),
    ] as [(String, String?, String)])
  func marks(first: String, second: String?, expected: String) throws {
    let exchanges = [first, second].compactMap { $0 }.map {
      Exchange(question: $0, answers: ["no"])
    }
    let example = Example(
      id: "e", media: [Self.medium("a"), Self.medium("b")], exchanges: exchanges)
    #expect(try Self.set([example], prompt: "P").samples.map(Self.shown) == [expected])
  }

  @Test(
    "one mark that opens or closes the first question is as none",
    arguments: ["<image>\nred?", "red?\n<image>", "<image>red?", "red?"])
  func oneMark(question: String) throws {
    let set = try Self.set([Self.example(Exchange(question: question, answers: ["no"]))])
    #expect(set.samples.map(Self.shown) == ["^[7]red?|( no$)"])
  }

  @Test("marks that are not as many as the media are refused")
  func wrongMarks() {
    let error = #expect(throws: SequenceError.self) {
      try Self.set([
        Self.example(
          "q17", Exchange(question: "is <image> like <image>?", answers: ["no"]))
      ])
    }
    #expect(
      error?.description
        == "q17: its questions hold 2 times <image>, but it has 1 image. Write one mark an image, or "
        + "none.")
  }

  @Test("what is generated from is the sequence up to the answer")
  func requests() throws {
    let template = SequenceTemplate(prompt: "Look.", end: 2, tokenizer: Letters())
    #expect(Self.shown(try template.request(media: [7])) == "^[7]Look.")
    #expect(
      Self.shown(try template.request(question: "hue?", media: [7, 3])) == "^[7][3]Look. hue?")
    let example = Self.example(
      Exchange(question: "hue?", answers: ["red", "rose"]),
      Exchange(question: "and form?", answers: ["disc"]))
    #expect(
      Self.shown(try template.request(of: example, places: Self.places))
        == "^[7]Look. hue? red$and form?")
    #expect(
      Self.shown(try template.request(of: example, exchange: 0, places: Self.places))
        == "^[7]Look. hue?")
  }

  @Test("a sequence is described for people")
  func descriptions() throws {
    func description(_ prompt: String, _ exchanges: Exchange...) throws -> String {
      try SequenceTemplate(prompt: prompt, end: 2, tokenizer: Letters()).description(
        of: Example(id: "e", media: [Self.medium("a")], exchanges: exchanges))
    }
    #expect(
      try description("", Exchange(answers: ["x"])) == "[begin][visual tokens][caption][end]")
    let turn = Exchange(question: "q", answers: ["x"])
    #expect(
      try description("p", turn, turn)
        == "[begin][visual tokens][prompt “p”][question][answer][end][question][answer][end]")
  }

  @Test("the same samples for any number of threads")
  func threads() throws {
    let examples = (0..<50).map {
      Self.example("\($0)", Exchange(question: "q\($0 % 7)", answers: ["a\($0)"]))
    }
    let one = try Self.set(examples, threads: 1)
    let many = try Self.set(examples, threads: 4)
    #expect(one.samples == many.samples && one.examples == many.examples)
  }

  // MARK: - Cutting

  @Test("an answer that is cut is counted and not taught its end")
  func cutting() throws {
    let examples = [
      Self.example("1", Exchange(answers: ["abc", "abcd", "abcde"])),
      Self.example("2", media: ["b"], Exchange(answers: ["a"])),
    ]
    // The prompt takes two, a space one.
    let set = try Self.set(examples, prompt: "pp")
    let cut = try set.cut(toTextTokens: 7, of: examples)
    #expect(cut.samples.map(Self.shown) == ["^[7]pp|( abc$)|( abcd)|( abcd)", "^[3]pp|( a$)"])
    #expect(cut.cutAnswers == 2 && cut.cutTokens == 1 + 2)
    #expect(set.cutAnswers == 0)
    let whole = try set.cut(toTextTokens: 9, of: examples)
    #expect(whole.samples == set.samples && whole.cutAnswers == 0)
  }

  @Test("what follows a cut answer is left out, and its answers are counted")
  func cutDialogue() throws {
    let turn = Exchange(question: "q?", answers: ["abc"])
    let examples = [Self.example(turn, turn, turn)]
    let set = try Self.set(examples)
    // A turn is two and four and its end.
    let cut = try set.cut(toTextTokens: 11, of: examples)
    #expect(cut.samples.map(Self.shown) == ["^[7]q?|( abc$)q?( a)"])
    #expect(cut.cutAnswers == 2 && cut.cutTokens == 3 + 5)
    let before = try set.cut(toTextTokens: 7, of: examples)
    #expect(before.samples.map(Self.shown) == ["^[7]q?|( abc$)"])
    #expect(before.cutAnswers == 2 && before.cutTokens == 10)
  }

  @Test("an answer of which nothing is left is an error that names its example")
  func nothingLeft() throws {
    let examples = [
      Self.example("short", Exchange(question: "q?", answers: ["x"])),
      Self.example("long", Exchange(question: "what a long question?", answers: ["x"])),
    ]
    let set = try Self.set(examples)
    let error = #expect(throws: SequenceError.self) {
      try set.cut(toTextTokens: 10, of: examples)
    }
    #expect(
      error?.description
        == "long: prompt and question take all of max_text_tokens 10, nothing is left of the answer. "
        + "Raise max_text_tokens or shorten the prompt.")
  }
}
