import Configuration
import Foundation

/// Settings of `kind: flickr8k`: Flickr8k (Hodosh et al. 2013), or any set of images in one of its forms.
///
/// The Kaggle form has no parts of its own: a split or folds make them. The classic form has; a split takes
/// that many images of each list.
public struct Flickr8kConfig: ImageListSettings {
  public enum Form: String, ConfigChoice {
    /// The Kaggle form if `captions.txt` is there, else the classic one.
    case auto
    /// `captions.txt`, comma-separated with the header `image,caption`, and `Images/`.
    case kaggle
    /// `Flickr8k.token.txt`, `Flickr_8k.{train,dev,test}Images.txt` and `Flicker8k_Dataset/`.
    case classic
  }

  /// The folder with the captions (or with `classic/` or `Flickr8k_text/`) and the images.
  public var root = ConfigPath()
  public var form = Form.auto
  public var parts = ImageParts.split(SplitConfig())
  public var captionsPerImage = 5

  public init() {}

  public static let fields: [Field<Self>] =
    [
      .path("root", \.root, "The folder with the captions and `Images/`.").required,
      .choice(
        "form", \.form, "kaggle: captions.txt; classic: Flickr8k.token.txt and three split lists."),
    ] + partFields + [
      .integer("captions_per_image", \.captionsPerImage, .range(1...5), "The first n are used.")
    ]

  public func read() throws(DatasetError) -> [ExampleSet] {
    let reader = Flickr8kReader(root: root.url)
    let images = try reader.imageFolder()
    let isKaggle = form == .kaggle || (form == .auto && reader.exists("captions.txt"))
    let records = try isKaggle ? reader.kaggle() : reader.classic()
    return try records.sets(
      name: "flickr8k", description: "Flickr8k, \(isKaggle ? "kaggle" : "classic") form", parts,
      images: images, captionsPerImage: captionsPerImage)
  }
}

private struct Flickr8kReader {
  let root: URL

  func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  func imageFolder() throws(DatasetError) -> ImageFolder {
    let folder = try ImageFolder(existing: root)
    let names = [
      "Images", "images", "Flicker8k_Dataset/Flicker8k_Dataset", "Flicker8k_Dataset",
      "Flickr8k_Dataset",
    ]
    guard let name = names.first(where: exists) else {
      throw DatasetError(
        file: root.path,
        problem: "the folder holds no images: neither Images nor Flicker8k_Dataset",
        fix: "Put the photographs into \(root.appending(path: "Images").path)")
    }
    return ImageFolder(url: folder.url.appending(path: name))
  }

  func kaggle() throws(DatasetError) -> ImageRecords {
    let file = try TextFile(
      root.appending(path: "captions.txt"), role: "Flickr8k's captions, \"image,caption\" a line")
    let rows = try file.commaSeparatedRecords()
    guard let header = rows.first, header.fields == ["image", "caption"] else {
      throw file.error(
        1, "the first line should be \"image,caption\"",
        "Take captions.txt of the Kaggle data set, or use the classic form")
    }
    var records = RecordList()
    for row in rows.dropFirst() {
      guard row.fields.count == 2 else {
        throw file.error(
          row.line, "a line should be an image and a caption, got \(row.fields.count) fields",
          "Put a caption that holds commas into double quotes")
      }
      try records.add(row.fields[0], row.fields[1], file, row.line)
    }
    return .list(records.records, file: file.path)
  }

  func classic() throws(DatasetError) -> ImageRecords {
    let folders = ["", "classic/", "Flickr8k_text/"]
    let folder = folders.first { exists($0 + "Flickr8k.token.txt") } ?? ""
    let text = root.appending(path: folder)
    let file = try TextFile(
      text.appending(path: "Flickr8k.token.txt"),
      role: "Flickr8k's captions, \"name.jpg#0<TAB>caption\" a line (or, in the Kaggle form, "
        + "captions.txt should be there)")
    var records = RecordList()
    for (number, line) in file.lines {
      let halves = line.split(separator: 0x09, maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, let mark = halves[0].lastIndex(of: UInt8(ascii: "#")) else {
        throw file.error(
          number, "a line should be name.jpg#NUMBER, a tab and a caption", "Correct the line")
      }
      let name = try file.text(halves[0][..<mark], line: number)
      try records.add(name, try file.text(halves[1], line: number), file, number)
    }
    var taken: [Identifier: String] = [:]
    func list(_ part: String) throws(DatasetError) -> [ImageRecord] {
      let list = try TextFile(
        text.appending(path: "Flickr_8k.\(part)Images.txt"),
        role: "the names of the images of one part, one a line")
      var chosen: [ImageRecord] = []
      for (number, line) in list.lines {
        let name = Identifier(try list.text(line, line: number))
        guard let record = records[name] else {
          throw list.error(
            number, "\(name) has no caption in Flickr8k.token.txt",
            "Correct the name, or take it off the list")
        }
        if let other = taken.updateValue(part, forKey: name) {
          throw list.error(
            number, "\(name) is already in the \(other) list", "Leave it in one list only")
        }
        chosen.append(record)
      }
      return chosen
    }
    return .official(
      RecordParts(train: try list("train"), validation: try list("dev"), test: try list("test")),
      file: file.path)
  }
}
