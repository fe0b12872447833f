import Foundation

/// Where the captions of a folder of images stand.
public enum ImageFolderForm: String, Sendable {
  /// `photo.txt` beside `photo.jpg`, a caption a line.
  case sidecar = "sidecar text files"
  /// Hugging Face's `metadata.csv` with a column `file_name`.
  case metadataCSV = "metadata.csv"
  /// Hugging Face's `metadata.jsonl`, an object with `file_name` a line.
  case metadataJSONL = "metadata.jsonl"
}

extension CaptionDataset {
  /// Reads a folder of images, those in folders inside it too, with captions beside them.
  ///
  /// Several rows of one image are several captions of it, and so is a list in `metadata.jsonl`.
  ///
  /// - Parameters:
  ///   - root: The folder; no path in a metadata file may lead out of it.
  ///   - form: `nil` takes `metadata.jsonl` if there, else `metadata.csv`, else sidecar files.
  ///   - textColumn: The column or key of a metadata file that holds the caption.
  ///   - split: How the images are cut; the shuffle is that of their paths.
  /// - Throws: ``DatasetError`` naming file and line.
  public static func imageFolder(
    root: URL, form: ImageFolderForm? = nil, textColumn: String = "text", split: ImageSplit,
    captionsPerImage: Int = 5
  ) throws(DatasetError) -> CaptionDataset {
    func exists(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: root.appending(path: name).path)
    }
    guard FileManager.default.fileExists(atPath: root.path) else {
      throw DatasetError(
        file: root.path, problem: "there is no such folder", fix: "Correct dataset.root")
    }
    let found =
      form
      ?? (exists("metadata.jsonl")
        ? .metadataJSONL : exists("metadata.csv") ? .metadataCSV : .sidecar)
    let reader = CaptionedFolderReader(root: root, textColumn: textColumn)
    let records =
      switch found {
      case .sidecar: try reader.sidecars()
      case .metadataCSV: try reader.metadataCSV()
      case .metadataJSONL: try reader.metadataJSONL()
      }
    return try RecordParts(cutting: records, split, file: root.path).dataset(
      name: "image-folder",
      description: "image folder, \(found.rawValue) (\(split.description)), "
        + "first \(captionsPerImage) captions",
      images: ImageFolder(url: root), captionsPerImage: captionsPerImage)
  }
}

private struct CaptionedFolderReader {
  let root: URL
  let textColumn: String

  /// Every PNG and JPEG below the root, hidden ones left out, in the order of their paths' bytes.
  func sidecars() throws(DatasetError) -> [ImageRecord] {
    var records: [ImageRecord] = []
    let kinds = ["png", "jpg", "jpeg"]
    for name in (FileManager.default.subpaths(atPath: root.path) ?? [])
      .sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    {
      let file = root.appending(path: name)
      guard kinds.contains(file.pathExtension.lowercased()),
        !name.split(separator: "/").contains(where: { $0.hasPrefix(".") })
      else { continue }
      let sidecar = file.deletingPathExtension().appendingPathExtension("txt")
      let text = try TextFile(sidecar, role: "the captions of \(name), one a line")
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
