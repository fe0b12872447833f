import Configuration

/// Settings of `kind: image_folder`: a folder of images, those in folders inside it too, with captions
/// beside them.
///
/// Several rows of one image are several captions of it, and so is a list in `metadata.jsonl`.
public struct ImageFolderConfig: ImageListSettings {
  /// No path in a metadata file may lead out of it.
  public var root = ConfigPath()
  public var captions = FolderCaptions.auto
  public var textColumn = "text"
  public var parts = ImageParts.split(SplitConfig())
  public var captionsPerImage = 5

  public init() {}

  public static let fields: [Field<Self>] =
    [
      .path("root", \.root, "The folder of images; paths that leave it are refused.").required,
      .choice(
        "captions", \.captions,
        "sidecar: photo.txt beside photo.jpg; csv, jsonl: Hugging Face's metadata file."),
      .string(
        "text_column", \.textColumn, .nonEmpty, "The metadata column that holds the caption."),
    ] + partFields + [
      .integer("captions_per_image", \.captionsPerImage, .positive, "The first n are used.")
    ]

  public func read() throws(DatasetError) -> [ExampleSet] {
    try CaptionedFolder(root: root, captions: captions, textColumn: textColumn, kind: .image)
      .sets(parts, captionsEach: captionsPerImage)
  }
}
