import Configuration
import Layers
import Tensors

/// Settings of `kind: learned_prompt`.
public struct LearnedPromptConfig: ProjectorSettings {
  public static let kind = "learned_prompt"
  public static let documentation =
    "A control: trained tokens that never see the image."

  public var tokens = 32

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("tokens", \.tokens, .positive, "Trained tokens, the same for every image.")
  ]

  public var sizeSetting: SizeSetting<Self>? {
    tokens == Self().tokens ? SizeSetting("tokens", \.tokens, of: self) : nil
  }

  public func makeProjector(
    at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    try LearnedPrompt(tokens: tokens, languageWidth: site.languageWidth, in: scope)
  }
}
