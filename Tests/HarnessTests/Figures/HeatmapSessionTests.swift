import Foundation
import Layers
import Projectors
import Storage
import Tensors
import Testing
import Training

@testable import Harness

@Suite("dragoman heatmap")
struct HeatmapSessionTests {
  static let experiment = """
    experiment: tiny
    dataset: {kind: scenes}
    encoder: {kind: small}
    language_model: {kind: small}
    projectors:
      mlp: {kind: mlp}
      qformer: {kind: qformer}
    training: {seeds: [3, 4]}

    """

  /// A results folder with empty files where the weights of some runs are.
  static func withResults<Result>(
    weights: [String], _ body: (ResultsFolder) throws -> Result
  ) throws -> Result {
    let folder = ResultsFolder(
      FileManager.default.temporaryDirectory.appending(path: "results-\(UUID().uuidString)"))
    defer { try? FileManager.default.removeItem(at: folder.url) }
    try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
    try Data(experiment.utf8).write(to: folder.experiment)
    for run in weights {
      let file = RunFolder(url: folder.url.appending(path: run)).weights
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data().write(to: file)
    }
    return try body(folder)
  }

  static func options(_ run: URL, _ change: (inout HeatmapOptions) -> Void = { _ in })
    -> HeatmapOptions
  {
    var options = HeatmapOptions(run: run, cache: run, threads: 1, isQuiet: true)
    change(&options)
    return options
  }

  @Test("a results folder stands for the trained arms of the first seed")
  func resultsFolder() throws {
    try Self.withResults(weights: ["mlp/seed-3", "qformer/seed-4"]) { folder in
      let session = try HeatmapSession(Self.options(folder.url))
      let plans = try session.target.plans(of: session.config)
      #expect(plans.map(\.plan.name) == ["mlp"])
      #expect(plans.map(\.seed) == [3])
    }
  }

  @Test("a run folder stands for its arm and seed")
  func runFolder() throws {
    try Self.withResults(weights: ["mlp/seed-3", "qformer/seed-4"]) { folder in
      let session = try HeatmapSession(
        Self.options(folder.url.appending(path: "qformer/seed-4/")))
      let plans = try session.target.plans(of: session.config)
      #expect(plans.map(\.plan.name) == ["qformer"])
      #expect(plans.map(\.seed) == [4])
    }
  }

  @Test("a folder without results, or without weights, is named in the error")
  func errors() throws {
    try Self.withResults(weights: []) { folder in
      let session = try HeatmapSession(Self.options(folder.url))
      let weights = #expect(throws: HeatmapError.self) {
        try session.target.plans(of: session.config)
      }
      #expect(weights?.description.contains("no weights of mlp, qformer with seed 3") == true)
      let nothing = #expect(throws: HeatmapError.self) {
        try HeatmapSession(Self.options(folder.url.appending(path: "mlp")))
      }
      #expect(nothing?.description.contains("neither a results folder") == true)
    }
  }

  @Test("each difference from the run's own figures is in the file name")
  func suffixes() throws {
    try Self.withResults(weights: []) { folder in
      func settings(_ change: (inout HeatmapOptions) -> Void) throws -> HeatmapSettings {
        try HeatmapSession(Self.options(folder.url, change)).settings
      }
      #expect(try settings { _ in }.suffix == "")
      #expect(try settings { $0.layer = .all }.suffix == "")
      #expect(try settings { $0.layer = .index(2) }.suffix == "-layer-2")
      #expect(try settings { $0.layer = .index(-1) }.suffix == "-layer-last")
      #expect(try settings { $0.layer = .index(-2) }.suffix == "-layer-last-1")
      #expect(try settings { $0.weighting = .attention }.suffix == "-attention")
      let each = try settings { ($0.query, $0.weighting) = (.all, .attention) }
      #expect(each.suffix == "" && each.eachQuery && each.compared == nil)
      #expect(
        try settings { ($0.query, $0.weighting) = (.index(3), .rollout) }.suffix
          == "-query-3-rollout")
    }
  }

  @Test("relative paths start from the folder of the experiment file that is given")
  func relativePaths() throws {
    try Self.withResults(weights: []) { folder in
      let text = Self.experiment.replacingOccurrences(
        of: "{kind: scenes}", with: "{kind: flickr8k, root: ../data}")
      try Data(text.utf8).write(to: folder.experiment)
      let session = try HeatmapSession(
        Self.options(folder.url) { $0.experimentFile = "/e/f/x.yaml" })
      guard case .flickr8k(let settings) = session.config.dataset else {
        Issue.record("not the data set that was written")
        return
      }
      #expect(settings.root.path == "/e/data")
    }
  }

  @Test("weights of an exported file come back, and a file with others is refused")
  func weights() throws {
    let url = FileManager.default.temporaryDirectory.appending(
      path: "\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    func mlp(hidden: Int, seed: UInt64) throws -> MLPProjector {
      try MLPProjector(
        patchWidth: 4, languageWidth: 6, hidden: hidden,
        in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: seed)))
    }
    let (trained, fresh) = (try mlp(hidden: 5, seed: 1), try mlp(hidden: 5, seed: 2))
    try Safetensors.write(
      trained.parameters.map { ("mm_projector." + $0.name, $0.shape, $0.values) },
      metadata: ["format": "pt"], to: url)
    try WeightExport.projector(fresh).load(url)
    #expect(fresh.parameters.map(\.values) == trained.parameters.map(\.values))
    let error = #expect(throws: HeatmapError.self) {
      try WeightExport.projector(mlp(hidden: 7, seed: 1)).load(url)
    }
    #expect(error?.description.contains("mm_projector.0.weight of shape [7, 4]") == true)
  }
}
