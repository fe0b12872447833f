import Configuration
import Foundation

/// Settings of `kind: image_folder`: a folder of images, those in folders inside it too, with captions
/// beside them.
///
/// Several rows of one image are several captions of it, and so is a list in `metadata.jsonl`.
public struct ImageFolderConfig: ImageListSettings {
  /// Where the captions stand.
  public enum Captions: String, ConfigChoice {
    /// `metadata.jsonl` or `metadata.csv` if there, else sidecar files.
    case auto
    /// `photo.txt` beside `photo.jpg`, a caption a line.
    case sidecar
    /// Hugging Face's `metadata.csv` with a column `file_name`.
    case csv
    /// Hugging Face's `metadata.jsonl`, an object with `file_name` a line.
    case jsonl

    fileprivate var words: String {
      switch self {
      case .auto, .sidecar: "sidecar text files"
      case .csv: "metadata.csv"
      case .jsonl: "metadata.jsonl"
      }
    }
  }

  /// No path in a metadata file may lead out of it.
  public var root = ConfigPath()
  public var captions = Captions.auto
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
    let folder = try ImageFolder(existing: root.url)
    let reader = CaptionedFolderReader(root: folder.url, textColumn: textColumn)
    let found = captions == .auto ? try reader.form() : captions
    let records =
      switch found {
      case .auto, .sidecar: try reader.sidecars()
      case .csv: try reader.metadataCSV()
      case .jsonl: try reader.metadataJSONL()
      }
    return try ImageRecords.list(records, file: root.path).sets(
      name: "image-folder", description: "image folder, \(found.words)",
      notes: reader.leftOut(found, records), parts, images: folder,
      captionsPerImage: captionsPerImage)
  }
}

private struct CaptionedFolderReader {
  let root: URL
  let textColumn: String

  /// What the files that are there say.
  func form() throws(DatasetError) -> ImageFolderConfig.Captions {
    func exists(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: root.appending(path: name).path)
    }
    let (csv, jsonl) = (exists("metadata.csv"), exists("metadata.jsonl"))
    guard !(csv && jsonl) else {
      throw DatasetError(
        file: root.path, problem: "the folder holds both metadata.csv and metadata.jsonl",
        fix: "Say which: dataset.captions=csv or dataset.captions=jsonl")
    }
    if csv || jsonl { return csv ? .csv : .jsonl }
    if let part = ["train", "validation", "test"].first(where: {
      exists("\($0)/metadata.csv") || exists("\($0)/metadata.jsonl")
    }) {
      throw DatasetError(
        file: root.path,
        problem: "the folder holds Hugging Face's layout with a metadata file for each part "
          + "(\(part)/metadata.csv or .jsonl), which is not read",
        fix: "Put one metadata file for all images into the folder itself, with paths such as "
          + "\(part)/a.jpg; or set dataset.root to one part's folder")
    }
    return .sidecar
  }

  /// The paths below the root whose extension is one of `kinds`, hidden ones left out, in the order of
  /// their bytes.
  private func files(_ kinds: [String]) -> [Identifier] {
    let names = FileManager.default.subpaths(atPath: root.path) ?? []
    return names.filter { name in
      kinds.contains(root.appending(path: name).pathExtension.lowercased())
        && !name.split(separator: "/").contains(where: { $0.hasPrefix(".") })
    }.map { Identifier($0) }.sorted()
  }

  private var images: [Identifier] { files(["png", "jpg", "jpeg"]) }

  /// How many files were left out and why, a sentence a reason.
  func leftOut(_ form: ImageFolderConfig.Captions, _ records: [ImageRecord]) -> [String] {
    func note(_ names: [Identifier], _ reason: String) -> [String] {
      guard let first = names.first else { return [] }
      let files = names.count == 1 ? "1 file is" : "\(names.count) files are"
      return ["\(files) left out: \(reason) (\(first)\(names.count > 1 ? ", …" : ""))."]
    }
    let named = Set(records.map(\.name))
    return note(
      files(["webp", "gif", "bmp", "tif", "tiff", "heic", "avif"]).filter { !named.contains($0) },
      "images of a kind that is not read, only PNG and JPEG are")
      + note(images.filter { !named.contains($0) }, "images that \(form.words) does not name")
  }

  /// Every PNG and JPEG below the root, each with its text file.
  func sidecars() throws(DatasetError) -> [ImageRecord] {
    var records: [ImageRecord] = []
    var owners: [Identifier: Identifier] = [:]
    for name in images {
      let sidecar = root.appending(path: name.text).deletingPathExtension()
        .appendingPathExtension("txt")
      let text = try TextFile(sidecar, role: "the captions of \(name), one a line")
      if let other = owners.updateValue(name, forKey: Identifier(text.path)) {
        throw text.error(
          nil, "the file would be the captions of both \(other) and \(name)",
          "Rename one of the two images")
      }
      var captions: [String] = []
      for (number, line) in text.lines { captions.append(try text.text(line, line: number)) }
      records.append(
        ImageRecord(name: name, id: name, captions: captions, file: text.path, line: nil))
    }
    guard !records.isEmpty else {
      throw DatasetError(
        file: root.path, problem: "the folder holds no PNG or JPEG image",
        fix: "Correct dataset.root")
    }
    return records
  }

  func metadataCSV() throws(DatasetError) -> [ImageRecord] {
    let file = try TextFile(
      root.appending(path: "metadata.csv"), role: "the columns file_name and \(textColumn)")
    let rows = try file.commaSeparatedRecords()
    guard let header = rows.first, let name = header.fields.firstIndex(of: "file_name"),
      let text = header.fields.firstIndex(of: textColumn)
    else {
      throw file.error(
        1, "the first line should name the columns file_name and \(textColumn)",
        "Correct it, or set dataset.text_column")
    }
    var records = RecordList()
    for row in rows.dropFirst() {
      guard row.fields.count == header.fields.count else {
        throw file.error(
          row.line, "a line has \(row.fields.count) fields, the first one \(header.fields.count)",
          "Put fields that hold commas into double quotes")
      }
      try records.add(row.fields[name], row.fields[text], file, row.line)
    }
    return records.records
  }

  func metadataJSONL() throws(DatasetError) -> [ImageRecord] {
    let file = try TextFile(
      root.appending(path: "metadata.jsonl"), role: "objects with file_name and \(textColumn)")
    var records = RecordList()
    for (number, line) in file.lines {
      guard let members = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
      else {
        throw file.error(number, "the line is not a JSON object", "Correct it")
      }
      let texts = members[textColumn] as? [String] ?? (members[textColumn] as? String).map { [$0] }
      guard let name = members["file_name"] as? String, let texts else {
        throw file.error(
          number, "the object should have the texts file_name and \(textColumn)",
          "Correct it, or set dataset.text_column")
      }
      for text in texts {
        let caption = text.trimmingCharacters(in: .whitespacesAndNewlines)
        try records.add(name, caption, file, number)
      }
    }
    return records.records
  }
}
