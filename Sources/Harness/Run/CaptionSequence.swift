import Foundation
import LanguageModels
import Storage
import Tokenizers
import Training

/// How images and captions become sequences of ids: raw text, or a chat.
///
/// Raw: `[begin, if the tokenizer adds one][visual tokens][prompt][caption][end]`; a caption after a
/// prompt starts with a space. In a chat the visual tokens and the prompt are the user's turn, and the
/// caption is the answer: all else is what the model's chat template writes.
public struct CaptionSequence: Sendable {
  public let format: CaptionFormat
  /// Ids that end a generated caption.
  public let endTokens: Set<Int32>
  /// Stands before each caption's text.
  let captionLead: String
  /// For people: `[visual tokens][caption][end]`.
  let description: String

  init(format: CaptionFormat, endTokens: Set<Int32>, captionLead: String, description: String) {
    self.format = format
    self.endTokens = endTokens
    self.captionLead = captionLead
    self.description = description
  }

  /// Raw text.
  init(prompt: String, end: Int32, endTokens: Set<Int32>, tokenizer: any TextTokenizer) {
    let opening = tokenizer.beginToken.map { [$0] } ?? []
    self.init(
      format: CaptionFormat(
        opening: opening, prompt: prompt.isEmpty ? [] : tokenizer.encode(prompt), end: end),
      endTokens: endTokens, captionLead: captionText("", after: prompt),
      description: (opening.isEmpty ? "" : "[begin]") + "[visual tokens]"
        + (prompt.isEmpty ? "" : "[prompt “\(prompt)”]") + "[caption][end]")
  }

  /// A chat by the model's own template.
  ///
  /// A begin token is there if the template writes one, as with `apply_chat_template` of transformers.
  ///
  /// - Parameters:
  ///   - endTokens: that end a generated caption beside the one that ends a turn.
  ///   - folder: for errors.
  /// - Throws: ``UnsupportedSetting`` if there is no template or it ends a turn with no token,
  ///   `TokenizerError` if it is not understood.
  init(
    chat prompt: String, endTokens: Set<Int32>, tokenizer: any TextTokenizer, folder: String
  ) throws {
    guard let template = (tokenizer as? Tokenizer)?.chatTemplate else {
      throw UnsupportedSetting(
        "language_model.chat: true needs the model's chat template, but \(folder) has neither a "
          + "chat_template.jinja nor a chat_template in tokenizer_config.json")
    }
    let frame = try template.frame(question: prompt)
    guard let end = tokenizer.encode(frame.closing).first,
      tokenizer.decode([end], skipSpecialTokens: true).isEmpty
    else {
      throw UnsupportedSetting(
        "language_model.chat: true needs a token that ends the assistant's turn, but the chat "
          + "template of \(folder) writes \(JSONText.quoted(frame.closing)) after an answer, which "
          + "begins with no special token")
    }
    self.init(
      format: CaptionFormat(
        opening: tokenizer.encode(frame.opening), prompt: tokenizer.encode(frame.question),
        end: end),
      endTokens: endTokens.union([end]), captionLead: "",
      description: "\(Self.line(frame.opening))[visual tokens]\(Self.line(frame.question))"
        + "[caption][end]")
  }

  /// A caption's ids, the end token left out.
  func ids(of caption: String, by tokenizer: any TextTokenizer) -> [Int32] {
    tokenizer.encode(captionLead + caption.trimmingCharacters(in: .whitespaces))
  }

  /// The same cut so that prompt, caption and end token are `limit` at most; a caption keeps one.
  func cut(_ ids: [Int32], to limit: Int) -> [Int32] {
    Array(ids.prefix(max(limit - format.prompt.count - 1, 1)))
  }

  /// FLOPs of a model's forward pass over one image's captions.
  func forwardFLOPs(
    of model: any LanguageModel, visualTokens: Int, captions: [[Int32]]
  ) -> Double {
    let image = CaptionedImage(
      visualTokens: visualTokens, prompt: format.prompt, captions: captions)
    let batch = CaptionBatch(images: [image], opening: format.opening, end: format.end)
    return model.forwardFLOPs(batch.work)
  }

  /// The text in one line.
  private static func line(_ text: String) -> String {
    "[chat “\(text.replacing("\n", with: "⏎"))”]"
  }
}
