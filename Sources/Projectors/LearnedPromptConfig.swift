import Configuration

/// Settings of `kind: learned_prompt`.
public struct LearnedPromptConfig: ConfigSection {
  public var tokens = 32

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("tokens", \.tokens, .positive, "Trained tokens, the same for every image.")
  ]
}
