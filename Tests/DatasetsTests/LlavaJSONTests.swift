import Configuration
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

struct LlavaJSONTests {
  /// Reads a file of conversations beside a folder of images, which need only be there.
  static func read(
    _ text: String, images: [String] = ["a.png", "b.png", "c.png", "d.png"],
    split: ConversationSplitConfig = .init(train: nil, validation: .count(1), test: .count(1))
  ) throws -> ExampleSet {
    try inTemporaryFolder { root in
      let folder = root.appending(path: "images")
      for name in images {
        let file = folder.appending(path: name)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try RGBImage(width: 2, height: 2).writePNG(to: file)
      }
      let file = root.appending(path: "conversations.json")
      try Data(text.utf8).write(to: file)
      var config = LlavaJSONConfig()
      config.annotations = ConfigPath(written: file.path, path: file.path)
      config.root = ConfigPath(written: folder.path, path: folder.path)
      config.split = split
      return try #require(try config.read().first)
    }
  }

  static func entry(_ id: String, _ image: String?, _ turns: (String, String)...) -> String {
    let spoken = turns.map { #"{"from": "\#($0)", "value": "\#($1)"}"# }
    let member = image.map { #""image": \#($0), "# } ?? ""
    return #"{"id": "\#(id)", \#(member)"conversations": [\#(spoken.joined(separator: ", "))]}"#
  }

  @Test("a file of LLaVA's form is read as Python reads it")
  func likePython() throws {
    let folder = Fixtures.folder("llava")
    let text = try String(contentsOf: folder.appending(path: "conversations.json"), encoding: .utf8)
    let set = try Self.read(
      text,
      images: ["coco/000000033471.jpg"] + ["a", "b", "c", "d"].map { "pairs/\($0).png" })
    let read = try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.appending(path: "read.json"))) as? [[String: Any]])
    #expect(set.examples.count == read.count)
    var seen: [String: Int] = [:]
    for entry in read {
      let name = try #require(entry["id"] as? String)
      seen[name, default: 0] += 1
      let id = Identifier(seen[name, default: 1] > 1 ? "\(name) (\(seen[name, default: 1]))" : name)
      let example = try #require(set.examples.first { $0.id == id })
      let exchanges = try #require(entry["exchanges"] as? [[String]])
      let images = try #require(entry["images"] as? [String])
      #expect(example.media.map(\.id) == images.map { Identifier($0) })
      // Byte by byte: equal texts may differ in the form of Unicode.
      #expect(
        example.exchanges.map { [$0.question ?? "", $0.answers[0]].map { Array($0.utf8) } }
          == exchanges.map { $0.map { Array($0.utf8) } })
      #expect(example.exchanges.allSatisfy { $0.answers.count == 1 && $0.kind == nil })
      #expect(example.content == .questions)
    }
    #expect(set.notes.count == 1 && set.notes[0].hasPrefix("1 conversations have an id"))
  }

  @Test("each fault is one error that names the file, the entry and the rule")
  func faults() throws {
    let good = Self.entry("good", #""a.png""#, ("human", "<image>\\nwhat?"), ("gpt", "it"))
    let ask = ("human", "<image> what?")
    let say = ("gpt", "it")
    let b = #""b.png""#
    let faults: [(String, String)] = [
      (Self.entry("x", b, say, ask), "[1] (x): conversations[0]: the conversation starts with the"),
      (Self.entry("x", nil, ask, say), "[1] (x): <image> stands once, but there is no image"),
      (
        Self.entry("x", #"["b.png", "c.png"]"#, ask, say),
        "[1] (x): there are 2 images, but <image> stands 1 time"
      ),
      (
        Self.entry("x", b, ("human", "<image><image> what?"), say),
        "[1] (x): there are 1 image, but <image> stands 2 times"
      ),
      (
        Self.entry("x", b, ("human", "what?"), say),
        "[1] (x): there are 1 image, but <image> stands 0 times"
      ),
      (Self.entry("x", b, ask), "[1] (x): conversations[0]: the last question has no answer"),
      (
        Self.entry("x", b, ask, say, ("human", "more?")),
        "[1] (x): conversations[2]: the last question has no answer"
      ),
      (Self.entry("x", b), "[1] (x): conversations is empty"),
      (#"{"id": "x", "image": "b.png"}"#, "[1] (x): conversations should be a list, got none"),
      (
        Self.entry("x", b, ("system", "be brief"), ask, say),
        "[1] (x): conversations[0]: from should be \"human\" or \"gpt\", got \"system\""
      ),
      (Self.entry("x", b, ask, ask, say), "conversations[1]: the human speaks twice in a row"),
      (Self.entry("x", b, ask, say, say), "conversations[2]: gpt speaks twice in a row"),
      (
        Self.entry("x", b, ask, ("gpt", " \\n")), "conversations[1]: value should be a text that is"
      ),
      (Self.entry("x", b, ("human", ""), say), "conversations[0]: value should be a text that is"),
      (Self.entry("x", b, ask, ("gpt", "<image>")), "conversations[1]: an answer holds <image>"),
      (Self.entry("x", #""z.png""#, ask, say), "[1] (x): the image z.png is not in"),
      (Self.entry("x", #""../a.png""#, ask, say), "[1] (x): the image path \"../a.png\" is not a"),
      (Self.entry("x", "3", ask, say), "[1] (x): image should be a path or a list of paths, got 3"),
      (Self.entry("good", b, ask, say), "[1] (good): the id is an earlier conversation's, with"),
      (#"{"image": "b.png"}"#, "[1]: id should be a text or a whole number, got none"),
      ("7", "[1]: should be an object, got 7"),
      (
        Self.entry("good (2)", b, ask, say) + "," + good,
        "[2] (good): the id stands there 2 times, and another conversation is called good (2)"
      ),
    ]
    for (entry, words) in faults {
      let error = #expect(throws: DatasetError.self) { try Self.read("[\(good), \(entry)]") }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(error?.file.hasSuffix("conversations.json") == true)
    }
    for (text, words) in [
      ("[]", "should be a list of conversations, got a list of 0"), ("{}", "got an object of 0"),
      ("[\n\(good),\n{]", "conversations.json:3: is not JSON"),
      (
        "[\(good)]",
        "does not fit (all other train, 1 validation, 1 test, seed 0): there are only 1"
      ),
    ] {
      let error = #expect(throws: DatasetError.self) { try Self.read(text) }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
  }

  /// `count` conversations on images that are shared by two, or by three, or by none.
  static func conversations(_ count: Int) -> (text: String, images: [String]) {
    var entries: [String] = []
    for index in 0..<count {
      let image = index % 7 == 3 ? nil : "\"i\(index * index % (count / 2)).png\""
      entries.append(
        entry(
          "e\(index)", image, ("human", image == nil ? "what?" : "<image> what?"), ("gpt", "it")))
    }
    return ("[\(entries.joined(separator: ","))]", (0..<count / 2).map { "i\($0).png" })
  }

  @Test("parts share no image, have the sizes asked for, and every conversation is in one")
  func parts() throws {
    let (text, images) = Self.conversations(200)
    var tests: [[Identifier]] = []
    for (train, validation, test, sizes) in [
      (PartSize?.none, PartSize.count(11), PartSize.count(30), (159, 11, 30)),
      (.count(50), .count(11), .count(30), (50, 11, 30)),
      (.fraction(0.5), .fraction(0.1), .fraction(0.15), (100, 20, 30)),
    ] {
      let set = try Self.read(
        text, images: images,
        split: .init(train: train, validation: validation, test: test, seed: 3))
      #expect((set.train.count, set.validation.count, set.test.count) == sizes)
      let media = ExampleSet.Part.allCases.map { Set(set.examples($0).flatMap(\.media).map(\.id)) }
      #expect(media[0].isDisjoint(with: media[1]) && media[0].isDisjoint(with: media[2]))
      #expect(media[1].isDisjoint(with: media[2]))
      #expect(Set(set.examples.map(\.id)).count == sizes.0 + sizes.1 + sizes.2)
      tests.append(set.test.map(\.id))
    }
    // Neither training nor validation conversations change the test part.
    #expect(tests[0] == tests[1] && tests[0] == tests[2])
    let other = try Self.read(
      text, images: images,
      split: .init(train: nil, validation: .count(11), test: .count(30), seed: 4))
    #expect(other.test.map(\.id) != tests[0])
  }

  @Test("conversations on one image stand next to each other, so that it is computed once")
  func neighbours() throws {
    let (text, images) = Self.conversations(60)
    let set = try Self.read(text, images: images)
    var groups: [Identifier: [Int]] = [:]
    for (place, example) in set.train.enumerated() {
      if let medium = example.media.first { groups[medium.id, default: []].append(place) }
    }
    #expect(groups.values.contains { $0.count > 2 })
    for places in groups.values {
      #expect(places == Array(places[0]..<places[0] + places.count))
    }
  }

  @Test("one group of images cannot be cut")
  func oneGroup() throws {
    let entries = (0..<5).map {
      Self.entry("e\($0)", "\"a.png\"", ("human", "<image>?"), ("gpt", "yes"))
    }
    let error = #expect(throws: DatasetError.self) {
      try Self.read("[\(entries.joined(separator: ","))]")
    }
    #expect(error?.description.contains("the 5 are only 1 groups") == true)
  }

  @Test("a part is a whole number from 1 or a share below 1, and nothing else")
  func partSizes() throws {
    func split(_ text: String) throws -> ConversationSplitConfig {
      let entry = ConfigNode.Entry("test", ConfigNode(.scalar(text, isQuoted: false)))
      return try ConversationSplitConfig.decode(
        ConfigNode(.mapping([entry])), folder: "/", environment: [:])
    }
    #expect(try split("12").test == .count(12))
    #expect(try split("0.25").test == .fraction(0.25))
    #expect(try split("12").train == nil)
    let whole = ConversationSplitConfig(
      train: .count(7), validation: .fraction(0.25), test: .count(3))
    #expect(
      try ConversationSplitConfig.decode(whole.resolved, folder: "/", environment: [:]) == whole)
    for text in ["0", "-1", "1.0", "1.5", "0.0", "some", "null"] {
      #expect(throws: ConfigError.self, "\(text)") { try split(text) }
    }
  }
}
