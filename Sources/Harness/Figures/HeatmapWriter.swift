import Foundation
import LanguageModels
import Layers
import Projectors
import Reports
import Storage
import Tensors
import Training

/// A trained arm whose attention is drawn.
public struct HeatmapArm: Sendable {
  public let plan: ArmPlan
  public let projector: any Projector
  /// Of the test images, in any order; an image without one is drawn with its ground truth.
  public let captions: [CaptionRecord]
  public let folder: RunFolder
  /// Its own language model, read when it is needed: one at a time is in memory. Nil for the shared one.
  let languageModel: (@Sendable () throws -> any LanguageModel)?

  public init(
    plan: ArmPlan, projector: any Projector, captions: [CaptionRecord], folder: RunFolder,
    languageModel: (@Sendable () throws -> any LanguageModel)? = nil
  ) {
    self.plan = plan
    self.projector = projector
    self.captions = captions
    self.folder = folder
    self.languageModel = languageModel
  }
}

/// Which queries or latents a heatmap shows.
public enum HeatmapQuery: Sendable, Equatable {
  /// Each on its own.
  case all
  /// Their mean.
  case mean
  /// One, counted from 0.
  case index(Int)

  /// `all`, `mean`, or a whole number from 0; nil for anything else.
  public init?(_ text: String) {
    switch text {
    case "all": self = .all
    case "mean": self = .mean
    default:
      guard let index = Int(text), index >= 0 else { return nil }
      self = .index(index)
    }
  }
}

/// What is drawn of the attention.
struct HeatmapSettings: Sendable, Equatable {
  /// Columns of the comparison; the first also is what grids of single queries show.
  var weighting: [HeatmapWeighting]
  var layer: HeatmapLayer
  /// What the comparison of the arms shows; nil for no comparison.
  var compared: HeatmapQuery?
  /// Also, or only, a grid for each arm with every query on its own.
  var eachQuery: Bool
  /// Put before `.png`, where a figure differs from what the run draws.
  var suffix = ""

  init(_ config: HeatmapsConfig) {
    weighting = config.weighting
    layer = config.layer
    compared = .mean
    eachQuery = config.eachQuery
  }
}

/// Draws the attention of arms over photographs, and writes it as numbers.
struct HeatmapWriter {
  let arms: [HeatmapArm]
  let inputs: ExperimentInputs
  let grid: PatchGrid
  let settings: HeatmapSettings
  let executor: LaneExecutor
  let console: Console
  let stop: StopSignal
  let pool = BufferPool()

  /// An image, where it is in the features, and the arms' captions and attention.
  struct Study {
    let image: String
    let photo: RGBImage
    let references: [String]
    /// One an arm.
    let captions: [String?]
    /// One an arm; nil for an arm without attention.
    var attention: [ImageAttention?]
    /// What each arm's attention was read with.
    let given: [String]
  }

  /// - Parameter places: of the images in the features.
  func studies(of places: [Int]) throws -> [Study] {
    let captions = arms.map { arm in
      Dictionary(
        arm.captions.map { ($0.image, $0.captions[CaptionRow.trained.rawValue]) },
        uniquingKeysWith: { first, _ in first })
    }
    var studies = try executor.map(count: places.count) { index in
      guard !stop.isRequested else { throw RunStopped(signal: stop.signal) }
      let image = inputs.image(at: places[index])
      guard let photo = try inputs.photo(of: places[index]) else {
        throw HeatmapError("\(image.id): its pixels are not known, so nothing can be drawn on them")
      }
      let own = captions.map { $0[image.id] ?? nil }
      let given = own.map { text in
        text.flatMap { $0.isEmpty ? nil : $0 } ?? image.captions.first ?? ""
      }
      return Study(
        image: image.id, photo: photo, references: image.captions, captions: own, attention: [],
        given: given)
    }
    for (index, arm) in arms.enumerated() {
      let attention = try attention(of: arm, over: places, given: studies.map { $0.given[index] })
      for study in studies.indices { studies[study].attention.append(attention[study]) }
    }
    return studies
  }

  /// One an image; nil for an arm without attention.
  private func attention(
    of arm: HeatmapArm, over places: [Int], given captions: [String]
  ) throws -> [ImageAttention?] {
    guard !arm.projector.attentionMaps.isEmpty else { return places.map { _ in nil } }
    let mapper = AttentionMapper(
      projector: arm.projector, model: try arm.languageModel?() ?? inputs.model,
      format: inputs.format, features: inputs.features, leading: grid.leading, pool: pool)
    return try executor.map(count: places.count) { index in
      guard !stop.isRequested else { throw RunStopped(signal: stop.signal) }
      return mapper.attention(of: places[index], caption: inputs.tokens(of: captions[index]))
    }
  }

  /// `attention.h5` in the folder of each arm that has attention.
  func writeNumbers(_ studies: [Study]) throws -> [URL] {
    var files: [URL] = []
    for (index, arm) in arms.enumerated() {
      let entries = studies.compactMap { study in
        study.attention[index].map {
          AttentionFile.Entry(image: study.image, caption: study.given[index], attention: $0)
        }
      }
      guard !entries.isEmpty else { continue }
      try AttentionFile(arm: arm.plan.name, grid: grid, entries: entries).write(
        to: arm.folder.attention)
      files.append(arm.folder.attention)
    }
    return files
  }

  /// The figures of the settings, as PNG files in `folder`.
  func writeFigures(_ studies: [Study], to folder: URL) throws -> [HeatmapFile] {
    try AtomicFile.ensureFolder(folder)
    let names = FigureNames(images: inputs.dataset.images.map(\.id))
    var figures: [(name: String, title: String, figure: any Figure)] = []
    for study in studies {
      if let query = settings.compared {
        figures.append(
          (
            names.attention(of: study.image, suffix: settings.suffix),
            "\(study.image): where the arms look", comparison(study, query: query)
          ))
      }
      guard settings.eachQuery else { continue }
      for (arm, attention) in zip(arms, study.attention) {
        guard let attention, let figure = queryFigure(study, arm, attention) else { continue }
        let name = names.queries(
          arm: arm.plan.name, image: study.image, suffix: settings.suffix)
        figures.append((name, "\(study.image): each \(arm.unit) of \(arm.plan.name)", figure))
      }
    }
    let drawn = figures
    let (console, stop) = (console, stop)
    let done = SharedCount()
    return try executor.map(count: drawn.count) { index in
      guard !stop.isRequested else { throw RunStopped(signal: stop.signal) }
      let url = folder.appending(path: drawn[index].name)
      try drawn[index].figure.writePNG(to: url)
      console.bar(Double(done.add(1)) / Double(drawn.count), "drawing heatmaps")
      return HeatmapFile(url: url, title: drawn[index].title)
    }
  }
}

/// A figure that was written.
public struct HeatmapFile: Sendable, Equatable {
  public let url: URL
  /// What it shows: the image, and whose attention.
  public let title: String
}

/// Draws the heatmaps of `figures.heatmaps` for the first test images and writes `attention.h5` into
/// the run folder of each arm that has attention.
///
/// Figures, PNG, in the results folder's `figures`: `attention-IMAGE.png`, all arms beside the photo,
/// and with `each_query` `queries-ARM-IMAGE.png`. Call it with the arms of one seed: the figures of
/// another would take the same names.
///
/// - Returns: the figures; none when the experiment asks for none, no arm has attention, or the
///   features are no grid over an image.
/// - Throws: ``RunStopped`` at a signal; errors of images and files.
@discardableResult
public func writeHeatmaps(
  arms: [HeatmapArm], inputs: ExperimentInputs, config: ExperimentConfig,
  to folder: ResultsFolder, executor: LaneExecutor, console: Console, stop: StopSignal
) throws -> [HeatmapFile] {
  let arms = arms.filter { !$0.plan.isControl }
  let count = min(config.figures.heatmaps.images, inputs.dataset.test.count)
  guard count > 0, arms.contains(where: { !$0.projector.attentionMaps.isEmpty }) else { return [] }
  guard let grid = inputs.grid else {
    console.log("No heatmaps: the features come from no grid over an image")
    return []
  }
  let settings = HeatmapSettings(config.figures.heatmaps)
  let writer = HeatmapWriter(
    arms: arms, inputs: inputs, grid: grid, settings: settings, executor: executor,
    console: console, stop: stop)
  let studies = try writer.studies(of: Array(inputs.testStart..<inputs.testStart + count))
  for (index, arm) in arms.enumerated() {
    if let attention = studies.first?.attention[index],
      attention.map(.attention, layer: settings.layer) == nil
    {
      console.log(
        HeatmapError(
          noLayer: settings.layer, of: [(arm.plan.name, attention.layers.map(\.layer))]
        ).description)
    }
  }
  _ = try writer.writeNumbers(studies)
  return try writer.writeFigures(studies, to: folder.figures)
}

/// Finds out before training whether some arm has the layer whose heatmaps the experiment asks for.
///
/// - Throws: ``HeatmapError`` when none has it.
func checkHeatmapLayer(of config: ExperimentConfig, inputs: ExperimentInputs) throws {
  let settings = config.figures.heatmaps
  guard settings.images > 0, case .index = settings.layer, inputs.grid != nil else { return }
  let attending = try ArmPlan.arms(of: config).compactMap { plan in
    let layers = try plan.makeProjector(inputs: inputs, in: .shapes).attentionMaps.map(\.layer)
    return layers.isEmpty ? nil : (arm: plan.name, layers: layers)
  }
  guard !attending.isEmpty,
    attending.allSatisfy({ settings.layer.place(among: $0.layers) == nil })
  else { return }
  throw HeatmapError(
    "figures.heatmaps.layer: "
      + HeatmapError(noLayer: settings.layer, of: attending).description)
}

/// Heatmaps that cannot be drawn as asked.
public struct HeatmapError: Error, Equatable, ExitCodeProviding, CustomStringConvertible {
  public let description: String
  public var programExit: ProgramExit { .badData }

  init(_ description: String) { self.description = description }

  /// - Parameter arms: their names and the layers that do attend to patches.
  init(noLayer layer: HeatmapLayer, of arms: [(arm: String, layers: [Int])]) {
    let wanted = if case .index(let index) = layer { "\(index)" } else { "all" }
    self.init(
      arms.map { arm, layers in
        "\(arm): layer \(wanted) does not attend to patches; those that do: "
          + layers.map(String.init).joined(separator: ", ")
      }
      .joined(separator: "; "))
  }
}
