import Datasets
import Layers
import Reports
import Storage
import Tensors
import Training

/// How long each patch's feature vector is, beside the photo, of the first test images:
/// `magnitude-IMAGE.png` in the results folder's `figures`.
///
/// - Returns: the figures; none when the experiment asks for none or the features are no grid over an
///   image.
/// - Throws: ``RunStopped`` at a signal; errors of images and files.
func writeMagnitudes(
  inputs: ExperimentInputs, config: ExperimentConfig, to folder: ResultsFolder,
  executor: LaneExecutor, stop: StopSignal
) throws -> [HeatmapFile] {
  let settings = config.figures.heatmaps
  guard settings.magnitude, inputs.grid.isSpatial else { return [] }
  try AtomicFile.ensureFolder(folder.figures)
  let names = FigureNames(images: inputs.data.media.map(\.id.text))
  let places = inputs.heatmapExamples(settings.images).compactMap {
    inputs.data.places(of: $0).first
  }
  let figures = try executor.map(count: places.count) { index -> HeatmapFile? in
    guard !stop.isRequested else { throw RunStopped(signal: stop.signal) }
    let place = places[index]
    let grid = inputs.source.grid(of: place)
    let image = inputs.data.media[place].id.text
    guard let photo = try inputs.photo(of: place) else { return nil }
    let figure = HeatmapFigure(
      title: "Feature magnitude: \(image)", photo: photo,
      panel: HeatmapPanel(
        title: "L2 norm of each patch's feature",
        grid: ValueGrid(
          rows: grid.rows, columns: grid.columns,
          values: try inputs.source.magnitudes(of: place))),
      note: "What the projectors read: \(grid.rows)×\(grid.columns) patches of width "
        + "\(inputs.source.width).")
    let url = folder.figures.appending(path: names.magnitude(of: image))
    try figure.writePNG(to: url)
    return HeatmapFile(url: url, title: "\(image): feature magnitude")
  }
  return figures.compactMap { $0 }
}

extension PatchSource {
  /// The L2 norm of each patch of a medium's grid.
  func magnitudes(of medium: Int) throws -> [Float] {
    let tape = Tape(recordsGradients: false)
    let patches = try patches(of: [medium], in: Context(tape: tape))
    let values = tape.values(patches.tensor)
    return (patches.grids[0].leading..<patches.grids[0].tokens).map { token in
      let vector = values[token * width..<(token + 1) * width]
      return Float(vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
    }
  }
}

extension ExperimentInputs {
  /// The first test examples: what figures are drawn of.
  func heatmapExamples(_ count: Int) -> [Example] {
    let test = data.folds[0].test.filter { $0.serves(config.answeredData) }
    return Array(Example.firstByMedia(test).prefix(count))
  }
}
