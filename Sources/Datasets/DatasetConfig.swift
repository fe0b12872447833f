import Configuration

/// The settings of one kind of data set, and how it is read or drawn.
///
/// A new kind is a file with its type, a line in ``DatasetConfig/cases``, a test and an experiment.
public protocol DatasetSettings: ConfigSection {
  /// Reads, or draws, the data set: one set for each fold, one set where there are no folds.
  ///
  /// - Throws: ``DatasetError`` if something is missing or malformed.
  func read() throws(DatasetError) -> [ExampleSet]

  /// How many sets ``read()`` gives.
  var foldCount: Int { get }

  /// Sizes of the parts and captions of an image, in words, as the settings say them.
  var summary: String { get }
}

extension DatasetSettings {
  public var foldCount: Int { 1 }
}

/// Where examples come from: `dataset:`.
public struct DatasetConfig: ConfigUnion {
  public let settings: any DatasetSettings

  public init(_ settings: some DatasetSettings) { self.settings = settings }

  public static let cases: [UnionCase<Self>] = [
    kind("flickr8k", Flickr8kConfig.self, "Flickr8k photographs with five captions each."),
    kind(
      "scenes", ScenesConfig.self,
      "Drawings of coloured shapes that the program makes; nothing to download."),
    kind("coco_karpathy", CocoKarpathyConfig.self, "COCO with Karpathy's split."),
    kind("colors", ColorsConfig.self, "Drawn pictures of one plain colour, which is to be named."),
    kind(
      "shapes_vqa", ShapesVQAConfig.self,
      "Drawn pictures of one shape, with a caption and questions on colour, shape and place."),
    kind(
      "pairs", PairsConfig.self,
      "Drawn pairs of pictures of one shape each, with questions that compare them."),
    kind("count", CountConfig.self, "Drawn pictures of 1 to N shapes, which are to be counted."),
    kind(
      "glyphs", GlyphsConfig.self,
      "Drawn pictures with a word in letters of a given size, which is to be read."),
    kind(
      "llava_json", LlavaJSONConfig.self,
      "LLaVA's instruction data: conversations with no, one or more images."),
    kind(
      "tones", TonesConfig.self,
      "Made-up sounds of one tone, with a caption and questions on pitch, direction and loudness."),
    kind("audio_folder", AudioFolderConfig.self, "A folder of sounds with captions beside them."),
    kind("image_folder", ImageFolderConfig.self, "A folder of images with captions beside them."),
  ]

  private static func kind<Settings: DatasetSettings>(
    _ name: String, _: Settings.Type, _ documentation: String
  ) -> UnionCase<Self> {
    UnionCase(
      name, documentation, { (settings: Settings) in Self(settings) },
      unwrap: { $0.settings as? Settings })
  }

  public static func == (a: Self, b: Self) -> Bool {
    func isEqual<Settings: DatasetSettings>(_ settings: Settings) -> Bool {
      settings == b.settings as? Settings
    }
    return isEqual(a.settings)
  }

  /// One set for each fold, one set where there are no folds.
  ///
  /// - Throws: ``DatasetError`` if something is missing or malformed.
  public func read() throws(DatasetError) -> [ExampleSet] { try settings.read() }

  public var foldCount: Int { settings.foldCount }

  /// The kind, the sizes of the parts and the captions of an image, in words.
  public var summary: String { "\(kind): \(settings.summary)" }
}
