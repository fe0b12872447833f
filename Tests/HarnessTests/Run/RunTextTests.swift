import Foundation
import Layers
import Tensors
import Testing
import Training

@testable import Harness

/// Which text a run learns from and writes.
@Suite("Captions of dragoman run")
struct RunTextTests {
  @Test("max_text_tokens holds prompt, caption and end token together", arguments: [2, 5, 9, 64])
  func maxTextTokens(limit: Int) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let config = try Experiment.load(
      tiny.file.path, overrides: ["language_model.prompt=a red", "language_model.epochs=1"])[0]
      .config
    let inputs = try InputLoader(
      config: config, cache: tiny.folder.appending(path: "cache"),
      executor: LaneExecutor(threads: 2), console: Console(quiet: true), stop: StopSignal(),
      maximumUpdates: 1
    ).load()
    #expect(inputs.format.prompt.count == 2)
    let samples = inputs.samples(inputs.dataset.train, from: 0, limit: limit)
    let whole = inputs.samples(inputs.dataset.train, from: 0, limit: .max)
    for (sample, uncut) in zip(samples, whole) {
      for (caption, all) in zip(sample.captions, uncut.captions) {
        #expect(caption == Array(all.prefix(max(1, limit - 3))))
      }
    }
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
    let weights = "mlp/checkpoint/best.safetensors"
    #expect(first[weights] == greedy[weights], "how captions are written changes no training")
    #expect(first["mlp/captions.jsonl"] != greedy["mlp/captions.jsonl"])
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
