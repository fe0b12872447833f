import Configuration

/// A declared search of settings, the same number of trials for every arm: `search:`.
///
/// Keys with a point in them are settings of an arm with the values to try
/// (`optimizer.peak_learning_rate: [3.0e-4, 1.0e-3]`); every combination is tried.
public struct SearchConfig: ConfigSection {
  public var images = 400
  public var epochs = 1
  /// By the arm's dotted key.
  public var settings: ConfigEntries<[ConfigNode]> = [:]

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("images", \.images, .positive, "Training images that a trial uses."),
    .integer("epochs", \.epochs, .positive, "Passes of each stage in a trial."),
    .open(
      \.settings, of: .list(of: .anyScalar, .nonEmpty), keys: .keyPath(atLeast: 2),
      name: "KEY.OF.AN.ARM",
      "Settings of an arm with the values to try, such as `optimizer.peak_learning_rate: [1.0e-3, "
        + "3.0e-3]`; every combination is a trial."),
  ]

  public var problems: [SectionProblem] {
    settings.isEmpty
      ? [SectionProblem("images", "names no setting to try, such as optimizer.peak_learning_rate")]
      : []
  }
}
