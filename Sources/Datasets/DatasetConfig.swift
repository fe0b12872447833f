import Configuration

/// Where images and captions come from: `dataset:`.
public enum DatasetConfig: ConfigUnion {
  case flickr8k(Flickr8kConfig)
  case scenes(ScenesConfig)
  case cocoKarpathy(CocoKarpathyConfig)
  case imageFolder(ImageFolderConfig)

  public static let cases: [UnionCase<Self>] = [
    UnionCase("flickr8k", "Flickr8k photographs with five captions each.", Self.flickr8k) {
      if case .flickr8k(let config) = $0 { config } else { nil }
    },
    UnionCase(
      "scenes", "Drawings of coloured shapes that the program makes; nothing to download.",
      Self.scenes
    ) {
      if case .scenes(let config) = $0 { config } else { nil }
    },
    UnionCase("coco_karpathy", "COCO with Karpathy's split.", Self.cocoKarpathy) {
      if case .cocoKarpathy(let config) = $0 { config } else { nil }
    },
    UnionCase("image_folder", "A folder of images with captions beside them.", Self.imageFolder) {
      if case .imageFolder(let config) = $0 { config } else { nil }
    },
  ]

  /// References per image that the data set keeps.
  public var captionsPerImage: Int {
    switch self {
    case .flickr8k(let config): config.captionsPerImage
    case .scenes(let config): config.captionsPerImage
    case .cocoKarpathy(let config): config.captionsPerImage
    case .imageFolder(let config): config.captionsPerImage
    }
  }

  /// How many images each part takes.
  public var split: SplitConfig {
    switch self {
    case .flickr8k(let config): config.split
    case .scenes(let config): config.split
    case .cocoKarpathy(let config): config.split
    case .imageFolder(let config): config.split
    }
  }
}

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

  public static let fields: [Field<Self>] = [
    .integer("train", \.train, .positive, "Training images; null: all that are left."),
    .integer("validation", \.validation, .positive, "Images that choose the checkpoint."),
    .integer("test", \.test, .positive, "Images that are reported on."),
    .integer("seed", \.seed, .atLeast(0), "Seed of the choice of images."),
  ]
}
