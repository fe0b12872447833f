import Datasets
import Foundation
import LanguageModels
import Layers
import Projectors
import Reports
import Storage
import Tensors
import Training

/// A trained arm whose attention is drawn.
struct HeatmapArm: Sendable {
  let arm: Arm
  let model: ArmModel
  /// Of the test examples, in any order; one without is drawn with its ground truth.
  let answers: [AnswerRecord]
  let folder: CellFolder
}

extension HeatmapArm {
  /// - Throws: `CheckpointError` for weights that are missing, damaged or of other shapes.
  init(_ cell: TrainedCell, _ inputs: ExperimentInputs) throws {
    self.init(
      arm: cell.arm, model: try cell.model(inputs), answers: cell.answers, folder: cell.folder)
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

  /// Of the first medium of each example.
  func studies(of examples: [Example]) throws -> [Study] {
    let captions = arms.map { arm in
      Dictionary(
        arm.answers.map { ($0.image, $0.captions[AnswerRow.trained.rawValue]) },
        uniquingKeysWith: { first, _ in first })
    }
    return try executor.map(count: examples.count) { index in
      guard !stop.isRequested else { throw RunStopped(signal: stop.signal) }
      let example = examples[index]
      let id = example.id.text
      guard let place = inputs.data.places(of: example).first,
        let photo = try inputs.photo(of: place)
      else {
        throw HeatmapError("\(id): its pixels are not known, so nothing can be drawn on them")
      }
      let references = example.exchanges.first?.answers ?? []
      let own = captions.map { $0[example.id] ?? nil }
      let given = own.map { text in
        text.flatMap { $0.isEmpty ? nil : $0 } ?? references.first ?? ""
      }
      return Study(
        image: id, photo: photo, references: references, captions: own,
        attention: try zip(arms, given).map { arm, text in
          try AttentionMapper(arm.model, end: inputs.template.end, pool: pool)
            .attention(of: inputs.sample(of: example, answering: text))
        }, given: given)
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
      try AttentionFile(arm: arm.arm.row, grid: grid, entries: entries).write(
        to: arm.folder.attention)
      files.append(arm.folder.attention)
    }
    return files
  }

  /// The figures of the settings, as PNG files in `folder`.
  func writeFigures(_ studies: [Study], to folder: URL) throws -> [HeatmapFile] {
    try AtomicFile.ensureFolder(folder)
    let names = FigureNames(images: inputs.data.examples.map(\.id.text))
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
          arm: arm.arm.row, image: study.image, suffix: settings.suffix)
        figures.append((name, "\(study.image): each \(arm.unit) of \(arm.arm.row)", figure))
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
func writeHeatmaps(
  arms: [HeatmapArm], inputs: ExperimentInputs, config: ExperimentConfig,
  to folder: ResultsFolder, executor: LaneExecutor, console: Console, stop: StopSignal
) throws -> [HeatmapFile] {
  let arms = arms.filter { !$0.arm.isControl }
  let examples = inputs.heatmapExamples(config.figures.heatmaps.images)
  guard !examples.isEmpty, arms.contains(where: { !$0.model.projector.attentionMaps.isEmpty })
  else { return [] }
  guard inputs.grid.isSpatial, inputs.encoder != nil else {
    console.log("No heatmaps: the features come from no grid over an image")
    return []
  }
  let settings = HeatmapSettings(config.figures.heatmaps)
  let writer = HeatmapWriter(
    arms: arms, inputs: inputs, grid: inputs.grid, settings: settings, executor: executor,
    console: console, stop: stop)
  let studies = try writer.studies(of: examples)
  for (index, arm) in arms.enumerated() {
    if let attention = studies.first?.attention[index],
      attention.map(.attention, layer: settings.layer) == nil
    {
      console.log(
        HeatmapError(
          noLayer: settings.layer, of: [(arm.arm.row, attention.layers.map(\.layer))]
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
  guard settings.images > 0, case .index = settings.layer, inputs.grid.isSpatial else { return }
  let attending = try Arm.arms(of: config).compactMap { arm in
    let model = try ArmModel(arm, seed: 0, inputs: inputs, training: config.training)
    let layers = model.projector.attentionMaps.map(\.layer)
    return layers.isEmpty ? nil : (arm: arm.name, layers: layers)
  }
  guard !attending.isEmpty,
    attending.allSatisfy({ settings.layer.place(among: $0.layers) == nil })
  else { return }
  throw HeatmapError(
    "figures.heatmaps.layer: "
      + HeatmapError(noLayer: settings.layer, of: attending).description)
}

extension ExperimentInputs {
  /// An example's sequence with one answer, as the arm would be taught it.
  func sample(of example: Example, answering answer: String) throws -> SequenceSample {
    let first = example.exchanges[0]
    let asked = Example(
      id: example.id, media: example.media,
      exchanges: [Exchange(question: first.question, answers: [answer], kind: first.kind)])
    return try template.sequences(
      of: [asked], places: data.places, executor: LaneExecutor(threads: 1)
    ).samples[0]
  }
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
