import Configuration

/// A declared search of settings, the same number of trials for every arm: `search:`.
///
/// Keys with a point in them are settings of an arm with the values to try
/// (`optimizer.peak_learning_rate: [3.0e-4, 1.0e-3]`); every combination is tried.
public struct SearchConfig: ConfigSection {
  public var images = 400
  public var epochs = 1
  /// By the arm's dotted key.
  public var settings: ConfigEntries<[SearchedValue]> = [:]

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("images", \.images, .positive, "Training images that a trial uses."),
    .integer("epochs", \.epochs, .positive, "Passes of each stage in a trial."),
    .open(
      \.settings, of: .list(of: .searched, .nonEmpty), keys: .dottedKey, name: "SETTING",
      "Settings of an arm with the values to try, such as `optimizer.peak_learning_rate: [1.0e-3, "
        + "3.0e-3]`; every combination is a trial."),
  ]

  public var problems: [SectionProblem] {
    settings.isEmpty
      ? [SectionProblem("images", "names no setting to try, such as optimizer.peak_learning_rate")]
      : []
  }
}

/// One value to try, as it was written: what it means is the arm's to say.
public struct SearchedValue: Sendable, Equatable {
  public let text: String
}

extension ValueType where Value == SearchedValue {
  /// A number, a word or a text.
  static var searched: Self {
    .scalar(
      "a value", schema: [], .any, parse: { SearchedValue(text: $0) }, encode: { .plain($0.text) })
  }
}

extension Rule where Value == String {
  /// `optimizer.peak_learning_rate`.
  static var dottedKey: Self {
    Rule(
      "a setting of an arm, such as optimizer.peak_learning_rate", []
    ) { text in
      !text.isEmpty && text.allSatisfy { $0.isLetter || $0.isNumber || "._".contains($0) }
    }
  }
}
