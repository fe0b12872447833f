import Configuration
import Foundation
import Reports
import Storage
import Testing

@testable import Harness

/// Results folders made of small files alone, as a run leaves them.
struct StoredCells {
  let root: URL

  init() throws {
    root = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(at: root) }

  static let references = [
    ["a red disc", "one red disc"], ["a blue square on white"], ["two green stars"],
    ["a yellow disc left of a star", "a disc and a star"],
  ]
  static let right = [
    "a red disc", "a blue square on white", "two green stars", "a disc and a star",
  ]
  static let wrong = ["a star", "a star", "a star", "a star"]

  static func experiment(
    _ name: String, arms: [String], seeds: String = "[0]", evaluation: String = ""
  ) -> String {
    """
    experiment: \(name)
    dataset: {kind: flickr8k, root: "${NOT_SET_ANYWHERE}"}
    encoder: {kind: vit, model: "${DRAGOMAN_MODELS}/vit"}
    language_model: {kind: llama, model: hf:a/b}
    projectors: {\(arms.map { "\($0): {kind: mlp}" }.joined(separator: ", "))}
    training: {seeds: \(seeds)}
    evaluation: {metrics: [cider_d, bleu], controls: [untrained], bootstrap: 100, \
    randomizations: 100\(evaluation)}
    """
  }

  /// - Returns: the folder.
  @discardableResult
  func add(_ folder: String, _ experiment: String) throws -> URL {
    let url = root.appending(path: folder)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    try Data(experiment.replacing("${NOT_SET_ANYWHERE}", with: "nowhere").utf8)
      .write(to: url.appending(path: "experiment.yaml"))
    return url
  }

  /// A finished cell; rows other than the trained one are optional.
  func addCell(
    _ folder: String, _ cell: String, answers: [String], untrained: [String]? = nil,
    references: [[String]] = references, images: [Identifier] = ["i0", "i1", "i2", "i3"]
  ) throws {
    let place = CellFolder(url: root.appending(path: folder).appending(path: cell))
    try FileManager.default.createDirectory(at: place.url, withIntermediateDirectories: true)
    let records = answers.indices.map { index in
      AnswerRecord(
        image: images[index],
        captions: ["trained": answers[index]].merging(
          untrained.map { ["untrained": $0[index]] } ?? [:]
        ) { own, _ in own },
        references: references[index])
    }
    try JSONLines.write(records, to: place.answers)
    let parts = cell.split(separator: "/")
    let outcome = CellOutcome(
      weightsDigest: "w", answersDigest: "a", answersFileDigest: try Digest.ofFile(place.answers),
      arm: String(parts[0]), seed: Int(parts[1].split(separator: "-")[1]) ?? 0, fold: nil,
      isControl: false, visualTokens: 4, flopsPerSample: 1e6, trainableParameters: 10, stages: [],
      bestValidationLoss: 1, finalValidationLoss: 2, bestEpoch: 1, seconds: 3, steps: nil)
    try outcome.write(to: place.metrics)
  }

  /// Two folders, `a` with arms mlp and linear, `b` with arm mlp.
  func addTwo(references: [[String]] = references) throws {
    try add("a", Self.experiment("one", arms: ["mlp", "linear"]))
    try addCell("a", "mlp/seed-0", answers: Self.right, untrained: Self.wrong)
    try addCell("a", "linear/seed-0", answers: Self.wrong, untrained: Self.wrong)
    try add("b", Self.experiment("two", arms: ["mlp"]))
    try addCell(
      "b", "mlp/seed-0", answers: Self.right.reversed(), untrained: Self.wrong,
      references: references)
  }

  func compare(
    _ folders: [String], metric: String? = nil, baseline: String? = nil
  ) throws -> ResultsComparison {
    try ResultsComparison(
      ComparisonOptions(
        results: folders.map { root.appending(path: $0) }, metric: metric, baseline: baseline,
        cache: root.appending(path: "cache"), threads: 1))
  }

  /// Why the folders can't be compared.
  func refusal(_ folders: [String], metric: String? = nil, baseline: String? = nil) -> String? {
    #expect(throws: ComparisonRefusal.self) {
      try compare(folders, metric: metric, baseline: baseline)
    }?.description
  }
}

@Suite("dragoman compare")
struct CompareCommandTests {
  @Test("results on the same data become one table, rows named by their experiments")
  func together() throws {
    let stored = try StoredCells()
    defer { stored.remove() }
    try stored.addTwo()
    let summary = try stored.compare(["a", "b"]).summary
    #expect(
      summary.arms.map(\.arm) == [
        "one: mlp", "one: linear", "two: mlp", "one: mlp (untrained)", "one: linear (untrained)",
        "two: mlp (untrained)",
      ])
    #expect(summary.experiment == "one, two" && summary.missing == nil)
    let scores = summary.arms.map { $0.metrics["CIDEr-D"]?.mean ?? .nan }
    #expect(scores[0] > 1 && scores[0] > scores[1] && scores[0] > scores[2])
    // Each pair of arms, and each arm against its own control.
    let pairs = summary.comparisons.filter { $0.metric == "CIDEr-D" }.map { "\($0.a) | \($0.b)" }
    #expect(pairs.contains("one: mlp | two: mlp") && pairs.contains("one: linear | two: mlp"))
    #expect(summary.comparisons.filter { $0.metric != "CIDEr-D" }.allSatisfy { $0.p == nil })
  }

  @Test(
    "one folder alone keeps the names of its rows; two of one experiment are told by their folders")
  func names() throws {
    let stored = try StoredCells()
    defer { stored.remove() }
    try stored.addTwo()
    #expect(try stored.compare(["a"]).summary.arms.map(\.arm).prefix(2) == ["mlp", "linear"])
    try stored.add("b", StoredCells.experiment("one", arms: ["mlp"]))
    let rows = try stored.compare(["a", "b"]).summary.arms.map(\.arm)
    #expect(Set(rows).count == 6 && rows[0].hasSuffix("/a: mlp") && rows[2].hasSuffix("/b: mlp"))
  }

  @Test("cells that are missing are named, with the reason where one failed")
  func missing() throws {
    let stored = try StoredCells()
    defer { stored.remove() }
    try stored.add("a", StoredCells.experiment("one", arms: ["mlp", "linear"], seeds: "[0, 1]"))
    try stored.addCell("a", "mlp/seed-0", answers: StoredCells.right)
    try stored.addCell("a", "linear/seed-0", answers: StoredCells.right)
    try stored.addCell("a", "linear/seed-1", answers: StoredCells.wrong)
    let failed = stored.root.appending(path: "a/mlp/seed-1")
    try FileManager.default.createDirectory(at: failed, withIntermediateDirectories: true)
    try Data(#"{"weights_digest": "w", "message": "the loss is nan"}"#.utf8)
      .write(to: failed.appending(path: "failure.json"))
    // Answers that are not those of the metrics beside them do not count.
    try Data("{}\n".utf8).write(to: stored.root.appending(path: "a/linear/seed-1/captions.jsonl"))
    let summary = try stored.compare(["a"]).summary
    #expect(summary.missing == ["mlp/seed-1: the loss is nan", "linear/seed-1: not run"])
    #expect(summary.seeds == [0, 1])
  }

  @Test("a cell of other settings than the experiment's is not taken for one of its own")
  func stale() throws {
    let stored = try StoredCells()
    defer { stored.remove() }
    try stored.addTwo()
    try Data("arm: {kind: mlp, hidden: 3}\nstages: [{epochs: 4}]\nseed: 0\n".utf8)
      .write(to: stored.root.appending(path: "a/mlp/seed-0/config.yaml"))
    #expect(try stored.compare(["a"]).summary.missing == ["mlp/seed-0: not run"])
  }

  @Test("other test images, references, metrics or METEOR stages are refused with the reason")
  func refused() throws {
    func reason(_ change: (StoredCells) throws -> Void) throws -> String {
      let stored = try StoredCells()
      defer { stored.remove() }
      try change(stored)
      return try #require(stored.refusal(["a", "b"]))
    }
    var references = StoredCells.references
    references[1] = ["a cat"]
    #expect(
      try reason { try $0.addTwo(references: references) }
        .contains("were tested on different images, questions or references"))
    #expect(
      try reason {
        try $0.addTwo()
        try $0.addCell(
          "b", "mlp/seed-0", answers: StoredCells.right, images: ["i0", "i1", "i2", "x"])
      }.contains("were tested on different images"))
    #expect(
      try reason {
        try $0.addTwo()
        try $0.add(
          "b",
          StoredCells.experiment("two", arms: ["mlp"]).replacing("cider_d, bleu", with: "cider_d"))
      }.contains("are scored differently: cider_d, bleu, and cider_d; make their evaluation"))
    #expect(
      try reason { stored in
        try stored.addTwo()
        for (folder, stages) in [("a", "exact, stem"), ("b", "exact")] {
          let text = StoredCells.experiment(
            folder, arms: ["mlp"], evaluation: ", meteor_stages: [\(stages)]")
          try stored.add(folder, text.replacing("bleu", with: "meteor"))
        }
      }.contains("differently: cider_d, meteor (exact, stem), and cider_d, meteor (exact); make"))
  }

  @Test("a folder without results, a folder twice, an unknown metric or row: each is said")
  func wrongNames() throws {
    let stored = try StoredCells()
    defer { stored.remove() }
    try stored.addTwo()
    #expect(stored.refusal(["nothing"])?.contains("is no results folder") == true)
    try stored.add("c", StoredCells.experiment("three", arms: ["mlp"]))
    #expect(stored.refusal(["c"])?.contains("has no finished cell") == true)
    #expect(stored.refusal(["a", "a"])?.hasSuffix("/a is named twice") == true)
    #expect(
      stored.refusal(["a", "b"], metric: "meteor")
        == "--metric meteor: the experiment scores cider_d, bleu")
    #expect(
      stored.refusal(["a", "b"], baseline: "mlp")?.contains("there are one: mlp, one: linear")
        == true)
  }

  @Test("--baseline keeps one row's pairs, --metric chooses what is tested")
  func choices() throws {
    let stored = try StoredCells()
    defer { stored.remove() }
    try stored.addTwo()
    let summary = try stored.compare(["a", "b"], metric: "bleu", baseline: "two: mlp").summary
    #expect(summary.primary == "BLEU-4")
    #expect(!summary.comparisons.isEmpty)
    for pair in summary.comparisons {
      #expect(pair.a == "two: mlp" || pair.b == "two: mlp")
      #expect((pair.p != nil) == (pair.metric == "BLEU-4"))
    }
  }

  @Test("the program prints every format, and ends with 65 where it refuses")
  func program() throws {
    let stored = try StoredCells()
    defer { stored.remove() }
    try stored.addTwo()
    func print(_ format: String) throws -> String {
      let ending = try Program.run(
        ["compare", "a", "b", "--format", format, "--threads", "1"], in: stored.root,
        environment: ["DRAGOMAN_CACHE": "cache"])
      #expect(ending.code == 0 && ending.errors.isEmpty, "\(ending)")
      return ending.output
    }
    #expect(try print("text").contains("one, two: comparison\n"))
    #expect(try print("markdown").contains("| one: mlp |"))
    #expect(try print("csv").hasPrefix("Arm,"))
    #expect(try print("latex").contains("\\begin{table}"))
    #expect(try print("html").hasPrefix("<!DOCTYPE html>"))
    #expect(try JSONValue(parsing: print("json"))["arms"]?.array?.count == 6)
    try stored.add(
      "b", StoredCells.experiment("two", arms: ["mlp"]).replacing("cider_d, bleu", with: "bleu"))
    let refused = try Program.run(["compare", "a", "b"], in: stored.root)
    #expect(refused.code == 65 && refused.errorLines.count == 1, "\(refused)")
    #expect(refused.errors.contains("are scored differently"))
  }
}
