/// One turn of a chat.
public struct ChatMessage: Sendable, Equatable {
  /// `system`, `user` or `assistant`.
  public let role: String
  public let content: String

  public init(role: String, content: String) {
    self.role = role
    self.content = content
  }
}

/// A model's own rule for writing a chat as one text: the `chat_template` of its tokenizer.
///
/// Templates are Jinja programs. This type runs the part of Jinja that chat templates use (ChatML of
/// SmolLM2 and Qwen2.5, Llama 3's, and their like), with the settings of Hugging Face transformers
/// (`trim_blocks`, `lstrip_blocks`). What it does not know is an error on rendering, never a guess;
/// a branch that is not taken, such as the one for tools, may hold anything that parses.
public struct ChatTemplate: Sendable {
  public let text: String
  private let program: Result<[JinjaStatement], JinjaError>
  private let file: String
  private let specialTokens: [String: String]

  /// A template; what is wrong with it comes out when it is first used.
  ///
  /// `specialTokens` are what the template may call `bos_token` and the like; `file` is what errors
  /// name.
  public init(
    _ text: String, file: String = "chat_template", specialTokens: [String: String] = [:]
  ) {
    self.text = text
    self.file = file
    self.specialTokens = specialTokens
    program = Result { () throws(JinjaError) in
      var lexer = JinjaLexer(text)
      var parser = JinjaParser(pieces: try lexer.pieces())
      return try parser.program()
    }
  }

  /// The chat as text, ready to be encoded.
  ///
  /// With `addGenerationPrompt` the text ends where the assistant's answer begins.
  ///
  /// - Throws: ``TokenizerError/template(file:reason:)`` if the template uses something that is not
  ///   understood, or itself refuses these messages.
  public func render(
    _ messages: [ChatMessage], addGenerationPrompt: Bool
  ) throws(TokenizerError) -> String {
    do throws(JinjaError) {
      var globals: [String: JinjaValue] = [
        "messages": .array(
          messages.map {
            .object(["role": .string($0.role), "content": .string($0.content)])
          }), "add_generation_prompt": .bool(addGenerationPrompt), "tools": .none,
        "documents": .none,
      ]
      for (name, token) in specialTokens { globals[name] = .string(token) }
      var evaluator = JinjaEvaluator(globals: globals)
      try evaluator.run(try program.get())
      return evaluator.output
    } catch {
      throw refusal(error.reason)
    }
  }

  func refusal(_ reason: String) -> TokenizerError { .template(file: file, reason: reason) }
}

/// Why a template could not be run.
struct JinjaError: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}
