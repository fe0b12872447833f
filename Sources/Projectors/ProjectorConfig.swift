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
  /// - Throws: ``ProjectorError``, or what the scope's reader throws.
  func makeProjector(at site: ProjectorSite, in scope: ParameterScope) throws -> any Projector

  /// These settings changed so that a medium of this grid gets so many visual tokens; as they are where
  /// none of them decides that.
  ///
  /// - Throws: ``ProjectorError`` for a number that can't be had, or another that is given by the kind's
  ///   own key.
  func giving(tokens: Int, of grid: PatchGrid) throws(ProjectorError) -> Self

  /// What `parameters:` chooses; nil where everything that decides the number of weights is given.
  var sizeSetting: SizeSetting<Self>? { get }
}

extension ProjectorSettings {
  public func giving(tokens: Int, of grid: PatchGrid) throws(ProjectorError) -> Self { self }
  public var sizeSetting: SizeSetting<Self>? { nil }
}

/// The projectors that an experiment can compare; one entry of `projectors:` without its optimiser.
public struct ProjectorConfig: ConfigUnion {
  /// Every kind there is.
  private static let kinds: [any ProjectorSettings.Type] = [
    LinearProjectorConfig.self, MLPProjectorConfig.self, QFormerConfig.self, PerceiverConfig.self,
    CrossAttentionConfig.self, CAbstractorConfig.self, LearnedPromptConfig.self,
  ]

  /// The kind's own keys.
  public let settings: any ProjectorSettings
  /// The keys that all kinds have.
  public var frame: ProjectorFrame

  public init(_ settings: any ProjectorSettings, frame: ProjectorFrame = ProjectorFrame()) {
    self.settings = settings
    self.frame = frame
  }

  public static let cases: [UnionCase<Self>] = kinds.map { $0.unionCase }

  public static func == (a: Self, b: Self) -> Bool {
    a.settings.equals(b.settings) && a.frame == b.frame
  }

  /// The projector of these settings, its weights named below the scope's prefix.
  ///
  /// - Throws: ``ProjectorError`` also for a grid of the site that it cannot take; what the scope's reader
  ///   throws.
  public func makeProjector(
    at site: ProjectorSite, in scope: ParameterScope
  ) throws -> any Projector {
    let sized = try frame.sized(settings, at: site)
    let projector = try frame.around(sized, at: site, in: scope)
    if site.grid.tokens > 0 { try frame.check(projector, sized, at: site) }
    return projector
  }
}

/// The keys of a kind followed by those that all kinds have.
struct ProjectorSection<Settings: ProjectorSettings>: ConfigSection {
  var settings = Settings()
  var frame = ProjectorFrame()

  static var fields: [Field<Self>] {
    // A kind's own key of the same name (a prompt's `tokens`) says the same and has a default.
    let own = Set(Settings.fields.compactMap(\.key))
    return Settings.fields.map { $0.inside(\Self.settings) }
      + ProjectorFrame.fields.filter { !own.contains($0.key ?? "") }
      .map { $0.inside(\Self.frame) }
  }

  static var alternatives: [[String]] { Settings.alternatives }
  var problems: [SectionProblem] { settings.problems }
}

extension ProjectorSettings {
  fileprivate static var unionCase: UnionCase<ProjectorConfig> {
    UnionCase(kind, documentation, wrapped, unwrap: { unwrapped($0) })
  }

  private static func wrapped(_ section: ProjectorSection<Self>) -> ProjectorConfig {
    ProjectorConfig(section.settings, frame: section.frame)
  }

  private static func unwrapped(_ config: ProjectorConfig) -> ProjectorSection<Self>? {
    (config.settings as? Self).map { ProjectorSection(settings: $0, frame: config.frame) }
  }

  fileprivate func equals(_ other: any ProjectorSettings) -> Bool { other as? Self == self }
}
