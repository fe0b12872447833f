import Configuration

/// How many images each part takes: `split:`.
///
/// Where the data set has official lists, each part takes from its own list. Otherwise the images are
/// shuffled and cut: test, validation, then training.
public struct SplitConfig: ConfigSection {
  /// `nil`: all that are left.
  public var train: Int?
  public var validation = 1000
  public var test = 1000
  public var seed = 0

  public init() {}

  public init(train: Int?, validation: Int, test: Int, seed: Int = 0) {
    self.train = train
    self.validation = validation
    self.test = test
    self.seed = seed
  }

  public static let fields: [Field<Self>] = [
    .integer("train", \.train, .positive, "Training images; null: all that are left."),
    .integer("validation", \.validation, .positive, "Images that choose the checkpoint."),
    .integer("test", \.test, .positive, "Images that are reported on."),
    .integer("seed", \.seed, .atLeast(0), "Seed of the choice of images."),
  ]

  /// As the description of a data set says it.
  var words: String {
    "\(train.map { "\($0)" } ?? "all") train, \(validation) validation, \(test) test, seed \(seed)"
  }

  var summary: String {
    "\(train.map { "\($0)" } ?? "all other") training, \(validation) validation, \(test) test images"
  }
}

/// Cross-validation: `folds:`.
///
/// All images are shuffled; some are held out as the validation images of every fold, the others are cut
/// into folds. Fold k tests on its own images and trains on those of the other folds, so every image
/// outside the hold-out is tested once.
public struct FoldsConfig: ConfigSection {
  public var count = 5
  public var holdout = 100
  public var seed = 0

  public init() {}

  public init(count: Int, holdout: Int, seed: Int = 0) {
    self.count = count
    self.holdout = holdout
    self.seed = seed
  }

  public static let fields: [Field<Self>] = [
    .integer("count", \.count, .atLeast(2), "Folds: each trains and tests once."),
    .integer(
      "holdout", \.holdout, .positive,
      "Images that no fold trains or tests on: they choose checkpoints and searched settings."),
    .integer("seed", \.seed, .atLeast(0), "Seed of the shuffle."),
  ]

  var words: String { "\(count) folds, holdout \(holdout), seed \(seed)" }
}

/// How the images of a data set that is a list of files become parts.
public enum ImageParts: Sendable, Equatable {
  /// The lists that the data set comes with.
  case official
  case split(SplitConfig)
  case folds(FoldsConfig)
}

/// The settings of a data set of files, of which either `split` or `folds` makes parts.
public protocol ImageListSettings: DatasetSettings {
  var parts: ImageParts { get set }
  var captionsPerImage: Int { get set }
}

extension ImageListSettings {
  /// Setting nil asks for the official lists.
  public var split: SplitConfig? {
    get { if case .split(let split) = parts { split } else { nil } }
    set { parts = newValue.map(ImageParts.split) ?? .official }
  }

  /// Setting nil changes nothing: `split` speaks.
  public var folds: FoldsConfig? {
    get { if case .folds(let folds) = parts { folds } else { nil } }
    set { if let newValue { parts = .folds(newValue) } }
  }

  public var foldCount: Int { folds?.count ?? 1 }

  public static var alternatives: [[String]] { [["split", "folds"]] }

  /// `split` and `folds`.
  static var partFields: [Field<Self>] {
    [
      .section("split", \.split, "Images of each part; null: the lists that the data set has."),
      .section("folds", \.folds, "Cross-validation instead of a split."),
    ]
  }

  public var summary: String {
    let sizes =
      switch parts {
      case .official: "the data set's own lists"
      case .split(let split): split.summary
      case .folds(let folds): "\(folds.count) folds, \(folds.holdout) images held out"
      }
    return "\(sizes); \(captionsPerImage) captions each"
  }
}
