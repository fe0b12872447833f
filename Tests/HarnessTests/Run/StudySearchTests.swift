import Configuration
import Foundation
import Reports
import Testing

@testable import Harness

/// Settings that a declared search chooses.
@Suite("Search of a study")
struct StudySearchTests {
  static let search =
    "search={optimizer.peak_learning_rate: [1.0e-5, 1.0e-2, 1.0e+30], images: 10, epochs: 1}"

  @Test("each arm and trained control takes the rate of the lowest loss of as many trials")
  func chooses() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let summary = try tiny.run(overrides: [Self.search])
    #expect(summary.missing == nil)
    for arm in TinyExperiment.arms {
      let trials = try trials(tiny, arm)
      #expect(trials.count == 3, "\(arm)")
      let best = try #require(
        trials.filter { $0.value != nil }.min { ($0.value ?? 0) < ($1.value ?? 0) })
      let row = try #require(summary.arms.first { $0.arm == arm })
      #expect("optimizer.peak_learning_rate=\(rate(row.stages[0].learningRate))" == best.key)
      let source = row.stages[0].rateSource
      #expect(source.hasPrefix("searched by validation loss after 1 epoch on 10 images"))
      #expect(source.contains("diverged"), "\(source)")
    }
    for name in ["comparison.md", "comparison.html", "report.html"] {
      #expect(try tiny.text(name).contains("searched by validation loss"), "\(name)")
    }
  }

  @Test("trials are kept by their small files, without weights, and are not run again")
  func kept() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(overrides: [Self.search])
    let trials = try trialFolders(tiny, "mlp")
    let before = try trials.map { try tiny.traces("mlp/\($0)") }
    for traces in before {
      #expect(traces["metrics.json"] != nil)
      #expect(!traces.keys.contains { $0.hasSuffix(".safetensors") }, "\(traces.keys)")
    }
    let again = try Program.run(tiny.arguments([Self.search]), in: tiny.folder)
    #expect(again.code == 0 && !again.errors.contains("search, "), "\(again)")
    for (trial, traces) in zip(trials, before) {
      #expect(try tiny.traces("mlp/\(trial)") == traces, "\(trial)")
    }
    // Another value tries that one alone.
    let more = try Program.run(
      tiny.arguments([
        "search={optimizer.peak_learning_rate: [1.0e-5, 1.0e-2, 1.0e-3], images: 10, epochs: 1}"
      ]), in: tiny.folder)
    #expect(more.code == 0, "\(more)")
    #expect(more.errorLines.filter { $0.hasPrefix("search, mlp: ") }.count == 1, "\(more)")
  }

  @Test("the searched rate gives the weights of the same rate when it is given")
  func sameWeights() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(
      overrides: [
        "search={optimizer.peak_learning_rate: [3.0e-3], images: 10, epochs: 1}"
      ])
    try tiny.run(
      results: "given",
      overrides: [
        "training.stages.0.optimizer.peak_learning_rate=3.0e-3"
      ])
    for arm in TinyExperiment.arms {
      let (searched, given) = (tiny.cell("\(arm)/seed-0"), tiny.cell("\(arm)/seed-0", "given"))
      #expect(try Data(contentsOf: searched.weights) == Data(contentsOf: given.weights), "\(arm)")
    }
  }

  @Test("an arm of which every trial diverges is missing, the others are there, the exit code is 1")
  func allDiverge() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(
      tiny.arguments([
        "search={optimizer.peak_learning_rate: [1.0e+30], images: 10, epochs: 1}",
        "evaluation.controls=[]",
      ]), in: tiny.folder)
    #expect(ending.code == 1, "\(ending)")
    #expect(
      ending.output.contains("mlp: every trial of the search diverged"), "\(ending)")
  }

  @Test("--only leaves the searches of the other arms; --fresh removes an arm's trials")
  func onlyAndFresh() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let summary = try tiny.run(overrides: [Self.search], only: ["mlp"])
    #expect(summary.arms.filter { !$0.control }.map(\.arm) == ["mlp"])
    #expect(summary.missing?.contains("qformer: search not run") == true)
    #expect(try trialFolders(tiny, "qformer").isEmpty)
    let trial = try #require(try trialFolders(tiny, "mlp").first)
    let before = try tiny.traces("mlp/\(trial)")["metrics.json"]?.changed
    try tiny.run(overrides: [Self.search], only: ["mlp"], fresh: true)
    #expect(try tiny.traces("mlp/\(trial)")["metrics.json"]?.changed != before)
  }

  @Test("a setting that an arm does not have is refused before any work")
  func unknownSetting() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(
      tiny.arguments(["search={optimizer.peak_learning_rat: [1.0e-5], images: 10, epochs: 1}"]),
      in: tiny.folder)
    #expect(ending.code == 65, "\(ending)")
    #expect(ending.errors.contains("peak_learning_rate"), "\(ending)")
    #expect(!FileManager.default.fileExists(atPath: tiny.folder.appending(path: "cache").path))
  }

  private func trialFolders(_ tiny: TinyExperiment, _ arm: String) throws -> [String] {
    let folder = tiny.results.appending(path: "tiny").appending(path: arm).path
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasPrefix("search-") }.sorted()
  }

  /// Validation losses by setting; nil where it diverged.
  private func trials(_ tiny: TinyExperiment, _ arm: String) throws -> [String: Double?] {
    var found: [String: Double?] = [:]
    for name in try trialFolders(tiny, arm) {
      let data = try Data(contentsOf: tiny.cell("\(arm)/\(name)").metrics)
      let loss: Double? = try JSONValue(parsing: Array(data))["validation_loss"].flatMap { value in
        if case .number(let loss) = value { loss } else { nil }
      }
      found.updateValue(loss, forKey: String(name.dropFirst("search-".count)))
    }
    return found
  }

  private func rate(_ value: Double) -> String { value == 0.01 ? "1.0e-2" : "1.0e-5" }
}
