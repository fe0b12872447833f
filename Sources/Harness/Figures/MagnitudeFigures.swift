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
  guard settings.magnitude, let grid = inputs.grid else { return [] }
  try AtomicFile.ensureFolder(folder.figures)
  let names = FigureNames(images: inputs.dataset.images.map(\.id))
  let count = min(settings.images, inputs.dataset.test.count)
  let figures = try executor.map(count: count) { index -> HeatmapFile? in
    guard !stop.isRequested else { throw RunStopped(signal: stop.signal) }
    let place = inputs.testStart + index
    let image = inputs.image(at: place).id
    guard let photo = try inputs.photo(of: place) else { return nil }
    let figure = HeatmapFigure(
      title: "Feature magnitude: \(image)", photo: photo,
      panel: HeatmapPanel(
        title: "L2 norm of each patch's feature",
        grid: ValueGrid(
          rows: grid.rows, columns: grid.columns,
          values: inputs.features.magnitudes(of: place, leading: grid.leading))),
      note: "What the projectors read: \(grid.rows)×\(grid.columns) patches of width "
        + "\(inputs.features.width).")
    let url = folder.figures.appending(path: names.magnitude(of: image))
    try figure.writePNG(to: url)
    return HeatmapFile(url: url, title: "\(image): feature magnitude")
  }
  return figures.compactMap { $0 }
}

extension FeatureSource {
  /// The L2 norm of each token of an image; the first `leading` ones, which are no patches, left out.
  func magnitudes(of image: Int, leading: Int) -> [Float] {
    var values = [Float](repeating: 0, count: patches(of: image) * width)
    values.withUnsafeMutableBufferPointer { copy(image, to: $0) }
    return (leading..<patches(of: image)).map { token in
      let vector = values[token * width..<(token + 1) * width]
      return Float(vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
    }
  }
}
