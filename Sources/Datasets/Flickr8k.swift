import Foundation

/// How a copy of Flickr8k lies on the disk.
public enum Flickr8kForm: String, Sendable {
  /// `captions.txt` with the header `image,caption`, and `Images/`.
  case kaggle
  /// `Flickr8k.token.txt` and `Flickr_8k.{train,dev,test}Images.txt`, and `Flicker8k_Dataset/`.
  case classic
}

extension CaptionDataset {
  /// Reads Flickr8k (Hodosh et al. 2013), or any set of images in one of its two forms.
  ///
  /// The Kaggle form has no parts of its own: a split cuts them. The classic form has; a split takes
  /// that many images of each list.
  ///
  /// - Parameters:
  ///   - root: The folder with the captions (or with `classic/` or `Flickr8k_text/`) and the images.
  ///   - form: `nil` takes the Kaggle form if `captions.txt` is there, else the classic one.
  ///   - split: Images of each part. `nil`: the classic lists whole; an error for the Kaggle form.
  ///   - captionsPerImage: The first n captions of each image are kept.
  /// - Throws: ``DatasetError`` naming file and line if something is missing or malformed.
  public static func flickr8k(
    root: URL, form: Flickr8kForm? = nil, split: ImageSplit?, captionsPerImage: Int = 5
  ) throws(DatasetError) -> CaptionDataset {
    let reader = Flickr8kReader(root: root)
    let images = try reader.imageFolder()
    let found = form ?? (reader.exists("captions.txt") ? .kaggle : .classic)
    let parts =
      switch found {
      case .kaggle: try reader.kaggle(split)
      case .classic: try reader.classic(split)
      }
    let cut = split.map { " (\($0.description))" } ?? ""
    return try parts.dataset(
      name: "flickr8k",
      description: "Flickr8k, \(found.rawValue) form\(cut), first \(captionsPerImage) captions",
      images: images, captionsPerImage: captionsPerImage)
  }
}

private struct Flickr8kReader {
  let root: URL

  func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  func imageFolder() throws(DatasetError) -> ImageFolder {
    guard FileManager.default.fileExists(atPath: root.path) else {
      throw DatasetError(
        file: root.path, problem: "there is no such folder", fix: "Correct dataset.root")
    }
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
    return ImageFolder(url: root.appending(path: name))
  }

  func kaggle(_ split: ImageSplit?) throws(DatasetError) -> RecordParts {
    let file = try TextFile(
      root.appending(path: "captions.txt"), role: "Flickr8k's captions, \"image,caption\" a line")
    guard let split else {
      throw file.error(
        nil, "the Kaggle form of Flickr8k has no parts of its own",
        "Give a split: how many train, validation and test images")
    }
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
    return try RecordParts(cutting: records.records, split, file: file.path)
  }

  func classic(_ split: ImageSplit?) throws(DatasetError) -> RecordParts {
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
    var taken: [String: String] = [:]
    func list(_ part: String) throws(DatasetError) -> [ImageRecord] {
      let list = try TextFile(
        text.appending(path: "Flickr_8k.\(part)Images.txt"),
        role: "the names of the images of one part, one a line")
      var chosen: [ImageRecord] = []
      for (number, line) in list.lines {
        let name = try list.text(line, line: number)
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
    return try RecordParts(
      train: try list("train"), validation: try list("dev"), test: try list("test"), split,
      file: file.path)
  }
}

/// Gathers captions by image, in the order in which the images are first named.
struct RecordList {
  private(set) var records: [ImageRecord] = []
  private var places: [String: Int] = [:]

  subscript(name: String) -> ImageRecord? { places[name].map { records[$0] } }

  mutating func add(
    _ name: String, _ caption: String, _ file: TextFile, _ line: Int
  ) throws(DatasetError) {
    guard !caption.isEmpty else {
      throw file.error(line, "\(name) has an empty caption", "Write one, or take the line out")
    }
    if let place = places[name] {
      records[place].captions.append(caption)
    } else {
      try ImageFolder.check(name, file: file.path, line: line)
      places[name] = records.count
      records.append(
        ImageRecord(name: name, id: name, captions: [caption], file: file.path, line: line))
    }
  }
}
