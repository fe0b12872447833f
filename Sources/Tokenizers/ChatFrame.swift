/// The text of a chat around a user's turn, with a place for images in it, and the answer.
public struct ChatFrame: Sendable, Equatable {
  /// Up to where the user begins to speak.
  public let opening: String
  /// What the user says after the images, and what follows up to where the assistant begins.
  public let question: String
  /// What follows the assistant's answer: it begins with the token that ends a turn.
  public let closing: String
}

extension ChatTemplate {
  /// The chat of one question about images, which stand before it, and one answer.
  ///
  /// The parts are cut out of the template's own text, so that `opening`, images, `question`, answer
  /// and `closing` in a row are what it renders for the whole chat.
  ///
  /// - Throws: ``TokenizerError/template(file:reason:)`` if the template can't be run, or if it does
  ///   not write question and answer once each, unchanged, the answer where its generation prompt
  ///   ends.
  public func frame(question prompt: String) throws(TokenizerError) -> ChatFrame {
    // Private-use characters, which no template touches and no caption holds.
    let (images, answer) = ("\u{E000}\u{F8FF}\u{E000}", "\u{E001}\u{F8FF}\u{E001}")
    let user = ChatMessage(role: "user", content: images + prompt)
    let asked = try render([user], addGenerationPrompt: true)
    let answered = try render(
      [user, ChatMessage(role: "assistant", content: answer)], addGenerationPrompt: false)
    guard let (opening, question) = asked.cutOnce(at: images) else {
      throw refusal("it does not write what the user says once, as it is")
    }
    guard let (before, closing) = answered.cutOnce(at: answer) else {
      throw refusal("it does not write the assistant's answer once, as it is")
    }
    guard before.utf8.elementsEqual(asked.utf8) else {
      throw refusal(
        "an answer does not stand where its generation prompt ends, so that training and "
          + "generation would see different texts")
    }
    return ChatFrame(opening: opening, question: question, closing: closing)
  }
}

extension String {
  /// The texts before and after a mark that occurs once; nil if it does not.
  fileprivate func cutOnce(at mark: String) -> (String, String)? {
    // By scalars: a mark must not melt into what stands beside it.
    let (text, mark) = (Array(unicodeScalars), Array(mark.unicodeScalars))
    let places = text.indices.filter { text[$0...].starts(with: mark) }
    guard places.count == 1, let place = places.first else { return nil }
    var (before, after) = ("".unicodeScalars, "".unicodeScalars)
    before.append(contentsOf: text[..<place])
    after.append(contentsOf: text[(place + mark.count)...])
    return (String(before), String(after))
  }
}
