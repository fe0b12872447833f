import Configuration
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

struct FoldsTests {
  /// Images `0`, `1`, … of different pixels, each with its captions.
  static func pool(_ captions: [[String]]) -> ExampleSet {
    ExampleSet(
      name: "n", description: "d",
      train: captions.enumerated().map { index, captions in
        Example(
          id: Identifier("\(index)"),
          source: .drawn(
            RGBImage(width: 1, height: 1, red: UInt8(index % 256), green: UInt8(index / 256))),
          captions: captions)
      }, validation: [], test: [])
  }

  static func ids(_ examples: [Example]) -> Set<Identifier> { Set(examples.map(\.id)) }

  /// Every image is in one place: the hold-out of all folds, or the test part of one fold.
  static func expectPartition(_ folds: [ExampleSet], of pool: ExampleSet) throws {
    let holdout = ids(try #require(folds.first).validation)
    var tested: [Identifier] = []
    for fold in folds {
      #expect(ids(fold.validation) == holdout)
      #expect(fold.media == folds[0].media)
      #expect(fold.examples.count == pool.examples.count)
      #expect(ids(fold.train).isDisjoint(with: ids(fold.test)))
      #expect(ids(fold.train).union(ids(fold.test)).isDisjoint(with: holdout))
      tested += fold.test.map(\.id)
    }
    #expect(Set(tested).count == tested.count)
    #expect(Set(tested).union(holdout) == ids(pool.examples))
  }

  @Test("every image outside the hold-out is tested once; sizes differ by at most one")
  func partition() throws {
    let pool = Self.pool((0..<103).map { ["\($0)"] })
    let config = FoldsConfig(count: 4, holdout: 10, seed: 3)
    let folds = try pool.folds(config, file: "f")
    try Self.expectPartition(folds, of: pool)
    #expect(folds.allSatisfy { $0.validation.count == 10 })
    #expect(folds.map(\.test.count).sorted() == [23, 23, 23, 24])
    #expect(Set(folds.map(\.description)).count == 4)
    #expect(folds[0].notes.isEmpty)
  }

  @Test("a seed gives the same folds again, another seed others")
  func seeds() throws {
    let pool = Self.pool((0..<40).map { ["\($0)"] })
    func folds(_ seed: Int) throws -> [[UInt8]] {
      try pool.folds(FoldsConfig(count: 3, holdout: 5, seed: seed), file: "f").map(\.digestContent)
    }
    #expect(try folds(1) == folds(1))
    let parts = try [1, 2].map { seed in
      try pool.folds(FoldsConfig(count: 3, holdout: 5, seed: seed), file: "f").map {
        $0.test.map(\.id)
      }
    }
    #expect(parts[0] != parts[1])
  }

  @Test("near duplicates are tested together, or held out together", arguments: 0..<20)
  func duplicates(seed: Int) throws {
    // 0, 1 and 2 hang together by captions in chain; 3 and 4 share a caption of four words only.
    var captions = (0..<30).map { ["picture \($0)"] }
    captions[0] = ["A dog, runs over grass!", "x"]
    captions[1] = ["a dog runs over GRASS", "two men sit on chairs."]
    captions[2] = ["Two men sit on chairs"]
    captions[3] = ["a dog runs fast"]
    captions[4] = ["a dog runs fast"]
    let pool = Self.pool(captions)
    let folds = try pool.folds(FoldsConfig(count: 3, holdout: 5, seed: seed), file: "f")
    try Self.expectPartition(folds, of: pool)
    for fold in folds {
      for part in ExampleSet.Part.allCases {
        let together = Self.ids(fold.examples(part)).intersection(["0", "1", "2"])
        #expect(together.isEmpty || together.count == 3)
      }
    }
    #expect(
      folds[0].notes == [
        "3 images are near duplicates of another (1 group, at most 3 images in one) and stay together "
          + "in a fold."
      ])
    let sizes = folds.map(\.test.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
  }

  @Test("what is a near duplicate: captions, names, bytes, one example")
  func groups() throws {
    func groups(_ examples: [(String, UInt8, String)]) throws -> [[Int]] {
      try NearDuplicates.groups(
        of: ExampleSet(
          name: "n", description: "d",
          train: examples.map { id, red, caption in
            Example(
              id: Identifier(id), source: .drawn(RGBImage(width: 1, height: 1, red: red)),
              captions: [caption])
          }, validation: [], test: []))
    }
    #expect(try groups([("a", 1, "x"), ("b", 2, "x"), ("c", 3, "y")]) == [[0], [1], [2]])
    #expect(try groups([("a", 1, "x"), ("b", 2, "x"), ("c", 1, "y")]) == [[0, 2], [1]])
    #expect(
      try groups([("d/a.jpg", 1, "x"), ("d/A.png", 2, "x"), ("e/a.png", 3, "x")]) == [[0, 1], [2]])
    #expect(
      try groups([("\u{e9}.jpg", 1, "x"), ("e\u{301}.jpg", 2, "x"), ("e.jpg", 3, "x")])
        == [[0, 1], [2]])
    let medium = { ExampleSetTests.medium($0, $1) }
    let pair = Example(
      id: "pair", media: [medium("a", 1), medium("c", 3)], exchanges: [Exchange(answers: ["x"])])
    let single = Example(id: "one", media: [medium("b", 2)], exchanges: [Exchange(answers: ["x"])])
    #expect(
      try NearDuplicates.groups(of: ExampleSetTests.set(train: [pair, single])) == [[0, 1], [2]])
  }

  @Test("punctuation and case do not count; answers to questions are not captions")
  func normalized() {
    #expect(NearDuplicates.normalized("A dog's  red ball, rolls.") == "a dogs red ball rolls")
    #expect(NearDuplicates.normalized("a dog runs away") == nil)
    #expect(NearDuplicates.normalized("a b . , !") == nil)
  }

  @Test("too few images or groups are refused with file and key")
  func tooFew() throws {
    let few = #expect(throws: DatasetError.self) {
      try Self.pool((0..<6).map { ["\($0)"] }).folds(FoldsConfig(count: 3, holdout: 4), file: "f")
    }
    #expect(few?.file == "f")
    #expect(few?.description.contains("dataset.folds asks for a holdout of 4 and 3 folds") == true)
    let alike = Self.pool((0..<9).map { _ in ["five words are quite enough"] })
    let groups = #expect(throws: DatasetError.self) {
      try alike.folds(FoldsConfig(count: 3, holdout: 2), file: "f")
    }
    #expect(groups?.description.contains("only 1 groups") == true)
  }

  @Test("folds come from the settings of files without parts, and lists refuse them")
  func settings() throws {
    let names = (0..<12).map { "\($0).png" }
    let text = "image,caption\n" + names.map { "\($0),x\n\($0),y\n" }.joined()
    try Flickr8kTests.withSet(["captions.txt": text], images: names) { root in
      var config = Flickr8kConfig()
      config.root = ConfigPath(written: root.path, path: root.path)
      config.folds = FoldsConfig(count: 3, holdout: 3)
      config.captionsPerImage = 1
      let folds = try config.read()
      #expect(folds.count == config.foldCount && config.foldCount == 3)
      #expect(folds.map(\.test.count) == [3, 3, 3])
      #expect(folds[0].examples.allSatisfy { $0.exchanges[0].answers == ["x"] })
    }
    try Flickr8kTests.withSet(Flickr8kTests.classic) { root in
      var config = Flickr8kConfig()
      config.root = ConfigPath(written: root.path, path: root.path)
      config.folds = FoldsConfig(count: 2, holdout: 1)
      let error = #expect(throws: DatasetError.self) { try config.read() }
      #expect(error?.description.contains("dataset.folds") == true)
    }
  }

  @Test(
    "the real photographs: duplicates stay together, folds are even",
    .enabled(if: Fixtures.data != nil, "DRAGOMAN_DATA is not set"))
  func realData() throws {
    var config = Flickr8kConfig()
    let root = try #require(Fixtures.data).appending(path: "flickr8k-1000").path
    config.root = ConfigPath(written: root, path: root)
    config.form = .kaggle
    config.folds = FoldsConfig(count: 5, holdout: 100)
    let folds = try config.read()
    try Self.expectPartition(folds, of: folds[0])
    #expect(folds[0].validation.count == 100)
    #expect(folds.allSatisfy { $0.test.count == 180 })
    #expect(
      folds[0].notes[0].hasPrefix("9 images are near duplicates of another (4 groups, at most 3"))
  }
}
