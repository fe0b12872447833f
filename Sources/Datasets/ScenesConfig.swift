import Configuration

/// Settings of `kind: scenes`: drawings made by the program, captions from a small grammar.
public struct ScenesConfig: ConfigSection {
  public var imageSize = 64
  public var train = 1000
  public var validation = 100
  public var test = 200
  public var seed = 0
  public var maxObjects = 3
  public var captionsPerImage = 5

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("image_size", \.imageSize, .range(16...1024), "Side of the square image in pixels."),
    .integer("train", \.train, .positive, "Training images."),
    .integer("validation", \.validation, .positive, "Images that choose the checkpoint."),
    .integer("test", \.test, .positive, "Images that are reported on."),
    .integer("seed", \.seed, .atLeast(0), "Seed of the drawings and captions."),
    .integer("max_objects", \.maxObjects, .range(1...3), "Objects in an image, at most."),
    .integer(
      "captions_per_image", \.captionsPerImage, .range(1...8), "Phrasings of the same scene."),
  ]

  /// The parts in the form of the other data sets.
  public var split: SplitConfig {
    var split = SplitConfig()
    split.train = train
    split.validation = validation
    split.test = test
    split.seed = seed
    return split
  }
}
