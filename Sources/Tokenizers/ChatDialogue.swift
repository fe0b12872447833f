/// A stretch of a chat as a template writes it.
public enum ChatPiece: Sendable, Equatable {
  case text(String)
  /// A medium, by the number of its mark.
  case medium(Int)
  /// What the assistant says, by the number of its message among the assistant's; the text after it begins
  /// with the token that ends a turn.
  case answer(Int)
}

extension ChatTemplate {
  /// What stands in a message's content where a medium is to stand.
  ///
  /// Private-use characters, which no template touches and no text holds.
  public static func mark(medium index: Int) -> String { Mark(kind: .medium, index: index).text }

  /// A chat cut at its media and at the assistant's answers.
  ///
  /// The texts are those of the template's own rendering, so that they and the answers in a row are what
  /// it renders for the whole chat. The answers' own words are not looked at. If the last message is not
  /// the assistant's, the chat ends where the answer to it begins.
  ///
  /// - Throws: ``TokenizerError/template(file:reason:)`` if the template can't be run, or if it does
  ///   not write every message once, unchanged, in order, and each answer where its generation prompt
  ///   ends.
  public func dialogue(_ messages: [ChatMessage]) throws(TokenizerError) -> [ChatPiece] {
    var marked: [ChatMessage] = []
    /// For each answer, how many messages stand before it.
    var before: [Int] = []
    for message in messages {
      guard message.role == "assistant" else {
        marked.append(message)
        continue
      }
      let mark = Mark(kind: .answer, index: before.count)
      before.append(marked.count)
      marked.append(ChatMessage(role: message.role, content: mark.text))
    }
    let text = try render(marked, addGenerationPrompt: marked.last?.role != "assistant")
    let pieces = Self.cut(text)
    let expected = marked.flatMap { Self.cut($0.content) }
    guard pieces.filter(\.isMedium) == expected.filter(\.isMedium),
      marked.allSatisfy({ Self.writes($0, in: text) })
    else { throw refusal("it does not write what the user says once, as it is") }
    guard pieces.filter(\.isMark) == expected.filter(\.isMark) else {
      throw refusal("it does not write the assistant's answer once, as it is")
    }
    for (index, count) in before.enumerated() {
      let asked = try render(Array(marked[..<count]), addGenerationPrompt: true)
      let end = pieces.firstIndex(of: .answer(index)) ?? 0
      guard Self.cut(asked) == Array(pieces[..<end]) else {
        throw refusal(
          "an answer does not stand where its generation prompt ends, so that training and "
            + "generation would see different texts")
      }
    }
    return pieces
  }

  /// Whether the words of a message stand in the text, but for white space around them.
  private static func writes(_ message: ChatMessage, in text: String) -> Bool {
    guard message.role == "user" else { return true }
    return cut(message.content).allSatisfy { piece in
      guard case .text(let words) = piece else { return true }
      let scalars = words.unicodeScalars
      let start = scalars.firstIndex { !$0.properties.isWhitespace } ?? scalars.endIndex
      let end = scalars.lastIndex { !$0.properties.isWhitespace }
      guard let end else { return true }
      return Array(text.utf8).firstRange(of: Array(String(scalars[start...end]).utf8)) != nil
    }
  }

  /// By scalars: a mark must not melt into what stands beside it.
  private static func cut(_ text: String) -> [ChatPiece] {
    let scalars = Array(text.unicodeScalars)
    var pieces: [ChatPiece] = []
    var plain = "".unicodeScalars
    func flush() {
      if !plain.isEmpty { pieces.append(.text(String(plain))) }
      plain = "".unicodeScalars
    }
    var place = 0
    while place < scalars.count {
      if let mark = Mark(scalars[place...]) {
        flush()
        pieces.append(mark.kind == .medium ? .medium(mark.index) : .answer(mark.index))
        place += Mark.length
      } else {
        plain.append(scalars[place])
        place += 1
      }
    }
    flush()
    return pieces
  }
}

extension ChatPiece {
  fileprivate var isMedium: Bool { if case .medium = self { true } else { false } }
  fileprivate var isMark: Bool { if case .text = self { false } else { true } }
}

/// A place in a text: four private-use scalars, the third of which is its number.
private struct Mark {
  enum Kind: UInt32 {
    case medium = 0xE000
    case answer = 0xE001
  }

  static let length = 4
  private static let numbers: UInt32 = 0xE100
  private static let inner: UInt32 = 0xF8FF

  let kind: Kind
  let index: Int

  /// - Precondition: `index` is below 4096.
  init(kind: Kind, index: Int) {
    precondition((0..<4096).contains(index), "a chat of \(index) media or answers")
    self.kind = kind
    self.index = index
  }

  /// The mark at the beginning of some scalars.
  init?(_ scalars: ArraySlice<Unicode.Scalar>) {
    let values = scalars.prefix(Self.length).map(\.value)
    guard values.count == Self.length, let kind = Kind(rawValue: values[0]),
      values[1] == Self.inner, values[3] == values[0],
      (Self.numbers..<Self.numbers + 4096).contains(values[2])
    else { return nil }
    self.kind = kind
    index = Int(values[2] - Self.numbers)
  }

  var text: String {
    var text = "".unicodeScalars
    let number = Self.numbers + UInt32(index)
    for value in [kind.rawValue, Self.inner, number, kind.rawValue] {
      if let scalar = Unicode.Scalar(value) { text.append(scalar) }
    }
    return String(text)
  }
}
