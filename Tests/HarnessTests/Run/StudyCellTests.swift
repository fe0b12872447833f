import Foundation
import Reports
import Testing

@testable import Harness

/// Which cells a study makes, keeps and remakes.
@Suite("Cells of a study")
struct StudyCellTests {
  /// The files of a cell that training and answering write, and nothing else does.
  static let made = [
    "captions.jsonl", "config.yaml", "log.jsonl", "checkpoint/best.safetensors",
    "checkpoint/last.safetensors",
  ]

  @Test("a sweep is one table, and arms that it does not concern are not trained again")
  func sweep() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let unchanged = ["mlp/seed-0", "perceiver/seed-0", "learned_prompt/seed-0"]
    let before = try unchanged.map { try tiny.traces($0) }
    let summary = try tiny.run(overrides: ["projectors.qformer.queries=2,3"])
    #expect(
      summary.arms.filter { !$0.control }.map(\.arm)
        == ["mlp", "qformer (queries=2)", "qformer (queries=3)", "perceiver"])
    #expect(summary.missing == nil && summary.failures == nil)
    for (cell, traces) in zip(unchanged, before) { try expectKept(tiny, cell, traces) }
    // The swept value that the file has too gives the same weights in a folder of its own.
    let (own, swept) = (tiny.cell("qformer/seed-0"), tiny.cell("qformer/seed-0-queries=3"))
    #expect(try Data(contentsOf: own.weights) == Data(contentsOf: swept.weights))
    #expect(try Data(contentsOf: own.answers) == Data(contentsOf: swept.answers))
    // Pairs of the two points are compared, and each image's figures are named by row.
    #expect(
      summary.comparisons.contains {
        $0.a == "qformer (queries=2)" && $0.b == "qformer (queries=3)"
      })
    let figures = try FileManager.default.contentsOfDirectory(
      atPath: tiny.results.appending(path: "tiny/figures").path)
    #expect(figures.filter { $0.hasPrefix("queries-qformer") }.count >= 2, "\(figures)")
    let titles = Set(summary.arms.map(\.arm))
    #expect(titles.count == summary.arms.count, "every row has a name of its own")
  }

  @Test("--fresh removes what the file's own cells made; other sweeps and a user's files stay")
  func fresh() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(overrides: ["projectors.qformer.queries=2,3"])
    let others = ["qformer/seed-0-queries=2", "qformer/seed-0-queries=3"]
    let before = try others.map { try tiny.traces($0) }
    let root = tiny.results.appending(path: "tiny")
    let notes = ["notes.txt", "qformer/notes.txt", "mlp/seed-0/notes.txt"]
    for name in notes { try Data("mine".utf8).write(to: root.appending(path: name)) }
    let weights = tiny.cell("mlp/seed-0").weights
    let old = try weights.resourceValues(forKeys: [.contentModificationDateKey])
    try tiny.run(overrides: ["projectors.qformer.queries=4"], fresh: true)
    for (cell, traces) in zip(others, before) {
      #expect(try tiny.traces(cell) == traces, "\(cell)")
    }
    for name in notes {
      #expect(try Data(contentsOf: root.appending(path: name)) == Data("mine".utf8), "\(name)")
    }
    var fresh = tiny.cell("mlp/seed-0").weights
    fresh.removeAllCachedResourceValues()
    let new = try fresh.resourceValues(forKeys: [.contentModificationDateKey])
    #expect(old.contentModificationDate != new.contentModificationDate, "mlp was not made again")
  }

  @Test("--fresh --only removes one arm's cells")
  func freshOnly() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let before = try tiny.traces("mlp/seed-0")
    let weights = try tiny.traces("qformer/seed-0")["checkpoint/last.safetensors"]
    try tiny.run(only: ["qformer"], fresh: true)
    try expectKept(tiny, "mlp/seed-0", before)
    #expect(try tiny.traces("qformer/seed-0")["checkpoint/last.safetensors"] != weights)
  }

  @Test("--only trains part, the table says what is missing, the parts come to the same bits")
  func only() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(results: "whole")
    let first = try Program.run(tiny.arguments(["--only", "mlp"]), in: tiny.folder)
    #expect(first.code == 0, "\(first)")
    for arm in ["qformer", "perceiver", "learned_prompt"] {
      #expect(first.output.contains("\(arm)/seed-0: not run"), "\(first)")
      #expect(!FileManager.default.fileExists(atPath: tiny.cell("\(arm)/seed-0").url.path))
    }
    let summary = try tiny.run(only: ["qformer", "perceiver"])
    #expect(summary.arms.filter { !$0.control }.map(\.arm) == ["mlp", "qformer", "perceiver"])
    #expect(summary.missing == ["learned_prompt/seed-0: not run"] && summary.failures == nil)
    #expect(try tiny.run().missing == nil)
    try tiny.expectSameBits("whole", "results")
  }

  @Test("--only with an arm that is not there names those that are")
  func onlyUnknown() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(tiny.arguments(["--only", "qfromer"]), in: tiny.folder)
    #expect(ending.code == 65)
    #expect(
      ending.errors == "dragoman: error: --only qfromer: the experiment has no such arm; it has "
        + "learned_prompt, mlp, perceiver, qformer\n")
  }

  @Test("a diverging arm is recorded, the others end, the exit is 1, the next run tries again")
  func diverging() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let huge = ["projectors.qformer.optimizer.peak_learning_rate=1.0e+30"]
    let first = try Program.run(tiny.arguments(huge), in: tiny.folder)
    #expect(first.code == 1, "\(first)")
    #expect(first.output.contains("(cells missing)"), "\(first)")
    #expect(first.output.contains("qformer/seed-0: the training of stage 1 diverged"), "\(first)")
    #expect(first.errors.contains("qformer, seed 0 failed: the training of stage 1 diverged"))
    let summary = try RunSummary(json: Data(tiny.text("summary.json").utf8))
    #expect(summary.arms.filter { !$0.control }.map(\.arm) == ["mlp", "perceiver"])
    #expect(summary.failures == 1 && summary.missing?.count == 1)
    for name in ["comparison.md", "comparison.html", "report.html"] {
      #expect(try tiny.text(name).contains("diverged"), "\(name)")
    }
    #expect(FileManager.default.fileExists(atPath: tiny.cell("qformer/seed-0").failure.path))

    let second = try Program.run(tiny.arguments(huge), in: tiny.folder)
    #expect(second.code == 1, "\(second)")
    #expect(second.errorLines.contains("qformer, seed 0"), "the cell was not tried again")
    #expect(!second.errors.contains("mlp, seed 0"), "\(second)")

    let sane = try Program.run(tiny.arguments(), in: tiny.folder)
    #expect(sane.code == 0, "\(sane)")
    #expect(!FileManager.default.fileExists(atPath: tiny.cell("qformer/seed-0").failure.path))
    try tiny.run(results: "whole")
    try tiny.expectSameBits("whole", "results")
  }

  @Test("when every arm fails there is a table all the same")
  func allDiverge() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(
      tiny.arguments([
        "training.stages.0.optimizer.peak_learning_rate=1.0e+30", "evaluation.controls=[]",
      ]), in: tiny.folder)
    #expect(ending.code == 1, "\(ending)")
    let summary = try RunSummary(json: Data(tiny.text("summary.json").utf8))
    #expect(summary.arms.isEmpty && summary.failures == 3 && summary.missing?.count == 3)
  }

  @Test("another metric scores again from the small files: no checkpoint, no model, no training")
  func anotherMetric() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(results: "whole", overrides: ["evaluation.metrics=[rouge_l]"])
    try tiny.run()
    for arm in TinyExperiment.arms {
      try FileManager.default.removeItem(at: tiny.cell("\(arm)/seed-0").checkpoint)
    }
    try FileManager.default.removeItem(at: tiny.folder.appending(path: "cache"))
    let ending = try Program.run(
      tiny.arguments(["evaluation.metrics=[rouge_l]"]), in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    #expect(!ending.errors.contains("mlp") && !ending.errors.contains("Small"), "\(ending)")
    #expect(!FileManager.default.fileExists(atPath: tiny.folder.appending(path: "cache").path))
    let (summary, whole) = try (
      RunSummary(json: Data(tiny.text("summary.json").utf8)),
      RunSummary(json: Data(tiny.text("summary.json", "whole").utf8))
    )
    #expect(summary.metricNames == ["ROUGE-L"])
    #expect(summary.comparisons == whole.comparisons)
    #expect(summary.arms.map(\.metrics) == whole.arms.map(\.metrics))
  }

  @Test(
    "more test images, other controls or decoding answer again with the weights that are there",
    arguments: [
      ["dataset.test=9"], ["evaluation.decode.max_new_tokens=5"],
      ["evaluation.controls=[shuffled]"],
      ["evaluation.seed=1"],
    ])
  func answersAgain(change: [String]) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let before = try tiny.traces("mlp/seed-0")
    try tiny.run(overrides: change)
    let after = try tiny.traces("mlp/seed-0")
    for name in ["checkpoint/best.safetensors", "checkpoint/last.safetensors", "log.jsonl"] {
      #expect(after[name] == before[name], "\(name) was written again")
    }
    #expect(after["captions.jsonl"] != before["captions.jsonl"])
    if change == ["dataset.test=9"] { #expect(try tiny.answers("mlp/seed-0").count == 9) }
  }

  @Test("a changed training image remakes every cell, and the reason is said")
  func otherInputs() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let ending = try Program.run(tiny.arguments(["dataset.train=21"]), in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    let lines = ending.errorLines.filter { $0 == "  trained anew, since its inputs changed" }
    #expect(lines.count == 4, "\(ending)")
  }

  @Test("answers that were changed by hand are not scored; the weights answer again")
  func changedAnswers() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(results: "whole")
    try tiny.run()
    let cell = tiny.cell("mlp/seed-0")
    let log = try tiny.traces("mlp/seed-0")["log.jsonl"]
    var text = try Data(contentsOf: cell.answers)
    text[text.startIndex + 20] ^= 1
    try text.write(to: cell.answers)
    try tiny.run()
    try tiny.expectSameBits("whole", "results")
    #expect(try tiny.traces("mlp/seed-0")["log.jsonl"] == log)
  }

  @Test("cells side by side give the same bits as one after the other")
  func jobs() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let seeds = ["training.seeds=[0,1]"]
    let one = try tiny.run(results: "a", overrides: seeds, jobs: 1)
    let two = try tiny.run(results: "b", threads: 4, overrides: seeds, jobs: 3)
    let cells = TinyExperiment.arms.flatMap { ["\($0)/seed-0", "\($0)/seed-1"] }
    try tiny.expectSameBits("a", "b", cells: cells)
    #expect(one.arms.map(\.arm) == two.arms.map(\.arm))
    #expect(one.arms.map(\.metrics) == two.arms.map(\.metrics))
    #expect(one.comparisons == two.comparisons)
  }

  @Test("an added seed trains its own cells; until then a part of the arms has it")
  func addedSeed() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let before = try tiny.traces("mlp/seed-0")
    let summary = try tiny.run(overrides: ["training.seeds=[0,1]"], only: ["mlp"])
    try expectKept(tiny, "mlp/seed-0", before)
    let perSeed = summary.arms.map { ($0.arm, $0.metrics["CIDEr-D"]?.perSeed.count) }
    #expect(perSeed.first { $0.0 == "mlp" }?.1 == 2)
    #expect(perSeed.first { $0.0 == "qformer" }?.1 == 1)
    #expect(summary.missing?.contains("qformer/seed-1: not run") == true)
  }

  private func expectKept(
    _ tiny: TinyExperiment, _ cell: String, _ traces: [String: FileTrace],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let now = try tiny.traces(cell)
    for name in Self.made {
      #expect(
        now[name] != nil && now[name] == traces[name], "\(cell)/\(name)",
        sourceLocation: sourceLocation)
    }
  }
}
