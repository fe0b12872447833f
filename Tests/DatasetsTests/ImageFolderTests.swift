import Configuration
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

struct ImageFolderTests {
  static let split = SplitConfig(train: nil, validation: 1, test: 1, seed: 0)

  static func read(
    _ files: [Identifier: String], images: [String] = ["a.png", "b.png", "c.png"],
    captions: FolderCaptions = .auto, split: SplitConfig = split,
    inspect: (ExampleSet) throws -> Void = { _ in }
  ) throws -> ExampleSet {
    try Flickr8kTests.withSet([:], images: images) { root in
      let folder = root.appending(path: "Images")
      for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name.text)) }
      var config = ImageFolderConfig()
      config.root = ConfigPath(written: folder.path, path: folder.path)
      config.captions = captions
      config.split = split
      let sets = try config.read()
      #expect(sets.count == 1)
      let set = try #require(sets.first)
      try inspect(set)
      return set
    }
  }

  static func captions(_ set: ExampleSet) -> [Identifier: [String]] { Flickr8kTests.captions(set) }

  static let expected: [Identifier: [String]] = [
    "a.png": ["one, a", "two a"], "b.png": ["b"], "c.png": ["c"],
  ]

  @Test("sidecar files, metadata.csv and metadata.jsonl say the same")
  func threeForms() throws {
    let sidecar = try Self.read(["a.txt": "one, a\n\ntwo a\n", "b.txt": "b", "c.txt": "c\r\n"])
    #expect(Self.captions(sidecar) == Self.expected)
    #expect(sidecar.description.contains("sidecar"))
    let csv = try Self.read([
      "metadata.csv": "n,text,file_name\n1,\"one, a\",a.png\n2,two a,a.png\n3,b,b.png\n4,c,c.png\n"
    ])
    #expect(Self.captions(csv) == Self.expected)
    let jsonl = try Self.read([
      "metadata.jsonl": """
      {"file_name": "a.png", "text": ["one, a", "two a"]}
      {"file_name": "b.png", "text": "b", "license": 3}

      {"text": "c", "file_name": "c.png"}
      """
    ])
    #expect(Self.captions(jsonl) == Self.expected)
    #expect(sidecar.test.map(\.id) == csv.test.map(\.id))
    #expect(csv.test.map(\.id) == jsonl.test.map(\.id))
  }

  @Test("each fault is one error that names file, line and what is wrong")
  func faults() throws {
    let faults: [([Identifier: String], String, Int?, String)] = [
      (["a.txt": "a", "b.txt": "b"], "c.txt", nil, "no such file"),
      (["a.txt": "a", "b.txt": "b", "c.txt": "\n"], "c.txt", nil, "no caption"),
      (["metadata.csv": "file_name,caption\na.png,a\n"], "metadata.csv", 1, "text_column"),
      (["metadata.csv": "file_name,text\na.png,a,b\n"], "metadata.csv", 2, "3 fields"),
      (["metadata.csv": "file_name,text\n../a.png,a\n"], "metadata.csv", 2, "not a path inside"),
      (["metadata.jsonl": "{\"file_name\": \"a.png\"\n"], "metadata.jsonl", 1, "JSON object"),
      (["metadata.jsonl": "{\"file_name\": \"a.png\"}\n"], "metadata.jsonl", 1, "text"),
      (
        ["metadata.jsonl": "{\"file_name\": \"/a.png\", \"text\": \"a\"}\n"], "metadata.jsonl", 1,
        "not a path inside"
      ),
    ]
    for (files, file, line, words) in faults {
      let error = #expect(throws: DatasetError.self) { try Self.read(files) }
      #expect(error?.file.hasSuffix(file) == true, "\(error?.description ?? "")")
      #expect(error?.line == line)
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
    let empty = #expect(throws: DatasetError.self) { try Self.read([:], images: []) }
    #expect(empty?.description.contains("no PNG or JPEG") == true)
  }

  @Test("of two metadata files the settings must name one")
  func ambiguous() throws {
    let files: [Identifier: String] = [
      "metadata.csv": "file_name,text\na.png,csv\nb.png,csv\nc.png,csv\n",
      "metadata.jsonl": ["a", "b", "c"].map {
        "{\"file_name\": \"\($0).png\", \"text\": \"jsonl\"}\n"
      }.joined(),
    ]
    let error = #expect(throws: DatasetError.self) { try Self.read(files) }
    #expect(error?.description.contains("both metadata.csv and metadata.jsonl") == true)
    #expect(Self.captions(try Self.read(files, captions: .csv))["a.png"] == ["csv"])
    #expect(Self.captions(try Self.read(files, captions: .jsonl))["a.png"] == ["jsonl"])
  }

  @Test("two images whose names differ in Unicode normalisation only are two images")
  func namesAreBytes() throws {
    let images = ["\u{e9}.png", "e\u{301}.png", "b.png"]
    let sidecars: [Identifier: String] = ["\u{e9}.txt": "one", "e\u{301}.txt": "two", "b.txt": "b"]
    let csv: [Identifier: String] = [
      "metadata.csv": "file_name,text\n\(images[0]),one\n\(images[1]),two\nb.png,b\n"
    ]
    for files in [sidecars, csv] {
      let set = try Self.read(files, images: images) { set in
        let digests = try set.media.map { try $0.digest() }
        #expect(Set(digests).count == 3)
      }
      #expect(Self.captions(set)[Identifier(images[0])] == ["one"])
      #expect(Self.captions(set)[Identifier(images[1])] == ["two"])
    }
  }

  @Test("what is left out is counted and named")
  func leftOut() throws {
    let files: [Identifier: String] = [
      "metadata.csv": "file_name,text\na.png,a\nb.png,b\nc.png,c\n", "e.webp": "", "f.GIF": "",
      ".h.gif": "",
    ]
    let set = try Self.read(files, images: ["a.png", "b.png", "c.png", "d.png"])
    #expect(
      set.notes == [
        "2 files are left out: images of a kind that is not read, only PNG and JPEG are (e.webp, …).",
        "1 file is left out: images that metadata.csv does not name (d.png).",
      ])
    let whole = try Self.read(["a.txt": "a", "b.txt": "b", "c.txt": "c"])
    #expect(whole.notes.isEmpty)
  }

  @Test("two images with one text file, and metadata of one part, are refused and told apart")
  func layouts() throws {
    let shared = #expect(throws: DatasetError.self) {
      try Self.read(["a.txt": "a"], images: ["a.jpg", "a.png"])
    }
    #expect(shared?.file.hasSuffix("a.txt") == true)
    #expect(shared?.description.contains("both a.jpg and a.png") == true)
    try inTemporaryFolder { root in
      let folder = root.appending(path: "train")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data("file_name,text\n".utf8).write(to: folder.appending(path: "metadata.csv"))
      var config = ImageFolderConfig()
      config.root = ConfigPath(written: root.path, path: root.path)
      let error = #expect(throws: DatasetError.self) { try config.read() }
      #expect(error?.description.contains("train/metadata.csv") == true)
    }
  }
}
