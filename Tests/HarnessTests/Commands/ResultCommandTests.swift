import Configuration
import Datasets
import Foundation
import Reports
import Storage
import Testing

@testable import Harness

/// `caption`, `ask`, `report`, `encode` and `cache` on what a tiny run leaves.
@Suite("Commands on a run's results")
struct ResultCommandTests {
  private static let changes = ["~projectors.perceiver", "evaluation.controls=[untrained]"]

  /// A finished run, and its test images as files beside it.
  private func ran() throws -> (tiny: TinyExperiment, images: [String]) {
    let tiny = try TinyExperiment()
    try tiny.run(overrides: Self.changes)
    let test = try Experiment.load(tiny.file.path).config.dataset.read()[0].test
    let images = try test.map { example in
      let name = "\(example.id.text).png"
      try example.media[0].image().writePNG(to: tiny.folder.appending(path: name))
      return name
    }
    return (tiny, images)
  }

  private func answers(_ tiny: TinyExperiment, _ cell: String) throws -> [AnswerRecord] {
    try JSONLines.read(
      AnswerRecord.self,
      from: tiny.results.appending(path: "tiny/\(cell)/captions.jsonl"))
  }

  // MARK: - caption and ask

  @Test("a photograph file gets the caption that the run gave the same pixels")
  func caption() throws {
    let (tiny, images) = try ran()
    defer { tiny.remove() }
    let ending = try Program.run(
      ["caption", "results/tiny"] + images + ["--cache", "cache", "--threads", "1"],
      in: tiny.folder)
    #expect(ending.code == 0 && ending.errors.isEmpty, "\(ending)")
    var expected: [String] = []
    for arm in ["mlp", "qformer"] {
      expected += zip(images, try answers(tiny, "\(arm)/seed-0")).map { image, record in
        "\(image)\t\(arm)\t\(record.captions["trained"] ?? "")"
      }
    }
    #expect(ending.output.split(separator: "\n").map(String.init) == expected)
    let one = try Program.run(
      ["caption", "results/tiny/qformer/seed-0", images[0], "--cache", "cache", "--json"],
      in: tiny.folder)
    let json = try JSONValue(parsing: one.output)
    #expect(json.array?.count == 1 && json[0]?["arm"]?.string == "qformer")
  }

  @Test("--verbose says the shapes of pixels, features, projected, text and joined")
  func verbose() throws {
    let (tiny, images) = try ran()
    defer { tiny.remove() }
    let ending = try Program.run(
      ["caption", "results/tiny/qformer/seed-0", images[0], "--cache", "cache", "--verbose"],
      in: tiny.folder)
    // 32 pixels a side in patches of 8; three queries; the caption's begin token is all text there is.
    #expect(
      ending.errorLines == [
        "\(images[0]), qformer", "  pixels     [3, 32, 32]",
        "  features   [16, 16]: 4 × 4 patches", "  projected  [3, 16]", "  text       [1, 16]",
        "  joined     [4, 16]",
      ], "\(ending)")
    #expect(ending.output.split(separator: "\n").count == 1)
  }

  @Test("a question stands before the answer, and one that is too long is refused")
  func ask() throws {
    let (tiny, images) = try ran()
    defer { tiny.remove() }
    func ask(_ question: String) throws -> Program.Ending {
      try Program.run(
        [
          "ask", "results/tiny/mlp/seed-0", images[0], question, "--cache", "cache", "--verbose",
        ], in: tiny.folder)
    }
    let ending = try ask("a red circle ?")
    #expect(ending.code == 0 && ending.output.hasPrefix("\(images[0])\tmlp\t"), "\(ending)")
    let text = try #require(ending.errorLines.first { $0.contains("  text ") })
    #expect(!text.contains("[1, 16]"))
    let long = try ask(String(repeating: "red ", count: 20_000))
    #expect(long.code == 65 && long.errorLines.count == 1, "\(long.code) \(long.errors)")
    #expect(long.errors.contains("ask a shorter question"))
  }

  @Test("a photograph that is not there, or a folder without weights, is an error in one line")
  func notThere() throws {
    let (tiny, images) = try ran()
    defer { tiny.remove() }
    let photo = try Program.run(
      ["caption", "results/tiny", "nowhere.jpg", "--cache", "cache"], in: tiny.folder)
    #expect([65, 74].contains(photo.code) && photo.errorLines.count == 1, "\(photo)")
    #expect(photo.errors.contains("nowhere.jpg"))
    try FileManager.default.removeItem(
      at: tiny.results.appending(path: "tiny/mlp/seed-0/checkpoint"))
    let weights = try Program.run(
      ["caption", "results/tiny/mlp/seed-0", images[0], "--cache", "cache"], in: tiny.folder)
    #expect(weights.code == 65 && weights.errorLines.count == 1, "\(weights)")
    #expect(weights.errors.contains("no weights of mlp"))
  }

  // MARK: - report

  @Test("a report made again from a run's small files says the same, and keeps what ran")
  func report() throws {
    let (tiny, _) = try ran()
    defer { tiny.remove() }
    let folder = ResultsFolder(tiny.results.appending(path: "tiny"))
    let files = [
      folder.summary, folder.comparison("md"), folder.comparison("csv"), folder.comparison("html"),
      folder.captions, folder.provenance,
    ]
    let before = try files.map { try Data(contentsOf: $0) }
    for file in files.prefix(5) { try FileManager.default.removeItem(at: file) }
    for arm in ["mlp", "qformer"] {
      try FileManager.default.removeItem(at: folder.cell(arm: arm, "seed-0").checkpoint)
    }
    let ending = try Program.run(
      ["report", "results/tiny", "--cache", "cache", "--threads", "1"], in: tiny.folder)
    #expect(ending.code == 0 && ending.output.hasPrefix("tiny: comparison\n"), "\(ending)")
    for (file, data) in zip(files, before) {
      #expect(try Data(contentsOf: file) == data, "\(file.lastPathComponent)")
    }
    let page = try String(contentsOf: folder.report, encoding: .utf8)
    #expect(page.contains("dragoman run"))
    #expect(!page.contains("dragoman run \(folder.experiment.path)"), "what ran, not what reported")
  }

  @Test("a report names the cells that are missing")
  func reportMissing() throws {
    let (tiny, _) = try ran()
    defer { tiny.remove() }
    try FileManager.default.removeItem(
      at: tiny.results.appending(path: "tiny/mlp/seed-0/captions.jsonl"))
    let ending = try Program.run(["report", "results/tiny", "--cache", "cache"], in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    #expect(ending.output.hasPrefix("tiny: comparison (cells missing)\n"))
    #expect(ending.output.contains("Missing cells: mlp/seed-0: not run."))
    let nothing = try Program.run(["report", "results", "--cache", "cache"], in: tiny.folder)
    #expect(nothing.code == 65 && nothing.errors.contains("is no results folder"), "\(nothing)")
  }

  // MARK: - encode and cache

  @Test("encode fills the store that a run reads, and cache lists, verifies and prunes it")
  func cache() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    func run(_ arguments: String...) throws -> Program.Ending {
      try Program.run(arguments + ["--cache", "cache"], in: tiny.folder)
    }
    let empty = try run("cache", "list")
    #expect(empty.code == 0 && empty.output.hasSuffix(": no features\n"), "\(empty)")
    #expect(try run("encode", "tiny.yaml", "--threads", "1").code == 0)
    #expect(!FileManager.default.fileExists(atPath: tiny.results.path), "encode makes no results")
    let again = try run("encode", "tiny.yaml", "--threads", "1")
    #expect(again.errors.contains("features of 32 images were in the store"), "\(again)")
    let quiet = try run("encode", "tiny.yaml", "--quiet")
    #expect(quiet.errors.isEmpty && quiet.output.isEmpty)

    let list = try run("cache", "list", "--json")
    let entries = try #require(try JSONValue(parsing: list.output)["entries"]?.array)
    let key = try #require(entries.first?["key"]?.string)
    #expect(entries.count == 1 && entries[0]["images"]?.int == 32)
    #expect(entries[0]["tokens"]?.int == 16 && entries[0]["width"]?.int == 16)
    let text = try run("cache", "list").output
    #expect(text.hasPrefix("\(key)  small ViT 1×16, patch 8: 32 images of 16 × 16, "), "\(text)")

    #expect(try run("cache", "verify") == Program.Ending(code: 0, output: "all well\n", errors: ""))
    let young = try run("cache", "prune", "--older-than", "1")
    #expect(young.code == 0 && young.output.hasPrefix("0 "), "\(young)")
    let files = FileManager.default.enumerator(
      at: tiny.folder.appending(path: "cache"), includingPropertiesForKeys: nil)
    let all = (files?.allObjects ?? []).compactMap { $0 as? URL }
    let shard = try #require(all.first { $0.pathExtension == "h5" })
    var bytes = try Data(contentsOf: shard)
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: shard)
    let damaged = try run("cache", "verify")
    #expect(damaged.code == 1 && damaged.output.hasPrefix("\(key): "), "\(damaged)")

    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -3 * 86_400)],
      ofItemAtPath: shard.deletingLastPathComponent().path)
    let old = try run("cache", "prune", "--older-than", "2")
    #expect(old.code == 0 && old.output.contains(key) && old.output.contains(" freed\n"), "\(old)")
    #expect(try run("cache", "list").output.hasSuffix(": no features\n"))
    let usage = try run("cache", "prune", "--older-than", "0")
    #expect(usage.code == 64)
  }
}
