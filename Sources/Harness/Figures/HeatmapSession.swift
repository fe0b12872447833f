import Configuration
import Datasets
import Foundation
import Layers
import Projectors
import Storage
import Tensors
import Training

/// What `dragoman heatmap` was asked for.
public struct HeatmapOptions: Sendable {
  /// A run folder (`mlp/seed-0`) or the results folder above it.
  public var run: URL
  /// The experiment file, whose folder relative paths start from; the results folder when nil.
  public var experimentFile: String?
  /// By the data set's names; those of the experiment when empty.
  public var images: [String]
  public var layer: HeatmapLayer?
  public var query: HeatmapQuery
  public var weighting: HeatmapWeighting?
  /// Where the figures go; `figures` in the folder that was given when nil.
  public var output: URL?
  public var cache: URL
  public var threads: Int
  public var isQuiet: Bool

  public init(
    run: URL, experimentFile: String? = nil, images: [String] = [], layer: HeatmapLayer? = nil,
    query: HeatmapQuery = .mean, weighting: HeatmapWeighting? = nil, output: URL? = nil,
    cache: URL, threads: Int, isQuiet: Bool = false
  ) {
    self.run = run
    self.experimentFile = experimentFile
    self.images = images
    self.layer = layer
    self.query = query
    self.weighting = weighting
    self.output = output
    self.cache = cache
    self.threads = threads
    self.isQuiet = isQuiet
  }
}

/// Draws heatmaps of arms that have been trained, from their results.
public struct HeatmapSession {
  let options: HeatmapOptions
  let target: ResultsTarget
  let config: ExperimentConfig
  let console: Console

  /// - Throws: ``HeatmapError`` if the folder holds no results, ``ConfigError`` for its experiment.
  public init(_ options: HeatmapOptions) throws {
    self.options = options
    target = try ResultsTarget(options.run)
    config = try Experiment.load(
      target.results.experiment.path(percentEncoded: false), relativeTo: options.experimentFile
    ).config
    console = Console(quiet: options.isQuiet)
  }

  /// - Returns: the figures, in the order they were asked for.
  /// - Throws: ``HeatmapError`` for what cannot be drawn; errors of models, data and files.
  public func run() throws -> [URL] {
    let cells = try target.cells(of: config)
    let executor = LaneExecutor(threads: options.threads)
    let loader = InputLoader(
      config: config, cache: options.cache, executor: executor, console: console,
      stop: StopSignal(), maximumUpdates: nil)
    let inputs = try loader.values(of: try loader.shapes())
    guard inputs.grid.isSpatial, inputs.encoder != nil else {
      throw HeatmapError(
        "the features of \(config.experiment) come from no grid over an image, so there is "
          + "nothing to draw attention on")
    }
    let examples = try examples(in: inputs)
    let arms = try cells.map { try HeatmapArm($0, inputs) }
    for arm in arms where arm.answers.isEmpty {
      console.log("\(arm.arm.row): no captions yet; its attention is read with the ground truth")
    }
    let writer = HeatmapWriter(
      arms: arms, inputs: inputs, grid: inputs.grid, settings: settings,
      executor: executor, console: console, stop: StopSignal())
    console.log(
      "Reading the attention over \(examples.count) image\(examples.count == 1 ? "" : "s")")
    let studies = try writer.studies(of: examples)
    try check(studies, writer.arms)
    let folder =
      options.output ?? options.run.appending(path: "figures", directoryHint: .isDirectory)
    return try writer.writeFigures(studies, to: folder).map(\.url)
  }

  var settings: HeatmapSettings {
    var settings = HeatmapSettings(config.figures.heatmaps)
    settings.eachQuery = options.query == .all
    settings.compared = options.query == .all ? nil : options.query
    // Each difference from the run's own figures is in the name, so that none is replaced by another.
    if case .index(let index) = options.query { settings.suffix += "-query-\(index)" }
    if let layer = options.layer, layer != settings.layer {
      settings.layer = layer
      settings.suffix += layer.suffix
    }
    if let weighting = options.weighting {
      let isOwn =
        options.query == .all
        ? settings.weighting.first == weighting : settings.weighting == [weighting]
      settings.weighting = [weighting]
      if !isOwn { settings.suffix += "-\(weighting.rawValue)" }
    }
    return settings
  }

  /// The examples that were asked for, by their names.
  private func examples(in inputs: ExperimentInputs) throws -> [Example] {
    guard !options.images.isEmpty else {
      let count = config.figures.heatmaps.images
      return inputs.heatmapExamples(count > 0 ? count : HeatmapsConfig().images)
    }
    let known = Dictionary(
      inputs.data.examples.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    return try options.images.map { id in
      if let example = known[Identifier(id)] { return example }
      let names = inputs.data.folds[0].test.prefix(3).map(\.id.text).joined(separator: ", ")
      throw HeatmapError(
        "--image \(id): \(inputs.data.folds[0].name) has no image of that name. Its test images are "
          + "called like \(names).")
    }
  }

  /// Finds out before drawing whether every arm has what was asked for.
  private func check(_ studies: [HeatmapWriter.Study], _ arms: [HeatmapArm]) throws {
    let pairs = zip(arms, studies.first?.attention ?? []).compactMap { arm, attention in
      attention.map { (arm: arm, attention: $0) }
    }
    guard !pairs.isEmpty else {
      throw HeatmapError(
        "none of these arms attends to patches: "
          + arms.map(\.arm.row).joined(separator: ", "))
    }
    let settings = settings
    let drawn = pairs.filter { $0.attention.map(.attention, layer: settings.layer) != nil }
    if drawn.isEmpty {
      throw HeatmapError(
        noLayer: settings.layer,
        of: pairs.map { ($0.arm.arm.row, $0.attention.layers.map(\.layer)) })
    }
    if case .index(let index) = options.query {
      let counts = drawn.map { $0.attention.layers[0].attention.queries }
      guard counts.contains(where: { index < $0 }) else {
        let texts = zip(drawn, counts).map { "\($0.arm.arm.row) has \($1) \($0.arm.units)" }
        throw HeatmapError(
          "--query \(index): " + texts.joined(separator: "; ") + ", counted from 0")
      }
    }
  }
}

extension HeatmapLayer {
  /// Part of a file name.
  fileprivate var suffix: String {
    switch self {
    case .all: "-all-layers"
    case .index(-1): "-layer-last"
    case .index(let index) where index < 0: "-layer-last\(index + 1)"
    case .index(let index): "-layer-\(index)"
    }
  }
}
