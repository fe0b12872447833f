import Foundation
import Tensors

/// An image as an annotation file names it.
struct ImageRecord {
  /// Path below the folder of images.
  let name: String
  /// What the data set calls the image.
  let id: String
  var captions: [String]
  /// Where the image is first named.
  let file: String
  let line: Int?
}

/// The images of a data set before they are looked for on the disk.
struct RecordParts {
  var train: [ImageRecord] = []
  var validation: [ImageRecord] = []
  var test: [ImageRecord] = []

  /// Cuts one list: the records are shuffled, and test, validation and training images are taken in
  /// this order, so that more training images change no test image.
  ///
  /// The shuffle is Fisher-Yates over the records in the order of their names' bytes, with the
  /// Philox stream of `RandomKey(seed).named("split")`.
  init(cutting records: [ImageRecord], _ split: ImageSplit, file: String) throws(DatasetError) {
    let needed = (split.train ?? 0) + split.validation + split.test
    guard needed <= records.count else {
      throw DatasetError(
        file: file,
        problem: "the split asks for \(needed) images (\(split.description)), but there are only "
          + "\(records.count)",
        fix: "Ask for at most \(records.count) in all")
    }
    let shuffled = Self.shuffled(records, split.seed, "split")
    test = Array(shuffled[..<split.test])
    validation = Array(shuffled[split.test..<(split.test + split.validation)])
    let rest = shuffled[(split.test + split.validation)...]
    train = Array(rest.prefix(split.train ?? rest.count))
  }

  /// Takes each part from its own list, a seeded choice of them if the split asks for fewer.
  init(
    train: [ImageRecord], validation: [ImageRecord], test: [ImageRecord], _ split: ImageSplit?,
    file: String
  ) throws(DatasetError) {
    func choice(
      _ records: [ImageRecord], _ count: Int?, _ part: String
    ) throws(DatasetError) -> [ImageRecord] {
      guard let split, let count else { return records }
      guard count <= records.count else {
        throw DatasetError(
          file: file,
          problem: "the split asks for \(count) \(part) images, but the data set has only "
            + "\(records.count)",
          fix: "Ask for at most \(records.count)")
      }
      return Array(Self.shuffled(records, split.seed, part).prefix(count))
    }
    self.train = try choice(train, split?.train, "train")
    self.validation = try choice(validation, split?.validation, "validation")
    self.test = try choice(test, split?.test, "test")
  }

  private static func shuffled(
    _ records: [ImageRecord], _ seed: Int, _ purpose: String
  ) -> [ImageRecord] {
    let sorted = records.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let key = RandomKey(seed: UInt64(bitPattern: Int64(seed))).named(purpose)
    var stream = key.stream
    return stream.permutation(sorted.count).map { sorted[$0] }
  }

  /// The data set of these records, once every image has been found below `folder`.
  func dataset(
    name: String, description: String, images folder: ImageFolder, captionsPerImage: Int
  ) throws(DatasetError) -> CaptionDataset {
    func images(_ records: [ImageRecord]) throws(DatasetError) -> [CaptionedImage] {
      var images: [CaptionedImage] = []
      for record in records {
        guard !record.captions.isEmpty else {
          throw DatasetError(
            file: record.file, line: record.line, problem: "\(record.name) has no caption",
            fix: "Give it one, or leave the image out")
        }
        images.append(
          CaptionedImage(
            id: record.id, source: .file(try folder.file(of: record)),
            captions: Array(record.captions.prefix(captionsPerImage))))
      }
      return images
    }
    return CaptionDataset(
      name: name, description: description, train: try images(train),
      validation: try images(validation), test: try images(test))
  }
}

/// A folder that no name in an annotation file leads out of.
struct ImageFolder {
  let url: URL

  /// The file of a record.
  ///
  /// Names are judged by their text: a link that the user put inside the folder is followed.
  ///
  /// - Throws: ``DatasetError`` if the name leaves the folder or no such file is there.
  func file(of record: ImageRecord) throws(DatasetError) -> URL {
    try Self.check(record.name, file: record.file, line: record.line)
    let file = url.appending(path: record.name)
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw DatasetError(
        file: record.file, line: record.line,
        problem: "the image \(record.name) is not in \(url.path)",
        fix: "Put it there, or leave its lines out")
    }
    return file
  }

  static func check(_ name: String, file: String, line: Int?) throws(DatasetError) {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let isSafe =
      !name.isEmpty && !name.utf8.contains(0) && !parts.contains("..") && !parts.contains("")
    guard isSafe else {
      throw DatasetError(
        file: file, line: line,
        problem: "the image path \"\(name)\" is not a path inside the folder of images",
        fix: "Use names relative to that folder, without \"..\"")
    }
  }
}
