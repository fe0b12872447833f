import Foundation
import Layers
import Tensors
import Testing
import Training

@testable import Harness

/// Which text a run learns from and writes.
@Suite("Captions of dragoman run")
struct RunTextTests {
  @Test(
    "max_text_tokens holds prompt, caption and end token together; a cut caption is not taught its end",
    arguments: [3, 5, 9, 64])
  func maxTextTokens(limit: Int) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let inputs = try shapes(tiny)
    let train = inputs.data.set(nil).train
    let samples = try inputs.sequences.sequences(train, .captions, limit: limit).samples
    let whole = try inputs.sequences.sequences(train, .captions, limit: nil).samples
    #expect(samples.count == train.count && whole.count == train.count)
    for (sample, uncut) in zip(samples, whole) {
      #expect(sample.branches.count == uncut.branches.count)
      for (branch, all) in zip(sample.branches, uncut.branches) {
        guard case .answer(let ids, let isWhole)? = branch.last,
          case .answer(let allIDs, true)? = all.last
        else {
          Issue.record("a branch ends with its answer")
          continue
        }
        // Two ids of the prompt.
        #expect(isWhole == (allIDs.count + 1 <= limit - 2))
        #expect(ids == (isWhole ? allIDs : Array(allIDs.prefix(limit - 2))))
      }
    }
  }

  @Test("a prompt that leaves nothing of the caption is refused before any work; cuts are said")
  func longPrompt() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let prompt = ["language_model.prompt=a red", "language_model.epochs=1"]
    let refused = try Program.run(
      tiny.arguments(prompt + ["training.stages.0.max_text_tokens=2"]), in: tiny.folder)
    #expect(refused.code == 65, "\(refused)")
    #expect(refused.errors.contains("nothing is left of the answer"), "\(refused)")
    #expect(!FileManager.default.fileExists(atPath: tiny.folder.appending(path: "cache").path))
    let cut = try Program.run(
      tiny.arguments(prompt + ["training.stages.0.max_text_tokens=5"]), in: tiny.folder)
    #expect(cut.code == 0, "\(cut)")
    let lines = cut.errorLines.filter { $0.contains("answers are cut by max_text_tokens 5") }
    #expect(lines.count == 1 && lines[0].contains("not taught their end"), "\(cut)")
  }

  private func shapes(_ tiny: TinyExperiment) throws -> ExperimentInputs {
    let config = try Experiment.load(
      tiny.file.path, overrides: ["language_model.prompt=a red", "language_model.epochs=1"]
    ).config
    return try InputLoader(
      config: config, cache: tiny.folder.appending(path: "cache"),
      executor: LaneExecutor(threads: 2), console: Console(quiet: true), stop: StopSignal(),
      maximumUpdates: 1
    ).shapes()
  }

  @Test("one caption drawn anew, and captions sampled: the same for one and two threads")
  func sampled() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let sampled = [
      "training.stages.0.captions=random", "evaluation.decode.strategy=sample",
      "evaluation.decode.temperature=2",
    ]
    try tiny.run(results: "a", threads: 1, overrides: sampled)
    try tiny.run(results: "b", threads: 2, overrides: sampled)
    try tiny.run(results: "greedy", overrides: ["training.stages.0.captions=random"])
    let (first, second) = (try tiny.bits("a"), try tiny.bits("b"))
    for (name, data) in first { #expect(second[name] == data, "\(name) differs") }
    let greedy = try tiny.bits("greedy")
    let weights = "mlp/seed-0/best.safetensors"
    #expect(first[weights] == greedy[weights], "how captions are written changes no training")
    #expect(first["mlp/seed-0/captions"] != greedy["mlp/seed-0/captions"])
  }

  @Test("captions stand on the pictures, and magnitudes beside them if asked for")
  func pictures() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    func pictures(_ overrides: [String]) throws -> (files: [String], page: String) {
      try tiny.run(overrides: ["projectors={mlp: {kind: mlp}}"] + overrides)
      let folder = tiny.results.appending(path: "tiny")
      let figures = folder.appending(path: "figures").path
      return (
        try FileManager.default.contentsOfDirectory(atPath: figures).filter {
          $0.hasPrefix("captions") || $0.hasPrefix("magnitude")
        },
        try String(contentsOf: folder.appending(path: "report.html"), encoding: .utf8)
      )
    }
    let none = try pictures(["figures.captions=0"])
    #expect(none.files.isEmpty && !none.page.contains("figures/captions.png"))
    let both = try pictures(["figures.heatmaps.magnitude=true"])
    #expect(both.files.sorted() == ["captions.png", "magnitude-scene-test-000000.png"])
    for file in both.files { #expect(both.page.contains("figures/\(file)")) }
  }
}
