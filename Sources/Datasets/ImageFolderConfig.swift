import Configuration

/// Settings of `kind: image_folder`.
public struct ImageFolderConfig: ConfigSection {
  public enum Captions: String, ConfigChoice {
    /// `metadata.jsonl`, else `metadata.csv`, else sidecar files.
    case auto
    /// `photo.txt` beside `photo.jpg`, a caption a line.
    case sidecar
    /// Hugging Face's `metadata.csv`.
    case csv
    /// Hugging Face's `metadata.jsonl`.
    case jsonl
  }

  public var root = ConfigPath()
  public var captions = Captions.auto
  public var textColumn = "text"
  public var split = SplitConfig()
  public var captionsPerImage = 5

  public init() {}

  public static let fields: [Field<Self>] = [
    .path("root", \.root, "The folder of images; paths that leave it are refused.").required,
    .choice(
      "captions", \.captions,
      "sidecar: photo.txt beside photo.jpg; csv, jsonl: Hugging Face's metadata file."),
    .string("text_column", \.textColumn, .nonEmpty, "The metadata column that holds the caption."),
    .section("split", \.split, "Images of each part."),
    .integer("captions_per_image", \.captionsPerImage, .positive, "The first n are used."),
  ]
}
