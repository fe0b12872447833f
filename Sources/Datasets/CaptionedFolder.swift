import Configuration
import Foundation

/// Where the captions of a folder stand.
public enum FolderCaptions: String, ConfigChoice {
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

extension MediumKind {
  /// Of the files that are read, lower case.
  var extensions: [String] {
    switch self {
    case .image: ["jpg", "jpeg", "png"]
    case .sound: ["wav", "flac", "wave"]
    }
  }

  /// For people.
  fileprivate var formats: [String] {
    switch self {
    case .image: ["PNG", "JPEG"]
    case .sound: ["WAV", "FLAC"]
    }
  }

  /// Of files that are of this kind and not read.
  fileprivate var otherExtensions: [String] {
    switch self {
    case .image: ["webp", "gif", "bmp", "tif", "tiff", "heic", "avif"]
    case .sound: ["mp3", "ogg", "oga", "opus", "m4a", "aac", "wma", "aif", "aiff", "au"]
    }
  }
}

/// Reads a folder of images or of sounds with captions beside them.
struct CaptionedFolder {
  private let written: String
  private let root: URL
  private let captions: FolderCaptions
  private let textColumn: String
  private let kind: MediumKind

  init(root: ConfigPath, captions: FolderCaptions, textColumn: String, kind: MediumKind) {
    written = root.path
    self.root = root.url
    self.captions = captions
    self.textColumn = textColumn
    self.kind = kind
  }

  /// One set for each fold, one set without folds.
  ///
  /// - Parameter captionsEach: the first so many captions of each file are used.
  func sets(_ parts: ImageParts, captionsEach: Int) throws(DatasetError) -> [ExampleSet] {
    let folder = try ImageFolder(existing: root, of: kind)
    let found = captions == .auto ? try form() : captions
    let records =
      switch found {
      case .auto, .sidecar: try sidecars()
      case .csv: try metadataCSV()
      case .jsonl: try metadataJSONL()
      }
    return try ImageRecords.list(records, file: written).sets(
      name: "\(kind.rawValue)-folder", description: "\(kind.rawValue) folder, \(found.words)",
      notes: leftOut(found, records), parts, images: folder, captionsPerImage: captionsEach)
  }

  /// What the files that are there say.
  private func form() throws(DatasetError) -> FolderCaptions {
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
        fix:
          "Put one metadata file for all \(kind.rawValue)s into the folder itself, with paths such as "
          + "\(part)/a.\(kind.extensions[0]); or set dataset.root to one part's folder")
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

  private var media: [Identifier] { files(kind.extensions) }

  /// How many files were left out and why, a sentence a reason.
  private func leftOut(_ form: FolderCaptions, _ records: [ImageRecord]) -> [String] {
    func note(_ names: [Identifier], _ reason: String) -> [String] {
      guard let first = names.first else { return [] }
      let files = names.count == 1 ? "1 file is" : "\(names.count) files are"
      return ["\(files) left out: \(reason) (\(first)\(names.count > 1 ? ", …" : ""))."]
    }
    let named = Set(records.map(\.name))
    return note(
      files(kind.otherExtensions).filter { !named.contains($0) },
      "\(kind.rawValue)s of a kind that is not read, only \(kind.formats.joined(separator: " and ")) are"
    )
      + note(
        media.filter { !named.contains($0) },
        "\(kind.rawValue)s that \(form.words) does not name")
  }

  /// Every file of a kind that is read below the root, each with its text file.
  private func sidecars() throws(DatasetError) -> [ImageRecord] {
    var records: [ImageRecord] = []
    var owners: [Identifier: Identifier] = [:]
    for name in media {
      let sidecar = root.appending(path: name.text).deletingPathExtension()
        .appendingPathExtension("txt")
      let text = try TextFile(sidecar, role: "the captions of \(name), one a line")
      if let other = owners.updateValue(name, forKey: Identifier(text.path)) {
        throw text.error(
          nil, "the file would be the captions of both \(other) and \(name)",
          "Rename one of the two \(kind.rawValue)s")
      }
      var captions: [String] = []
      for (number, line) in text.lines { captions.append(try text.text(line, line: number)) }
      records.append(
        ImageRecord(name: name, id: name, captions: captions, file: text.path, line: nil))
    }
    guard !records.isEmpty else {
      throw DatasetError(
        file: root.path,
        problem: "the folder holds no \(kind.formats.joined(separator: " or ")) \(kind.rawValue)",
        fix: "Correct dataset.root")
    }
    return records
  }

  private func metadataCSV() throws(DatasetError) -> [ImageRecord] {
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

  private func metadataJSONL() throws(DatasetError) -> [ImageRecord] {
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
