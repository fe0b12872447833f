import Configuration
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

struct CaptionedFolderTests {
  static let split = ImageSplit(train: nil, validation: 1, test: 1, seed: 0)

  static func read(
    _ files: [String: String], images: [String] = ["a.png", "b.png", "c.png"],
    split: ImageSplit = split
  ) throws -> CaptionDataset {
    try Flickr8kTests.withSet([:], images: images) { root in
      let folder = root.appending(path: "Images")
      for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
      return try CaptionDataset.imageFolder(root: folder, split: split)
    }
  }

  static func captions(_ set: CaptionDataset) -> [String: [String]] {
    let all = set.train + set.validation + set.test
    return Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0.captions) })
  }

  static let expected = ["a.png": ["one, a", "two a"], "b.png": ["b"], "c.png": ["c"]]

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
    let faults: [([String: String], String, Int?, String)] = [
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

  @Test("an experiment's settings reach the loader")
  func configuration() throws {
    var scenes = ScenesConfig()
    (scenes.train, scenes.validation, scenes.test, scenes.captionsPerImage) = (3, 2, 1, 4)
    let set = try CaptionDataset(.scenes(scenes))
    #expect((set.train.count, set.validation.count, set.test.count) == (3, 2, 1))
    #expect(set.train.allSatisfy { $0.captions.count == 4 })

    try Flickr8kTests.withSet(["captions.txt": Flickr8kTests.kaggle]) { root in
      var flickr = Flickr8kConfig()
      flickr.root = ConfigPath(written: "x", path: root.path)
      (flickr.split.train, flickr.split.validation, flickr.split.test) = (nil, 1, 1)
      let set = try CaptionDataset(.flickr8k(flickr))
      #expect((set.train.count, set.validation.count, set.test.count) == (2, 1, 1))
    }
  }
}
