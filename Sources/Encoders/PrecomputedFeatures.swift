import Datasets
import Foundation
import Storage

/// Features that another tool wrote to one HDF5 file, as h5py does:
///
///     with h5py.File("features.h5", "w") as file:
///       file["features"] = features    # float16, float32 or float64, [image, token, width]
///       file["image_id"] = image_ids   # strings or integers, the data set's names of the images
///
/// The rows may be in any order and may name images that no run asks for.
public struct PrecomputedFeatures: Sendable {
  public let url: URL
  /// P of every image.
  public let tokens: Int
  /// D.
  public let width: Int
  private let rows: [String: Int]

  /// Reads the ids and shapes.
  ///
  /// - Throws: `HDF5Error` if it can't be read, ``FeatureStoreError`` for a shape or an id that does
  ///   not fit.
  public init(_ url: URL) throws {
    let file = try HDF5File(reading: url)
    let features = try file.dataset("features")
    guard features.shape.count == 3, features.rowCount > 0 else {
      throw FeatureStoreError(
        description:
          "\(url.path): features must have the shape [image, token, width], at least 1 each; "
          + "it is \(features.shape)."
          + (features.shape.count == 2 ? " For one token an image write features[:, None]." : ""))
    }
    let ids = try Self.ids(file)
    guard ids.count == features.rows else {
      throw FeatureStoreError(
        description:
          "\(url.path): image_id names \(ids.count) images, features has \(features.rows).")
    }
    var rows: [String: Int] = [:]
    for (row, id) in ids.enumerated() {
      if let first = rows.updateValue(row, forKey: id) {
        throw FeatureStoreError(
          description: "\(url.path): image_id has \(id) twice, in rows \(first) and \(row).")
      }
    }
    self.url = url
    self.rows = rows
    tokens = features.shape[1]
    width = features.shape[2]
  }

  private static func ids(_ file: borrowing HDF5File) throws -> [String] {
    do {
      return try file.strings("image_id")
    } catch {
      guard case .wrongType = error.problem else { throw error }
      return try file.int64s("image_id").map(String.init)
    }
  }

  /// XXH3-128 of the file: what a run's provenance names it by.
  public func digest() throws(FileError) -> String { try Digest.ofFile(url) }

  /// The features of `images`, in their order.
  ///
  /// - Throws: ``FeatureStoreError`` if the file lacks an image or holds values that are not finite.
  public func features(of images: [CaptionedImage]) throws -> FeatureTable {
    let missing = images.filter { rows[$0.id] == nil }
    if let first = missing.first {
      let example = rows.min { $0.value < $1.value }?.key ?? "none"
      throw FeatureStoreError(
        description:
          "\(url.path) lacks \(missing.count) of \(images.count) images, \(first.id) for one. "
          + "Its image_id must hold the data set's names; it has names such as \(example).")
    }
    let file = try HDF5File(reading: url)
    let features = try file.dataset("features")
    let size = tokens * width
    var values = [Float](repeating: 0, count: images.count * size)
    // In the file's order, so that a chunk of several images is read once.
    let order = images.indices.sorted {
      rows[images[$0].id, default: 0] < rows[images[$1].id, default: 0]
    }
    try values.withUnsafeMutableBufferPointer { values in
      for index in order {
        let target = UnsafeMutableBufferPointer(
          rebasing: values[index * size..<(index + 1) * size])
        try features.readRows(first: rows[images[index].id, default: 0], count: 1, into: target)
        guard target.allSatisfy(\.isFinite) else {
          throw FeatureStoreError(
            description:
              "\(url.path): the features of the image \(images[index].id) are not all finite.")
        }
      }
    }
    return FeatureTable(tokens: tokens, width: width, count: images.count, values: values)
  }
}
