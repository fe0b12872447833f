import Foundation
import Harness
import Reports
import Synchronization
import Training

/// A whole experiment that runs in a second or two, in a folder of its own.
struct TinyExperiment {
  let folder: URL
  var results: URL { folder.appending(path: "results") }

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Self.text.write(to: file, atomically: true, encoding: .utf8)
  }

  var file: URL { folder.appending(path: "tiny.yaml") }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  static let text = """
    experiment: tiny
    dataset: {kind: scenes, image_size: 32, train: 20, validation: 6, test: 6}
    encoder: {kind: small, width: 16, layers: 1, heads: 2, patch: 8, epochs: 1, batch_size: 10}
    language_model: {kind: small, width: 16, layers: 1, heads: 2, epochs: 1, batch_size: 10}
    projectors:
      mlp: {kind: mlp}
      qformer: {kind: qformer, layers: 1, queries: 3}
      perceiver: {kind: perceiver, layers: 1, latents: 2}
    training:
      stages:
        - {epochs: 2, batch_size: 8, optimizer: {peak_learning_rate: 1.0e-2}}
      lanes: 4
    evaluation:
      decode: {max_new_tokens: 6, batch: 4}
      bootstrap: 100
      randomizations: 100
    figures: {heatmaps: {images: 1}}
    """

  /// Runs it with a cache of its own.
  @discardableResult
  func run(
    results: String = "results", cache: String = "cache", threads: Int = 2,
    overrides: [String] = [], fresh: Bool = false, stop: StopSignal = StopSignal()
  ) throws -> RunSummary {
    let experiment = try Experiment.load(file.path, overrides: overrides)[0]
    let options = RunOptions(
      results: folder.appending(path: results), cache: folder.appending(path: cache),
      threads: threads, isFresh: fresh, isQuiet: true)
    return try ExperimentRunner(experiment, options: options, stop: stop).run()
  }

  /// What must not depend on threads, stops or the time of day: captions, scores and weights of each run.
  func bits(_ results: String = "results") throws -> [String: Data] {
    let root = folder.appending(path: results).appending(path: "tiny")
    var found: [String: Data] = [:]
    for arm in ["mlp", "qformer", "perceiver", "learned_prompt"] {
      let run = root.appending(path: "\(arm)/seed-0")
      for name in ["captions.jsonl", "checkpoint/best.safetensors"] {
        found["\(arm)/\(name)"] = try Data(contentsOf: run.appending(path: name))
      }
      let outcome = try JSONDecoder().decode(
        ArmOutcome.self, from: Data(contentsOf: run.appending(path: "metrics.json")))
      for (row, scores) in outcome.scores {
        found["\(arm)/\(row)"] = Data("\(scores.sorted { $0.key < $1.key })".utf8)
      }
      let losses = [outcome.bestValidationLoss, outcome.finalValidationLoss]
      found["\(arm)/losses"] = Data("\(losses)".utf8)
    }
    return found
  }
}
