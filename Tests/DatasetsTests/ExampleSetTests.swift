import Configuration
import Storage
import TestSupport
import Testing

@testable import Datasets

struct ExampleSetTests {
  static func medium(_ id: String, _ red: UInt8 = 0) -> Medium {
    Medium(id: Identifier(id), source: .drawn(RGBImage(width: 1, height: 1, red: red)))
  }

  static func example(
    _ id: String, _ media: [String], _ exchanges: [Exchange] = [Exchange(answers: ["x"])]
  ) -> Example {
    Example(id: Identifier(id), media: media.map { medium($0) }, exchanges: exchanges)
  }

  static func set(
    train: [Example] = [], validation: [Example] = [], test: [Example] = []
  ) -> ExampleSet {
    ExampleSet(name: "n", description: "d", train: train, validation: validation, test: test)
  }

  @Test("every medium stands in the list once, in the order of the parts")
  func media() {
    let set = Self.set(
      train: [Self.example("1", ["b", "a"]), Self.example("2", ["a"])],
      validation: [Self.example("3", ["d"])],
      test: [Self.example("4", ["\u{e9}", "c"]), Self.example("5", ["e\u{301}", "c"])])
    #expect(set.media.map(\.id) == ["b", "a", "d", "\u{e9}", "c", "e\u{301}"])
    for (place, medium) in set.media.enumerated() { #expect(set.place(of: medium.id) == place) }
    #expect(set.place(of: "z") == nil)
  }

  @Test("captions and questions of one image are told apart")
  func contents() {
    let question = Exchange(question: "what ?", answers: ["x"])
    let set = Self.set(
      train: [
        Self.example("1", ["a"]), Self.example("2", ["a"], [question]),
        Self.example("3", ["a"], [Exchange(answers: ["x"]), question]),
      ], test: [Self.example("4", ["b"], [question])])
    #expect(set.examples(.train, .captions).map(\.id) == ["1"])
    #expect(set.examples(.train, .questions).map(\.id) == ["2", "3"])
    #expect(set.examples(.test, .captions).isEmpty)
    #expect(set.media.count == 2)
  }

  @Test("the digest's bytes differ where any part of the meaning differs, wherever the borders lie")
  func digestContent() {
    func asked(_ question: String?, _ answers: [String], _ kind: String? = nil) -> ExampleSet {
      Self.set(
        train: [
          Self.example("1", ["a"], [Exchange(question: question, answers: answers, kind: kind)])
        ]
      )
    }
    let sets = [
      Self.set(), Self.set(train: [Self.example("1", ["a"])]),
      Self.set(validation: [Self.example("1", ["a"])]), Self.set(test: [Self.example("1", ["a"])]),
      Self.set(train: [Self.example("2", ["a"])]), Self.set(train: [Self.example("1", ["b"])]),
      Self.set(train: [Self.example("1", ["a", "a"])]), asked(nil, ["x\ty"]),
      asked(nil, ["x", "y"]),
      asked(nil, ["xy"]), asked(nil, ["y", "x"]), asked("x", ["y"]), asked("", ["x"]),
      asked(nil, ["x"], "y"), asked("x", ["y"], "z"), asked("x", ["y", "z"]),
      Self.set(
        train: [Self.example("1", ["a"], [Exchange(answers: ["x"]), Exchange(answers: ["x"])])]),
      Self.set(train: [Self.example("1", ["a"]), Self.example("2", ["a"])]),
      Self.set(train: [Self.example("\u{e9}", ["a"])]),
      Self.set(train: [Self.example("e\u{301}", ["a"])]),
    ]
    #expect(Set(sets.map(\.digestContent)).count == sets.count)
    #expect(asked("x", ["y"], "z").digestContent == asked("x", ["y"], "z").digestContent)
  }

  @Test("a medium's digest is that of its pixels or of its file's bytes")
  func mediumDigest() throws {
    let image = RGBImage(width: 2, height: 1, red: 3)
    let drawn = Medium(id: "a", source: .drawn(image))
    #expect(try drawn.digest() == Digest.of(image.pixels))
    try inTemporaryFolder { folder in
      let file = folder.appending(path: "a.png")
      try image.writePNG(to: file)
      let medium = Medium(id: "a", source: .file(file))
      #expect(try medium.digest() == Digest.ofFile(file))
      #expect(try medium.image() == drawn.image())
    }
  }

  @Test("split and folds exclude each other; what is resolved reads back the same")
  func settings() throws {
    func decode(_ entries: [(String, ConfigNode)]) throws -> DatasetConfig {
      let kind = [
        ConfigNode.Entry("kind", .plain("flickr8k")), ConfigNode.Entry("root", .plain("photos")),
      ]
      let node = ConfigNode(.mapping(kind + entries.map { ConfigNode.Entry($0.0, $0.1) }))
      return try Holder.decode(
        ConfigNode(.mapping([ConfigNode.Entry("dataset", node)])), folder: "/", environment: [:]
      ).dataset
    }
    let (split, folds) = (
      SplitConfig(train: 2, validation: 1, test: 1), FoldsConfig(count: 3, holdout: 2)
    )
    #expect(throws: ConfigError.self) {
      try decode([("split", split.resolved), ("folds", folds.resolved)])
    }
    let cases: [([(String, ConfigNode)], ImageParts, Int)] = [
      ([], .split(SplitConfig()), 1), ([("split", .null)], .official, 1),
      ([("split", split.resolved)], .split(split), 1),
      ([("folds", folds.resolved)], .folds(folds), 3),
      ([("folds", folds.resolved), ("split", .null)], .folds(folds), 3),
      ([("split", split.resolved), ("folds", .null)], .split(split), 1),
    ]
    for (entries, parts, count) in cases {
      let config = try decode(entries)
      #expect((config.settings as? Flickr8kConfig)?.parts == parts)
      #expect(config.foldCount == count)
      var holder = Holder()
      holder.dataset = config
      #expect(try Holder.decode(holder.resolved, folder: "/", environment: [:]).dataset == config)
    }
    #expect(try decode([]) != decode([("folds", folds.resolved)]))
    #expect(DatasetConfig(ScenesConfig()) != (try decode([])))
  }

  struct Holder: ConfigSection {
    var dataset = DatasetConfig(ScenesConfig())
    static let fields: [Field<Self>] = [.union("dataset", \.dataset, "Examples.")]
  }
}
