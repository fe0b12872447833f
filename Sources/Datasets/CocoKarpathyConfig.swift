import Configuration

/// Settings of `kind: coco_karpathy`.
public struct CocoKarpathyConfig: ConfigSection {
  public var annotations = ConfigPath()
  public var root = ConfigPath()
  public var restval = true
  public var split = SplitConfig()
  public var captionsPerImage = 5

  public init() {}

  public static let fields: [Field<Self>] = [
    .path("annotations", \.annotations, "Karpathy's `dataset_coco.json`.").required,
    .path("root", \.root, "The folder that holds `train2014/`, `val2014/`, …").required,
    .bool("restval", \.restval, "Whether the 30,504 images of `restval` count as training images."),
    .section("split", \.split, "Images of each part, out of Karpathy's own."),
    .integer("captions_per_image", \.captionsPerImage, .range(1...7), "The first n are used."),
  ]
}
