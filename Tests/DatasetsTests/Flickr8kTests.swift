import Configuration
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

struct Flickr8kTests {
  /// Writes a small set with images a.png … and returns what `read` makes of it.
  static func withSet<Value>(
    _ files: [String: String], images: [String] = ["a.png", "b.png", "c.png", "d.png"],
    _ read: (URL) throws -> Value
  ) throws -> Value {
    try inTemporaryFolder { root in
      let folder = root.appending(path: "Images")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for (index, name) in images.enumerated() {
        try RGBImage(width: 2, height: 2, red: UInt8(index)).writePNG(
          to: folder.appending(path: name))
      }
      for (name, text) in files { try Data(text.utf8).write(to: root.appending(path: name)) }
      return try read(root)
    }
  }

  /// The set of one form and split, read as an experiment's settings say.
  static func read(
    root: URL, form: Flickr8kConfig.Form = .auto, split: SplitConfig?, captionsPerImage: Int = 5
  ) throws -> ExampleSet {
    var config = Flickr8kConfig()
    config.root = ConfigPath(written: root.path, path: root.path)
    config.form = form
    config.split = split
    config.captionsPerImage = captionsPerImage
    let sets = try config.read()
    #expect(sets.count == config.foldCount)
    return try #require(sets.first)
  }

  /// The captions of every image.
  static func captions(_ set: ExampleSet) -> [Identifier: [String]] {
    Dictionary(uniqueKeysWithValues: set.examples.map { ($0.id, $0.exchanges[0].answers) })
  }

  static let kaggle =
    "image,caption\r\na.png,one a\r\na.png,\"two, a\"\r\nb.png,b\r\nc.png,c\r\nd.png,d\r\n"
  static let token = "a.png#0\tone a\na.png#1\ttwo, a\nb.png#0\tb\nc.png#0\tc\nd.png#0\td\n"
  static let classic = [
    "Flickr8k.token.txt": token, "Flickr_8k.trainImages.txt": "b.png\na.png\n",
    "Flickr_8k.devImages.txt": "c.png\n", "Flickr_8k.testImages.txt": "d.png\n",
  ]
  static let split = SplitConfig(train: 2, validation: 1, test: 1, seed: 0)

  @Test("the Kaggle form gives every image once, with its captions in order")
  func kaggleForm() throws {
    let set = try Self.withSet(["captions.txt": Self.kaggle]) { root in
      try Self.read(root: root, split: Self.split)
    }
    #expect(set.examples.map(\.id).sorted() == ["a.png", "b.png", "c.png", "d.png"])
    #expect(Self.captions(set)["a.png"] == ["one a", "two, a"])
    #expect((set.train.count, set.validation.count, set.test.count) == (2, 1, 1))
  }

  @Test("the classic form follows its three lists, in their order")
  func classicForm() throws {
    let set = try Self.withSet(Self.classic) { root in
      try Self.read(root: root, split: nil)
    }
    #expect(set.train.map(\.id) == ["b.png", "a.png"])
    #expect(set.validation.map(\.id) == ["c.png"])
    #expect(set.test.map(\.id) == ["d.png"])
    #expect(Self.captions(set)["a.png"] == ["one a", "two, a"])
  }

  @Test("a split of the classic form takes from each list")
  func classicSplit() throws {
    let set = try Self.withSet(Self.classic) { root in
      try Self.read(
        root: root, split: SplitConfig(train: 1, validation: 1, test: 1, seed: 3))
    }
    #expect(["a.png", "b.png"].contains(set.train.first?.id))
    #expect((set.train.count, set.test.map(\.id)) == (1, ["d.png"]))
  }

  @Test("captions_per_image keeps the first ones")
  func captionsPerImage() throws {
    let set = try Self.withSet(Self.classic) { root in
      try Self.read(root: root, split: nil, captionsPerImage: 1)
    }
    #expect(set.train.map { $0.exchanges[0].answers } == [["b"], ["one a"]])
  }

  @Test(
    "a seed gives the same split again, another seed another; training size moves no test image")
  func seededSplit() throws {
    let names = (0..<40).map { "\($0).png" }
    let text = "image,caption\n" + names.reversed().map { "\($0),x\n" }.joined()
    try Self.withSet(["captions.txt": text], images: names) { root in
      func read(_ train: Int, _ seed: Int) throws -> ExampleSet {
        try Self.read(
          root: root, split: SplitConfig(train: train, validation: 5, test: 5, seed: seed))
      }
      let first = try read(20, 1)
      #expect(try read(20, 1).digestContent == first.digestContent)
      #expect(try read(20, 2).test.map(\.id) != first.test.map(\.id))
      #expect(try read(30, 1).test.map(\.id) == first.test.map(\.id))
      let all = (first.train + first.validation + first.test).map(\.id)
      #expect(Set(all).count == 30)
    }
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    let name: String
    let files: [String: String]
    var split: SplitConfig? = Flickr8kTests.split
    let file: String
    let line: Int?
    let words: String
    var testDescription: String { name }
  }

  static func changed(_ name: String, _ text: String) -> [String: String] {
    classic.merging([name: text]) { $1 }
  }

  static let faults = [
    Fault(
      name: "no captions", files: [:], file: "Flickr8k.token.txt", line: nil, words: "no such file"),
    Fault(
      name: "wrong header", files: ["captions.txt": "a.png,x\n"], file: "captions.txt", line: 1,
      words: "image,caption"),
    Fault(
      name: "unquoted comma", files: ["captions.txt": kaggle + "a.png,x, y\n"],
      file: "captions.txt", line: 7, words: "3 fields"),
    Fault(
      name: "empty caption", files: ["captions.txt": kaggle + "a.png,\n"], file: "captions.txt",
      line: 7, words: "empty caption"),
    Fault(
      name: "image that is not there", files: ["captions.txt": kaggle + "e.png,x\n"],
      split: SplitConfig(train: nil, validation: 1, test: 1, seed: 0), file: "captions.txt",
      line: 7, words: "e.png is not in"),
    Fault(
      name: "path that leaves the root", files: ["captions.txt": kaggle + "../e.png,x\n"],
      file: "captions.txt", line: 7, words: "not a path inside"),
    Fault(
      name: "absolute path", files: ["captions.txt": kaggle + "/etc/e.png,x\n"],
      file: "captions.txt", line: 7, words: "not a path inside"),
    Fault(
      name: "split larger than the set", files: ["captions.txt": kaggle],
      split: SplitConfig(train: 3, validation: 1, test: 1, seed: 0), file: "captions.txt",
      line: nil,
      words: "only 4"),
    Fault(
      name: "no training image left", files: ["captions.txt": kaggle],
      split: SplitConfig(train: nil, validation: 2, test: 2), file: "captions.txt", line: nil,
      words:
        "dataset.split does not fit (all train, 2 validation, 2 test, seed 0): there are only 4 "
        + "images, no training image is left"),
    Fault(
      name: "empty training list", files: changed("Flickr_8k.trainImages.txt", "\n"),
      split: nil, file: "Flickr8k.token.txt", line: nil, words: "no training image"),
    Fault(
      name: "no split", files: ["captions.txt": kaggle], split: nil, file: "captions.txt",
      line: nil, words: "Give dataset.split"),
    Fault(
      name: "line without a tab", files: changed("Flickr8k.token.txt", token + "a.png#2 x\n"),
      file: "Flickr8k.token.txt", line: 6, words: "a tab"),
    Fault(
      name: "listed image without captions",
      files: changed("Flickr_8k.devImages.txt", "c.png\ne.png\n"), split: nil,
      file: "Flickr_8k.devImages.txt", line: 2, words: "no caption"),
    Fault(
      name: "image in two lists", files: changed("Flickr_8k.testImages.txt", "d.png\na.png\n"),
      split: nil, file: "Flickr_8k.testImages.txt", line: 2, words: "already in the train list"),
    Fault(
      name: "split larger than a list", files: classic,
      split: SplitConfig(train: 1, validation: 2, test: 1, seed: 0), file: "Flickr8k.token.txt",
      line: nil,
      words: "only 1"),
  ]

  @Test("each fault is one error that names file, line and fix", arguments: faults)
  func oneClearError(fault: Fault) throws {
    let error = #expect(throws: DatasetError.self) {
      try Self.withSet(fault.files) { root in
        try Self.read(root: root, split: fault.split)
      }
    }
    #expect(error?.file.hasSuffix(fault.file) == true, "\(error?.description ?? "")")
    #expect(error?.line == fault.line)
    #expect(error?.description.contains(fault.words) == true, "\(error?.description ?? "")")
    #expect(error?.fix.isEmpty == false)
  }

  @Test("a folder without images, and no folder at all, are named")
  func missingFolders() throws {
    try inTemporaryFolder { root in
      let empty = #expect(throws: DatasetError.self) {
        try Self.read(root: root, split: Self.split)
      }
      #expect(empty?.description.contains("holds no images") == true)
      let absent = #expect(throws: DatasetError.self) {
        try Self.read(root: root.appending(path: "no"), split: Self.split)
      }
      #expect(absent?.description.contains("no such folder") == true)
    }
  }

  @Test(
    "the real photographs: both forms hold the same captions, and every image decodes",
    .enabled(if: Fixtures.data != nil, "DRAGOMAN_DATA is not set"))
  func realData() throws {
    let root = try #require(Fixtures.data).appending(path: "flickr8k-1000")
    let split = SplitConfig(train: 800, validation: 100, test: 100, seed: 0)
    let kaggle = try Self.read(root: root, form: .kaggle, split: split)
    let classic = try Self.read(root: root, form: .classic, split: nil)
    #expect(Self.captions(kaggle).count == 1000)
    #expect(Self.captions(kaggle) == Self.captions(classic))
    #expect(kaggle.contentDigest == "8b1a3615467e46ce91f90ba1bdaf749b")
    #expect(classic.contentDigest == "309ebac3d189663e93c2c05831bef6af")
    #expect(classic.train.count == 800)
    let image = try kaggle.test[0].media[0].image()
    #expect(image.width > 100 && image.height > 100)
  }

  @Test("names that differ in Unicode normalisation only are two images")
  func namesAreBytes() throws {
    let names = ["\u{e9}.png", "e\u{301}.png", "b.png", "c.png"]
    let text = "image,caption\n" + names.map { "\($0),\($0.unicodeScalars.count)\n" }.joined()
    try Self.withSet(["captions.txt": text], images: names) { root in
      let set = try Self.read(root: root, split: Self.split)
      #expect(set.media.count == 4)
      #expect(Self.captions(set)["\u{e9}.png"] == ["5"])
      #expect(Self.captions(set)["e\u{301}.png"] == ["6"])
      let first = try #require(set.place(of: "\u{e9}.png"))
      let second = try #require(set.place(of: "e\u{301}.png"))
      #expect(try set.media[first].digest() != set.media[second].digest())
    }
    let lists = [
      "Flickr8k.token.txt": names.map { "\($0)#0\tx\n" }.joined(),
      "Flickr_8k.trainImages.txt": "\(names[0])\n", "Flickr_8k.devImages.txt": "\(names[1])\n",
      "Flickr_8k.testImages.txt": "b.png\nc.png\n",
    ]
    try Self.withSet(lists, images: names) { root in
      let set = try Self.read(root: root, split: nil)
      #expect((set.train.count, set.validation.count, set.test.count) == (1, 1, 2))
    }
  }
}

extension ExampleSet {
  /// Of parts, ids, captions and drawn pixels: what no change of the program may change.
  var contentDigest: String {
    var hasher = DigestHasher()
    for part in Part.allCases {
      for example in examples(part) {
        hasher.update(field: part.rawValue, example.id.text)
        for caption in example.exchanges.flatMap(\.answers) {
          hasher.update(field: "caption", caption)
        }
        if case .drawing(let drawing) = example.media[0].source {
          hasher.update(drawing.image().pixels)
        }
      }
    }
    return hasher.finalize()
  }
}
