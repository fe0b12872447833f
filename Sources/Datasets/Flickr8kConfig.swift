import Configuration

/// Settings of `kind: flickr8k`.
public struct Flickr8kConfig: ConfigSection {
  public enum Form: String, ConfigChoice {
    /// Whichever of the two files is there.
    case auto
    /// `captions.txt`, comma-separated with a header, and `Images/`.
    case kaggle
    /// `Flickr8k.token.txt` and the three `Flickr_8k.*Images.txt` lists.
    case classic
  }

  public var root = ConfigPath()
  public var form = Form.auto
  public var split = SplitConfig()
  public var captionsPerImage = 5

  public init() {}

  public static let fields: [Field<Self>] = [
    .path("root", \.root, "The folder with the captions and `Images/`.").required,
    .choice(
      "form", \.form, "kaggle: captions.txt; classic: Flickr8k.token.txt and three split lists."),
    .section("split", \.split, "Images of each part."),
    .integer("captions_per_image", \.captionsPerImage, .range(1...5), "The first n are used."),
  ]
}
