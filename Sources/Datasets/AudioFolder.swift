import Configuration

/// Settings of `kind: audio_folder`: a folder of sounds, those in folders inside it too, with captions
/// beside them, as ``ImageFolderConfig`` has images.
///
/// WAV and FLAC of any rate and number of channels; the encoder's log-mel front end mixes the channels and
/// resamples.
public struct AudioFolderConfig: ImageListSettings {
  /// No path in a metadata file may lead out of it.
  public var root = ConfigPath()
  public var captions = FolderCaptions.auto
  public var textColumn = "text"
  public var parts = ImageParts.split(SplitConfig())
  public var captionsPerImage = 5

  public init() {}

  public static let fields: [Field<Self>] =
    [
      .path("root", \.root, "The folder of sounds; paths that leave it are refused.").required,
      .choice(
        "captions", \.captions,
        "sidecar: bell.txt beside bell.wav; csv, jsonl: Hugging Face's metadata file."),
      .string(
        "text_column", \.textColumn, .nonEmpty, "The metadata column that holds the caption."),
    ] + partFields + [
      .integer("captions_per_sound", \.captionsPerImage, .positive, "The first n are used.")
    ]

  public func read() throws(DatasetError) -> [ExampleSet] {
    try CaptionedFolder(root: root, captions: captions, textColumn: textColumn, kind: .sound)
      .sets(parts, captionsEach: captionsPerImage)
  }
}
