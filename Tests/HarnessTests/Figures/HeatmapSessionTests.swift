import Datasets
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

  /// A results folder with empty files where the weights of some cells are.
  static func withResults<Result>(
    weights: [String], _ body: (ResultsFolder) throws -> Result
  ) throws -> Result {
    let folder = ResultsFolder(
      FileManager.default.temporaryDirectory.appending(path: "results-\(UUID().uuidString)"))
    defer { try? FileManager.default.removeItem(at: folder.url) }
    try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
    try Data(experiment.utf8).write(to: folder.experiment)
    for run in weights {
      let cell = CellFolder(url: folder.url.appending(path: run))
      try FileManager.default.createDirectory(
        at: cell.checkpoint, withIntermediateDirectories: true)
      try Data().write(to: cell.weights)
      let arm = run.split(separator: "/")[0]
      let seed = run.split(separator: "-")[1]
      let settings = "arm: {kind: \(arm)}\nstages: [{epochs: 2}]\nseed: \(seed)\n"
      try Data(settings.utf8).write(to: cell.config)
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

  @Test("a results folder stands for the trained arms of the first seed and fold")
  func resultsFolder() throws {
    try Self.withResults(weights: ["mlp/seed-3", "qformer/seed-4"]) { folder in
      let session = try HeatmapSession(Self.options(folder.url))
      let cells = try session.target.cells(of: session.config)
      #expect(cells.map(\.arm.name) == ["mlp"])
      #expect(cells.map(\.seed) == [3])
    }
  }

  @Test("a cell's folder stands for it")
  func runFolder() throws {
    try Self.withResults(weights: ["mlp/seed-3", "qformer/seed-4"]) { folder in
      let session = try HeatmapSession(
        Self.options(folder.url.appending(path: "qformer/seed-4/")))
      let cells = try session.target.cells(of: session.config)
      #expect(cells.map(\.arm.name) == ["qformer"])
      #expect(cells.map(\.seed) == [4])
    }
  }

  @Test("a folder without results, or without weights, is named in the error")
  func errors() throws {
    try Self.withResults(weights: []) { folder in
      let session = try HeatmapSession(Self.options(folder.url))
      let weights = #expect(throws: HeatmapError.self) {
        try session.target.cells(of: session.config)
      }
      #expect(weights?.description.hasPrefix("no weights of mlp, qformer in ") == true)
      let nothing = #expect(throws: HeatmapError.self) {
        try HeatmapSession(Self.options(folder.url.appending(path: "mlp")))
      }
      #expect(nothing?.description.contains("neither a results folder") == true)
    }
  }

  @Test("a cell has its own settings, whatever the experiment's first point says")
  func ownSettings() throws {
    try Self.withResults(weights: ["qformer/seed-3"]) { folder in
      let swept = folder.url.appending(path: "qformer/seed-3-fold-1-queries=7")
      try FileManager.default.moveItem(
        at: folder.url.appending(path: "qformer/seed-3"), to: swept)
      let settings =
        "arm: {kind: qformer, queries: 7}\nstages: [{epochs: 2}, {epochs: 5}]\nseed: 3\nfold: 1\n"
      try Data(settings.utf8).write(to: CellFolder(url: swept).config)
      let session = try HeatmapSession(Self.options(swept))
      let cell = try #require(try session.target.cells(of: session.config).first)
      #expect(cell.arm.row == "qformer (queries=7)" && cell.fold == 1)
      let config = try #require(cell.arm.config.projector.settings as? QFormerConfig)
      #expect(config.queries == 7)
      #expect(cell.training.stages.map(\.epochs) == [2, 5])
      // Not the first fold's: the results folder as a whole does not stand for it.
      let whole = try HeatmapSession(Self.options(folder.url))
      #expect(throws: HeatmapError.self) { try whole.target.cells(of: whole.config) }
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
      let settings = try #require(session.config.dataset.settings as? Flickr8kConfig)
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
    func export(_ projector: MLPProjector) -> WeightExport {
      WeightExport(projector.parameters, prefix: "mm_projector.")
    }
    let (trained, fresh) = (try mlp(hidden: 5, seed: 1), try mlp(hidden: 5, seed: 2))
    try Safetensors.write(
      trained.parameters.map { ("mm_projector." + $0.name, $0.shape, $0.values) },
      metadata: ["format": "pt"], to: url)
    try export(fresh).load(url)
    #expect(fresh.parameters.map(\.values) == trained.parameters.map(\.values))
    let error = #expect(throws: CheckpointError.self) {
      try export(mlp(hidden: 7, seed: 1)).load(url)
    }
    #expect(error?.description.contains("mm_projector.0.weight of shape [7, 4]") == true)
  }
}
