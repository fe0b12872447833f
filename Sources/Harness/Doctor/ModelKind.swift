import Storage

/// The kinds of models that an experiment can name and that come from a Hugging Face folder.
public enum ModelKind: String, Sendable, CaseIterable {
  case dinov2
  case siglip
  case clip
  case vit
  case llama
  case qwen2

  /// Whether it stands under `encoder:`; the others stand under `language_model:`.
  public var isEncoder: Bool {
    switch self {
    case .dinov2, .siglip, .clip, .vit: true
    case .llama, .qwen2: false
    }
  }

  /// The kind that a `config.json` with this `model_type` belongs to; nil if it is none of ours.
  public init?(modelType: String) {
    let whole =
      modelType.hasSuffix("_vision_model") ? String(modelType.dropLast(13)) : modelType
    self.init(rawValue: whole)
  }

  /// The kind of a model folder; nil if its `config.json` names none of ours.
  public init?(_ folder: ModelFolder) throws {
    guard let type = try folder.json("config.json")["model_type"]?.string else { return nil }
    self.init(modelType: type)
  }
}
