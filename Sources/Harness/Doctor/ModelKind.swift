import Encoders
import LanguageModels
import Storage

/// A kind of model that an experiment can name and that comes from a Hugging Face folder.
public enum ModelKind: Sendable, Equatable {
  /// Stands under `encoder:`.
  case encoder(PretrainedEncoderKind)
  /// Stands under `language_model:`.
  case languageModel(PretrainedKind)

  /// Every kind there is.
  public static let all =
    PretrainedEncoderKind.all.map(encoder)
    + PretrainedKind.allCases.map(languageModel)

  /// What a file says.
  public var name: String {
    switch self {
    case .encoder(let kind): kind.name
    case .languageModel(let kind): kind.rawValue
    }
  }

  /// The kind that a `config.json` with this `model_type` belongs to; nil if it is none of ours.
  public init?(modelType: String) {
    guard let kind = Self.all.first(where: { $0.modelTypes.contains(modelType) }) else {
      return nil
    }
    self = kind
  }

  /// Values of `model_type` that a folder of this kind may have.
  private var modelTypes: [String] {
    switch self {
    case .encoder(let kind): kind.modelTypes
    case .languageModel(let kind): [kind.rawValue]
    }
  }

  /// The kind of a model folder; nil if its `config.json` names none of ours.
  public init?(_ folder: ModelFolder) throws {
    guard let type = try folder.json("config.json")["model_type"]?.string else { return nil }
    self.init(modelType: type)
  }
}
