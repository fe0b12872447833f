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
  let target: HeatmapTarget
  let config: ExperimentConfig
  let console: Console

  /// - Throws: ``HeatmapError`` if the folder holds no results, ``ConfigError`` for its experiment.
  public init(_ options: HeatmapOptions) throws {
    self.options = options
    target = try HeatmapTarget(options.run)
    config = try Experiment.load(
      target.results.experiment.path(percentEncoded: false), relativeTo: options.experimentFile)[0]
      .config
    console = Console(quiet: options.isQuiet)
  }

  /// - Returns: the figures, in the order they were asked for.
  /// - Throws: ``HeatmapError`` for what cannot be drawn; errors of models, data and files.
  public func run() throws -> [URL] {
    let plans = try target.plans(of: config)
    let executor = LaneExecutor(threads: options.threads)
    let inputs = try InputLoader(
      config: config, cache: options.cache, executor: executor, console: console,
      stop: StopSignal(), maximumUpdates: nil
    ).load()
    guard let grid = inputs.grid else {
      throw HeatmapError(
        "the features of \(config.experiment) come from no grid over an image, so there is "
          + "nothing to draw attention on")
    }
    let places = try places(in: inputs)
    let writer = HeatmapWriter(
      arms: try arms(plans, inputs: inputs), inputs: inputs, grid: grid, settings: settings,
      executor: executor, console: console, stop: StopSignal())
    console.log("Reading the attention over \(places.count) image\(places.count == 1 ? "" : "s")")
    let studies = try writer.studies(of: places)
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

  /// Places in the features of the images that were asked for.
  private func places(in inputs: ExperimentInputs) throws -> [Int] {
    guard !options.images.isEmpty else {
      let count = config.figures.heatmaps.images
      let wanted = count > 0 ? count : HeatmapsConfig().images
      return Array(inputs.testStart..<inputs.testStart + min(wanted, inputs.dataset.test.count))
    }
    let places = Dictionary(
      inputs.dataset.images.enumerated().map { ($1.id, $0) },
      uniquingKeysWith: { first, _ in first })
    return try options.images.map { id in
      if let place = places[id] { return place }
      let examples = inputs.dataset.test.prefix(3).map(\.id).joined(separator: ", ")
      throw HeatmapError(
        "--image \(id): \(inputs.dataset.name) has no image of that name. Its test images are "
          + "called like \(examples).")
    }
  }

  private func arms(
    _ plans: [(plan: ArmPlan, seed: Int)], inputs: ExperimentInputs
  ) throws -> [HeatmapArm] {
    try plans.map { plan, seed in
      let folder = target.results.run(arm: plan.name, seed: seed)
      let projector = try plan.makeProjector(seed: seed, inputs: inputs)
      try WeightExport.projector(projector).load(folder.weights)
      let captions = (try? CaptionRecord.read(folder.captions)) ?? []
      if captions.isEmpty {
        console.log("\(plan.name): no captions yet; its attention is read with the ground truth")
      }
      return HeatmapArm(
        plan: plan, projector: projector, captions: captions, folder: folder
      ) { [config] in
        try plan.trainedLanguageModel(in: folder, inputs: inputs, training: config.training)
      }
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
          + arms.map(\.plan.name).joined(separator: ", "))
    }
    let settings = settings
    let drawn = pairs.filter { $0.attention.map(.attention, layer: settings.layer) != nil }
    if drawn.isEmpty {
      throw HeatmapError(
        noLayer: settings.layer,
        of: pairs.map { ($0.arm.plan.name, $0.attention.layers.map(\.layer)) })
    }
    if case .index(let index) = options.query {
      let counts = drawn.map { $0.attention.layers[0].attention.queries }
      guard counts.contains(where: { index < $0 }) else {
        let texts = zip(drawn, counts).map { "\($0.arm.plan.name) has \($1) \($0.arm.units)" }
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

/// The results that a path names: all arms of an experiment, or one of them.
struct HeatmapTarget: Sendable, Equatable {
  let results: ResultsFolder
  /// Of a run folder.
  var arm: String?
  var seed: Int?

  init(_ url: URL) throws(HeatmapError) {
    let url = url.standardizedFileURL
    let results = ResultsFolder(url)
    if Self.isThere(results.experiment) {
      self.results = results
      return
    }
    let above = url.deletingLastPathComponent()
    let folder = ResultsFolder(above.deletingLastPathComponent())
    let name = url.lastPathComponent
    if Self.isThere(folder.experiment), name.hasPrefix("seed-"), let seed = Int(name.dropFirst(5)) {
      self.results = folder
      arm = above.lastPathComponent
      self.seed = seed
      return
    }
    throw HeatmapError(
      "\(url.path(percentEncoded: false)) is neither a results folder (with experiment.yaml) nor "
        + "the folder of a run in one (ARM/seed-N)")
  }

  /// The arms to draw, and whose weights are there.
  func plans(of config: ExperimentConfig) throws(HeatmapError) -> [(plan: ArmPlan, seed: Int)] {
    let all = ArmPlan.arms(of: config).filter { !$0.isControl || $0.name == arm }
    let seed = seed ?? config.training.seeds.first ?? 0
    if let arm {
      guard let plan = all.first(where: { $0.name == arm }) else {
        throw HeatmapError(
          "\(arm) is no arm of this experiment; it has \(all.map(\.name).joined(separator: ", "))")
      }
      return try trained([plan], seed: seed).map { ($0, seed) }
    }
    return try trained(all, seed: seed).map { ($0, seed) }
  }

  private func trained(_ plans: [ArmPlan], seed: Int) throws(HeatmapError) -> [ArmPlan] {
    let ready = plans.filter { Self.isThere(results.run(arm: $0.name, seed: seed).weights) }
    guard !ready.isEmpty else {
      let names = plans.map(\.name).joined(separator: ", ")
      throw HeatmapError(
        "no weights of \(names) with seed \(seed) in \(results.url.path(percentEncoded: false)): "
          + "ARM/seed-\(seed)/checkpoint/best.safetensors. `dragoman run` trains them.")
    }
    return ready
  }

  static func == (a: Self, b: Self) -> Bool {
    a.results.url == b.results.url && a.arm == b.arm && a.seed == b.seed
  }

  private static func isThere(_ url: URL) -> Bool {
    FileManager.default.fileExists(atPath: url.path(percentEncoded: false))
  }
}
