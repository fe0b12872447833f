import Configuration
import Layers
import Tensors

/// Settings of one kind of projector, and how it is made of them: all that a kind is to an experiment.
public protocol ProjectorSettings: ConfigSection {
  /// What a file says: `kind: qformer`.
  static var kind: String { get }
  /// What this kind is.
  static var documentation: String { get }

  /// The projector of these settings, its weights named below the scope's prefix.
  ///
  /// - Parameters:
  ///   - patchWidth: width of the encoder's features.
  ///   - grid: of the media, for a projector whose weights depend on it (none here does).
  ///   - languageWidth: width of the language model.
  /// - Throws: ``ProjectorError``, or what the scope's reader throws.
  func makeProjector(
    patchWidth: Int, grid: PatchGrid, languageWidth: Int, in scope: ParameterScope
  ) throws -> any Projector
}

/// The projectors that an experiment can compare; one entry of `projectors:` without its optimiser.
public struct ProjectorConfig: ConfigUnion {
  /// Every kind there is.
  private static let kinds: [any ProjectorSettings.Type] = [
    LinearProjectorConfig.self, MLPProjectorConfig.self, QFormerConfig.self, PerceiverConfig.self,
    LearnedPromptConfig.self,
  ]

  public let settings: any ProjectorSettings

  public init(_ settings: any ProjectorSettings) { self.settings = settings }

  public static let cases: [UnionCase<Self>] = kinds.map { $0.unionCase }

  public static func == (a: Self, b: Self) -> Bool { a.settings.equals(b.settings) }

  /// See ``ProjectorSettings/makeProjector(patchWidth:grid:languageWidth:in:)``.
  public func makeProjector(
    patchWidth: Int, grid: PatchGrid, languageWidth: Int, in scope: ParameterScope
  ) throws -> any Projector {
    try settings.makeProjector(
      patchWidth: patchWidth, grid: grid, languageWidth: languageWidth, in: scope)
  }
}

extension ProjectorSettings {
  fileprivate static var unionCase: UnionCase<ProjectorConfig> {
    UnionCase(kind, documentation, { (settings: Self) in ProjectorConfig(settings) }) {
      $0.settings as? Self
    }
  }

  fileprivate func equals(_ other: any ProjectorSettings) -> Bool { other as? Self == self }
}
