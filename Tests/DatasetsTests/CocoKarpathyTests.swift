import Configuration
import Foundation
import TestSupport
import Testing

@testable import Datasets

struct CocoKarpathyTests {
  static func entry(_ name: String, _ split: String, captions: String = #"{"raw": " a cat. "}"#)
    -> String
  {
    """
    {"filepath": "Images", "filename": "\(name)", "split": "\(split)", "sentences": [\(captions)]}
    """
  }

  static func read(
    _ entries: [String], usesRestval: Bool = true, split: SplitConfig? = nil
  ) throws -> ExampleSet {
    let text = "{\"images\": [\(entries.joined(separator: ",\n"))]}"
    return try Flickr8kTests.withSet(["dataset_coco.json": text]) { root in
      try Self.read(root, usesRestval: usesRestval, split: split)
    }
  }

  static func read(_ root: URL, usesRestval: Bool, split: SplitConfig?) throws -> ExampleSet {
    var config = CocoKarpathyConfig()
    let annotations = root.appending(path: "dataset_coco.json").path
    config.annotations = ConfigPath(written: annotations, path: annotations)
    config.root = ConfigPath(written: root.path, path: root.path)
    config.restval = usesRestval
    config.split = split
    let sets = try config.read()
    #expect(sets.count == 1)
    return try #require(sets.first)
  }

  static let four = [
    entry("a.png", "train"), entry("b.png", "restval"), entry("c.png", "val"),
    entry("d.png", "test"),
  ]

  @Test("restval is training data only if asked for, and the description says so")
  func restval() throws {
    let with = try Self.read(Self.four)
    #expect(with.train.map(\.id) == ["Images/a.png", "Images/b.png"])
    #expect(with.description.contains("train and restval (1)"))
    let without = try Self.read(Self.four, usesRestval: false)
    #expect(without.train.map(\.id) == ["Images/a.png"])
    #expect(without.description.contains("train without restval"))
    #expect(without.validation.map(\.id) == ["Images/c.png"])
    #expect(without.test.map { $0.exchanges[0].answers } == [["a cat."]])
  }

  @Test("each fault is one error that names the file")
  func faults() throws {
    let faults: [([String], SplitConfig?, String)] = [
      ([Self.entry("../a.png", "train")], nil, "not a path inside"),
      ([Self.entry("z.png", "train")], nil, "z.png is not in"),
      ([Self.entry("a.png", "dev")], nil, "images[0]: split is \"dev\""),
      (
        [Self.entry("a.png", "val"), Self.entry("a.png", "test")], nil,
        "images[1]: Images/a.png occurs twice"
      ),
      ([Self.entry("a.png", "train", captions: "")], nil, "no caption"),
      ([Self.four[0], Self.four[2]], nil, "no test image"),
      (["{\"split\": \"train\"}"], nil, "dataset_coco.json"),
      (Self.four, SplitConfig(train: 9, validation: 1, test: 1, seed: 0), "9 train images"),
    ]
    let twins = ["a.png", "b.png"].map {
      Self.entry($0, "train").replacing("{\"filepath\"", with: "{\"cocoid\": 7, \"filepath\"")
    }
    let twin = #expect(throws: DatasetError.self) { try Self.read(twins) }
    #expect(twin?.description.contains("images[1]: the cocoid 7 is another image's") == true)
    for (entries, split, words) in faults {
      let error = #expect(throws: DatasetError.self) { try Self.read(entries, split: split) }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(error?.file.hasSuffix("dataset_coco.json") == true)
    }
  }

  @Test(
    "the real file's parts are told apart, and every image decodes",
    .enabled(if: Fixtures.data != nil, "DRAGOMAN_DATA is not set"))
  func realData() throws {
    let root = try #require(Fixtures.data).appending(path: "coco-80")
    let set = try Self.read(root, usesRestval: false, split: nil)
    let with = try Self.read(root, usesRestval: true, split: nil)
    #expect(set.contentDigest == "4192e430319a9aa3834b527aa1d08ecb")
    #expect(with.contentDigest == "dff1ec3112b5a34676dd7050570576ba")
    #expect(!set.train.isEmpty && with.train.count > set.train.count)
    for example in with.validation + with.test {
      #expect(try example.media[0].image().width > 0)
      #expect((1...5).contains(example.exchanges[0].answers.count))
    }
  }
}
