import Foundation
import Layers
import Storage

/// `attention.h5`: one arm's attention over some images, float32, readable with h5py.
///
/// - `image_id` `[image]` and `caption` `[image]`: strings; the caption is the one that was given.
/// - `layer_N/attention` and `layer_N/gradient` `[image, query, patch]`, for each layer N that sees
///   the patches; see ``AttentionMapper`` for what they mean.
/// - Attributes: `arm`, `grid_rows`, `grid_columns` (patches lie row by row from the top left),
///   `objective`.
struct AttentionFile {
  struct Entry {
    let image: String
    let caption: String
    let attention: ImageAttention
  }

  let arm: String
  let grid: PatchGrid
  let entries: [Entry]

  /// Writes or replaces the file in one step.
  ///
  /// - Throws: ``HDF5Error``, ``FileError``.
  func write(to url: URL) throws {
    guard let first = entries.first?.attention else { return }
    let partial = AtomicFile.partialURL(for: url)
    do {
      let file = try HDF5File(creating: partial)
      try file.setAttribute("arm", .string(arm))
      try file.setAttribute("grid_rows", .int(grid.rows))
      try file.setAttribute("grid_columns", .int(grid.columns))
      try file.setAttribute(
        "objective", .string("mean log-likelihood per token of caption, end token included"))
      try file.write("image_id", entries.map(\.image))
      try file.write("caption", entries.map(\.caption))
      for (index, layer) in first.layers.enumerated() {
        try write("attention", \.attention, of: index, number: layer.layer, to: file)
        try write("gradient", \.gradient, of: index, number: layer.layer, to: file)
      }
      try file.close()
    } catch {
      try? FileManager.default.removeItem(at: partial)
      throw error
    }
    try AtomicFile.commit(partial, to: url)
  }

  /// One map of the layer at `index` of every image.
  private func write(
    _ name: String, _ map: (ImageAttention.Layer) -> QueryMap, of index: Int, number: Int,
    to file: borrowing HDF5File
  ) throws(HDF5Error) {
    let maps = entries.map { map($0.attention.layers[index]) }
    try file.write(
      "layer_\(number)/\(name)", maps.flatMap(\.values),
      shape: [maps.count, maps[0].queries, maps[0].patches])
  }
}
