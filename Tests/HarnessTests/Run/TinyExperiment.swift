import Foundation
import Reports
import Storage
import Testing
import Training

@testable import Harness

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
    overrides: [String] = [], steps: Int? = nil, only: [String] = [], jobs: Int? = nil,
    fresh: Bool = false, stop: StopSignal = StopSignal()
  ) throws -> RunSummary {
    let experiment = try Experiment.load(file.path, overrides: overrides)
    let options = RunOptions(
      results: folder.appending(path: results), cache: folder.appending(path: cache),
      threads: threads, maximumUpdates: steps, only: only, jobs: jobs, isFresh: fresh,
      isQuiet: true)
    return try Study(experiment, options: options, stop: stop).run()
  }

  /// The folder of a cell: `mlp/seed-0`.
  func cell(_ name: String, _ results: String = "results") -> CellFolder {
    CellFolder(
      url: folder.appending(path: results).appending(path: "tiny").appending(path: name))
  }

  func outcome(_ cell: String, _ results: String = "results") throws -> CellOutcome {
    try JSONDecoder().decode(
      CellOutcome.self, from: Data(contentsOf: self.cell(cell, results).metrics))
  }

  func answers(_ cell: String, _ results: String = "results") throws -> [AnswerRecord] {
    try JSONLines.read(AnswerRecord.self, from: self.cell(cell, results).answers)
  }

  /// The text of a file in the experiment's results.
  func text(_ name: String, _ results: String = "results") throws -> String {
    try String(
      contentsOf: folder.appending(path: results).appending(path: "tiny").appending(path: name),
      encoding: .utf8)
  }

  static let arms = ["mlp", "qformer", "perceiver", "learned_prompt"]

  /// What must not depend on threads, stops or the time of day: captions, scores and weights of each run.
  func bits(
    _ results: String = "results", cells: [String] = arms.map { "\($0)/seed-0" }
  ) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for name in cells {
      let cell = cell(name, results)
      found["\(name)/captions"] = try Data(contentsOf: cell.answers)
      for (file, data) in try contents(cell.checkpoint)
      where file.hasSuffix(".safetensors") && file != "last.safetensors" {
        found["\(name)/\(file)"] = data
      }
      let outcome = try outcome(name, results)
      for (row, scores) in outcome.scores {
        found["\(name)/\(row)"] = Data("\(scores.sorted { $0.key < $1.key })".utf8)
      }
      let losses = [outcome.bestValidationLoss, outcome.finalValidationLoss]
      found["\(name)/losses"] = Data("\(losses)".utf8)
    }
    return found
  }

  func expectSameBits(
    _ first: String, _ second: String, cells: [String] = arms.map { "\($0)/seed-0" },
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (first, second) = (try bits(first, cells: cells), try bits(second, cells: cells))
    #expect(first.keys == second.keys, sourceLocation: sourceLocation)
    for (name, data) in first {
      #expect(second[name] == data, "\(name) differs", sourceLocation: sourceLocation)
    }
  }

  /// Names, bytes and times of change of every file of a cell.
  func traces(_ cell: String, _ results: String = "results") throws -> [String: FileTrace] {
    let folder = self.cell(cell, results).url
    return try contents(folder).reduce(into: [:]) { found, file in
      let url = folder.appending(path: file.key)
      let values = try url.resourceValues(forKeys: [.contentModificationDateKey])
      found[file.key] = FileTrace(data: file.value, changed: values.contentModificationDate)
    }
  }
}

/// A file as it is, to see whether it was written again.
struct FileTrace: Equatable {
  let data: Data
  let changed: Date?
}

/// Every file under a folder, by its path below it.
func contents(_ folder: URL) throws -> [String: Data] {
  var found: [String: Data] = [:]
  for case let name as String in FileManager.default.enumerator(atPath: folder.path) ?? .init() {
    let file = folder.appending(path: name)
    if !file.hasDirectoryPath, let data = try? Data(contentsOf: file) { found[name] = data }
  }
  return found
}
