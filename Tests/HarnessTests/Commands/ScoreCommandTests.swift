import Foundation
import Testing

/// `dragoman score` as a user runs it: what it prints, and how it ends.
@Suite("dragoman score")
struct ScoreCommandTests {
  private let folder: URL

  /// A space in the path of every file: pycocoevalcap's Java tools fail there.
  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "score tests/\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try write(
      "refs.json",
      #"""
      {"images": [{"id": 7}, {"id": 3}],
       "annotations": [
        {"image_id": 3, "id": 1, "caption": "A dog runs on grass."},
        {"image_id": 7, "id": 2, "caption": "Two cats sleep."},
        {"image_id": 3, "id": 3, "caption": "The dog is running."}]}
      """#)
    try write(
      "good.json",
      #"[{"image_id": 3, "caption": "a dog runs"}, {"image_id": 7, "caption": "two cats"}]"#)
  }

  private func write(_ name: String, _ text: String) throws {
    try write(name, Array(text.utf8))
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: folder.appending(path: name))
  }

  private func score(_ arguments: String...) throws -> Program.Ending {
    // No stage of METEOR that this machine may lack.
    try Program.run(
      ["score", "--meteor-stages", "exact", "stem", "--resamples", "200"] + arguments, in: folder)
  }

  private func jsonObject(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  static let names: Set = [
    "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr-D", "METEOR-1.5 (exact+stem)",
  ]

  @Test("--json has corpus values and each image's, under the same names, and nothing on stderr")
  func json() throws {
    let ending = try score("--references", "refs.json", "--candidates", "good.json", "--json")
    #expect(ending.code == 0)
    #expect(ending.errors.isEmpty)
    let object = try jsonObject(ending.output)
    #expect(Set(object.keys) == ["corpus", "per_image", "diversity", "notes"])
    let corpus = try #require(object["corpus"] as? [String: Double])
    #expect(Set(corpus.keys) == Self.names)
    let images = try #require(object["per_image"] as? [String: [String: Double]])
    #expect(Set(images.keys) == ["3", "7"])
    for values in images.values { #expect(Set(values.keys) == Self.names) }
    // No word is wrong; 5 words, where the references closest in length have 7.
    let brevity = exp(1 - 7.0 / 5)
    #expect(abs(try #require(corpus["BLEU-1"]) - brevity) < 1e-6)
    let diversity = try #require(object["diversity"] as? [String: Double])
    #expect(diversity["vocabulary size"] == 5)
    let notes = try #require(object["notes"] as? [String: String])
    #expect(notes["CIDEr-D"] == "document frequencies: this set's references, 2 images")
  }

  @Test("JSON lines and COCO files of the same captions give the same output")
  func jsonLines() throws {
    try write(
      "refs.jsonl",
      #"""
      {"image_id": 7, "references": ["Two cats sleep."]}
      {"image_id": 3, "references": ["A dog runs on grass.", "The dog is running."]}
      """#)
    try write(
      "good.jsonl",
      #"""
      {"image_id": 7, "caption": "two cats"}
      {"image_id": 3, "caption": "a dog runs"}
      """#)
    let lines = try score("--references", "refs.jsonl", "--candidates", "good.jsonl", "--json")
    let coco = try score("--references", "refs.json", "--candidates", "good.json", "--json")
    #expect(lines.code == 0)
    #expect(lines == coco)
  }

  @Test("several candidate files are compared in text, JSON and CSV")
  func comparison() throws {
    try write(
      "bad.json", #"[{"image_id": 3, "caption": "x"}, {"image_id": 7, "caption": "two"}]"#)
    let files = ["--references", "refs.json", "--candidates", "good.json", "bad.json"]
    func ending(_ more: String...) throws -> Program.Ending {
      try Program.run(
        ["score", "--metrics", "bleu", "cider_d", "--resamples", "200"] + files + more,
        in: folder)
    }
    let object = try jsonObject(try ending("--json").output)
    let candidates = try #require(object["candidates"] as? [String: [String: Any]])
    #expect(Set(candidates.keys) == ["good.json", "bad.json"])
    let comparisons = try #require(object["comparisons"] as? [[String: Any]])
    #expect(comparisons.count == 5)
    let first = try #require(comparisons.first)
    #expect(
      Set(first.keys) == ["a", "b", "metric", "difference", "ci95", "p", "p_holm"])
    #expect(try #require(first["difference"] as? Double) > 0)
    let text = try ending().output
    #expect(text.contains("p (Holm)") && text.contains("good.json"))
    let csv = try ending("--csv").output.split(separator: "\n").map(String.init)
    #expect(csv[0] == "candidates,metric,value,ci95_lower,ci95_upper")
    #expect(csv.contains("a,b,metric,difference,ci95_lower,ci95_upper,p,p_holm"))
    #expect(csv.count { $0.hasPrefix("good.json,bad.json,") } == 5)
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    let name: String
    var references = ["refs.json"]
    var candidates = ["good.json"]
    var more: [String] = []
    var files: [String: [UInt8]] = [:]
    let code: Int32
    /// The whole message after `dragoman: error: `.
    let message: String
    var testDescription: String { name }
  }

  private static let broken =
    Array("[{\"image_id\": 3,\n \"caption\": \"caf".utf8) + [0xe9] + Array("\"}]".utf8)

  static let refused: [Refused] = [
    Refused(
      name: "an image without candidate", candidates: ["x.json"],
      files: ["x.json": Array(#"[{"image_id": 3, "caption": "a dog"}]"#.utf8)], code: 65,
      message: "x.json lacks image 7, which the references have; add the captions, or score the"
        + " images that are there with --subset."),
    Refused(
      name: "an image without reference", candidates: ["x.json"],
      files: ["x.json": Array(#"[{"image_id": 9, "caption": "a dog"}]"#.utf8)], code: 65,
      message: "x.json has image 9, which refs.json has no reference for; check the ids, or use"
        + " the references of the same split."),
    Refused(
      name: "a second candidate for an image", candidates: ["x.json"],
      files: [
        "x.json": Array(
          "[{\"image_id\": 3, \"caption\": \"a\"},\n{\"image_id\": 3, \"caption\": \"b\"}]".utf8)
      ], code: 65,
      message: "x.json, line 2: a second caption for image 3; a candidate file has one for each"
        + " image."),
    Refused(
      name: "an image whose references are none", references: ["x.jsonl"],
      files: [
        "x.jsonl": Array(
          "{\"image_id\": 3, \"references\": [\"a\"]}\n{\"image_id\": 7, \"references\": []}".utf8)
      ], code: 65,
      message: "x.jsonl has no reference caption for image 7; give at least one each, or leave the"
        + " images out."),
    Refused(
      name: "references without any caption", references: ["x.json"],
      files: ["x.json": Array(#"{"images": [], "annotations": []}"#.utf8)], code: 65,
      message: "x.json holds no caption; expected COCO annotations, a COCO result list, or JSON"
        + " lines with image_id and caption."),
    Refused(
      name: "bytes that are no UTF-8", candidates: ["x.json"], files: ["x.json": broken], code: 65,
      message: "x.json, line 2: not UTF-8; convert the file, for example with iconv."),
    Refused(
      name: "text that is no JSON", candidates: ["x.json"], files: ["x.json": Array("[{".utf8)],
      code: 65, message: "x.json, line 1: expected a text in quotes."),
    Refused(
      name: "a file that is not there", candidates: ["absent.json"], code: 74,
      message: "Can't read absent.json: there is no such file."),
    Refused(
      name: "document frequencies that are none", more: ["--idf", "refs.json"], code: 65,
      message: "refs.json, line 1: not a file that `dragoman score --write-idf` made."),
    Refused(
      name: "document frequencies that are not there", more: ["--idf", "absent.idf"], code: 74,
      message: "Can't read absent.idf: there is no such file."),
    Refused(
      name: "a folder without METEOR's data",
      more: [
        "--meteor-stages", "paraphrase", "--meteor-data", ".",
      ], code: 65,
      message: ". holds no METEOR data: expected data/paraphrase-en.gz and meteor-1.5.jar, as in"
        + " the meteor folder of an installed pycocoevalcap."),
  ]

  @Test(
    "wrong input ends with its exit code and one sentence that names file and line",
    arguments: refused)
  func refusal(of example: Refused) throws {
    for (name, bytes) in example.files { try write(name, bytes) }
    let ending = try Program.run(
      ["score", "--meteor-stages", "exact", "stem"] + ["--references"] + example.references
        + ["--candidates"] + example.candidates + example.more, in: folder)
    #expect(ending.code == example.code)
    #expect(ending.errors == "dragoman: error: \(example.message)\n")
    #expect(ending.output.isEmpty)
  }

  @Test("METEOR says that a stage is left out for want of data, and names what ran")
  func missingData() throws {
    // A folder with the jar's place taken by a table only: no synonyms beside WordNet's.
    let ending = try Program.run(
      ["score", "--references", "refs.json", "--candidates", "good.json", "--metrics", "meteor"],
      in: folder,
      environment: ["WNSEARCHDIR": folder.path, "XDG_CACHE_HOME": folder.path, "HOME": folder.path])
    #expect(ending.code == 0)
    #expect(ending.output.contains("METEOR-1.5 (exact+stem"))
    if !ending.output.contains("paraphrase)") {
      #expect(ending.errors.contains("METEOR's stage \"paraphrase\" needs data/paraphrase-en.gz"))
    }
  }

  @Test("--write-idf needs no candidates; --idf makes a part's CIDEr-D equal to the whole's")
  func documentFrequencies() throws {
    let written = try score("--references", "refs.json", "--write-idf", "set.idf")
    #expect(written.code == 0 && written.output.isEmpty && written.errors.isEmpty)
    try write("part.json", #"[{"image_id": 3, "caption": "a dog runs"}]"#)
    func value(_ file: String, _ more: String...) throws -> Double {
      let ending = try Program.run(
        ["score", "--metrics", "cider_d", "--json", "--references", "refs.json", "--candidates"]
          + [file] + more, in: folder)
      let images = try jsonObject(ending.output)["per_image"] as? [String: [String: Double]]
      return try #require(images?["3"]?["CIDEr-D"])
    }
    let whole = try value("good.json")
    #expect(try value("part.json", "--subset", "--idf", "set.idf") == whole)
    #expect(try value("part.json", "--subset") != whole)
  }

  @Test("output that can't be written ends with 74", .enabled(if: access("/dev/full", W_OK) == 0))
  func fullDisk() throws {
    let ending = try Program.run(
      [
        "score", "--metrics", "bleu", "--references", "refs.json", "--candidates", "good.json",
      ], in: folder, output: "/dev/full")
    #expect(ending.code == 74)
    #expect(ending.errorLines.count == 1)
  }

  @Test("results do not depend on the number of threads")
  func threads() throws {
    let files = ["--references", "refs.json", "--candidates", "good.json", "--json"]
    let one = try Program.run(["score", "--threads", "1", "--intervals"] + files, in: folder)
    let three = try Program.run(["score", "--threads", "3", "--intervals"] + files, in: folder)
    #expect(one.code == 0)
    #expect(one.output == three.output)
  }
}
