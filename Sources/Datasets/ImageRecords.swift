import Configuration
import Foundation
import Tensors

/// An image as an annotation file names it.
struct ImageRecord {
  /// Path below the folder of images.
  let name: Identifier
  /// What the data set calls the image.
  let id: Identifier
  var captions: [String]
  /// Where the image is first named.
  let file: String
  let line: Int?
}

/// Gathers captions by image, in the order in which the images are first named.
struct RecordList {
  private(set) var records: [ImageRecord] = []
  private var places: [Identifier: Int] = [:]

  subscript(name: Identifier) -> ImageRecord? { places[name].map { records[$0] } }

  mutating func add(
    _ text: String, _ caption: String, _ file: TextFile, _ line: Int
  ) throws(DatasetError) {
    let name = Identifier(text)
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

/// The images of a data set before they are cut into parts and looked for on the disk.
enum ImageRecords {
  /// A data set without parts of its own.
  case list([ImageRecord], file: String)
  /// One that comes with lists.
  case official(RecordParts, file: String)

  /// The data sets of these records, one for each fold, once every image has been found below `folder`.
  ///
  /// - Throws: ``DatasetError`` if the parts cannot be made, or an image is missing or has no caption.
  func sets(
    name: String, description: String, notes: [String] = [], _ parts: ImageParts,
    images folder: ImageFolder, captionsPerImage: Int
  ) throws(DatasetError) -> [ExampleSet] {
    func set(_ records: RecordParts, _ cut: String) throws(DatasetError) -> ExampleSet {
      ExampleSet(
        name: name, description: "\(description)\(cut), first \(captionsPerImage) captions",
        notes: notes, train: try Self.examples(records.train, folder),
        validation: try Self.examples(records.validation, folder),
        test: try Self.examples(records.test, folder))
    }
    switch (self, parts) {
    case (.list(let records, let file), .split(let split)):
      let cut = try RecordParts(cutting: records, split, file: file, of: folder.kind)
      return [try set(cut, " (\(split.words))").keepingAnswers(captionsPerImage)]
    case (.official(let lists, let file), .split(let split)):
      let cut = try set(try lists.cut(split, file: file), " (\(split.words))")
      try lists.checkParts(file: file)
      return [cut.keepingAnswers(captionsPerImage)]
    case (.official(let lists, let file), .official):
      let whole = try set(lists, "")
      try lists.checkParts(file: file)
      return [whole.keepingAnswers(captionsPerImage)]
    case (.list(let records, let file), .folds(let folds)):
      let sorted = RecordParts(train: records.sorted { $0.name < $1.name })
      return try set(sorted, "").folds(folds, file: file).map {
        $0.keepingAnswers(captionsPerImage)
      }
    case (.list(_, let file), .official):
      throw DatasetError(
        file: file, problem: "the data set has no parts of its own, and dataset.split is null",
        fix: "Give dataset.split: how many train, validation and test images; or dataset.folds")
    case (.official(_, let file), .folds):
      throw DatasetError(
        file: file,
        problem: "dataset.folds cuts data sets without parts of their own, and this one has lists",
        fix: "Take out dataset.folds")
    }
  }

  private static func examples(
    _ records: [ImageRecord], _ folder: ImageFolder
  ) throws(DatasetError) -> [Example] {
    var examples: [Example] = []
    for record in records {
      guard !record.captions.isEmpty else {
        throw DatasetError(
          file: record.file, line: record.line, problem: "\(record.name) has no caption",
          fix: "Give it one, or leave the \(folder.kind.rawValue) out")
      }
      examples.append(
        Example(
          id: record.id, source: folder.kind.source(of: try folder.file(of: record)),
          captions: record.captions))
    }
    return examples
  }
}

/// The images of the three parts.
struct RecordParts {
  var train: [ImageRecord] = []
  var validation: [ImageRecord] = []
  var test: [ImageRecord] = []
}

extension RecordParts {
  /// Cuts one list: the records are shuffled, and test, validation and training images are taken in
  /// this order, so that more training images change no test image.
  ///
  /// The shuffle is Fisher-Yates over the records in the order of their names' bytes, with the
  /// Philox stream of `RandomKey(seed).named("split")`.
  init(
    cutting records: [ImageRecord], _ split: SplitConfig, file: String, of kind: MediumKind
  ) throws(DatasetError) {
    let needed = (split.train ?? 1) + split.validation + split.test
    guard needed <= records.count else {
      let name = kind.rawValue
      let asked =
        split.train == nil ? "no training \(name) is left" : "it asks for \(needed) \(name)s"
      throw DatasetError(
        file: file,
        problem: "dataset.split does not fit (\(split.words)): there are only \(records.count) "
          + "\(name)s, \(asked)",
        fix: split.train == nil
          ? "Ask for fewer validation and test \(name)s" : "Ask for at most \(records.count) in all"
      )
    }
    let shuffled = Self.shuffled(records, split.seed, "split")
    test = Array(shuffled[..<split.test])
    validation = Array(shuffled[split.test..<(split.test + split.validation)])
    let rest = shuffled[(split.test + split.validation)...]
    train = Array(rest.prefix(split.train ?? rest.count))
  }

  /// Takes each part from its own list, a seeded choice of them if the split asks for fewer.
  func cut(_ split: SplitConfig, file: String) throws(DatasetError) -> RecordParts {
    func choice(
      _ records: [ImageRecord], _ count: Int?, _ part: String
    ) throws(DatasetError) -> [ImageRecord] {
      guard let count else { return records }
      guard count <= records.count else {
        throw DatasetError(
          file: file,
          problem: "dataset.split asks for \(count) \(part) images, but the data set has only "
            + "\(records.count)",
          fix: "Ask for at most \(records.count)")
      }
      return Array(Self.shuffled(records, split.seed, part).prefix(count))
    }
    return RecordParts(
      train: try choice(train, split.train, "train"),
      validation: try choice(validation, split.validation, "validation"),
      test: try choice(test, split.test, "test"))
  }

  /// - Throws: ``DatasetError`` if a part has no image.
  func checkParts(file: String) throws(DatasetError) {
    for (part, records) in [("training", train), ("validation", validation), ("test", test)]
    where records.isEmpty {
      throw DatasetError(
        file: file, problem: "the data set's lists hold no \(part) image",
        fix: "Take files that have some; dataset.split takes from the lists, and adds to none")
    }
  }

  private static func shuffled(
    _ records: [ImageRecord], _ seed: Int, _ purpose: String
  ) -> [ImageRecord] {
    let sorted = records.sorted { $0.name < $1.name }
    let key = RandomKey(seed: UInt64(bitPattern: Int64(seed))).named(purpose)
    var stream = key.stream
    return stream.permutation(sorted.count).map { sorted[$0] }
  }
}

/// A folder that no name in an annotation file leads out of.
struct ImageFolder {
  let url: URL
  /// Of its files.
  let kind: MediumKind

  init(url: URL, of kind: MediumKind = .image) {
    self.url = url
    self.kind = kind
  }

  /// - Throws: ``DatasetError`` if there is no such folder.
  init(existing url: URL, of kind: MediumKind = .image) throws(DatasetError) {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw DatasetError(
        file: url.path, problem: "there is no such folder", fix: "Correct dataset.root")
    }
    self.init(url: url, of: kind)
  }

  /// The file of a record.
  ///
  /// Names are judged by their text: a link that the user put inside the folder is followed.
  ///
  /// - Throws: ``DatasetError`` if the name leaves the folder or no such file is there.
  func file(of record: ImageRecord) throws(DatasetError) -> URL {
    try Self.check(record.name, file: record.file, line: record.line)
    let file = url.appending(path: record.name.text)
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw DatasetError(
        file: record.file, line: record.line,
        problem: "the \(kind.rawValue) \(record.name) is not in \(url.path)",
        fix: "Put it there, or leave its lines out")
    }
    return file
  }

  static func check(_ name: Identifier, file: String, line: Int?) throws(DatasetError) {
    let parts = name.text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let isSafe =
      !name.text.utf8.contains(0)
      && !parts.contains { $0.isEmpty || $0.elementsEqual("..".utf8) }
    guard isSafe else {
      throw DatasetError(
        file: file, line: line,
        problem: "the image path \"\(name)\" is not a path inside the folder of images",
        fix: "Use names relative to that folder, without \"..\"")
    }
  }
}

extension MediumKind {
  fileprivate func source(of file: URL) -> MediumSource {
    switch self {
    case .image: .file(file)
    case .sound: .soundFile(file)
    }
  }
}
