import Configuration
import Datasets
import Foundation
import Layers
import Storage

/// Features that another tool wrote to one HDF5 file, as h5py does:
///
///     with h5py.File("features.h5", "w") as file:
///       file["features"] = features    # float16, float32 or float64, [image, token, width]
///       file["image_id"] = image_ids   # strings or integers, the data set's names of the images
///       file["features"].attrs["grid"] = [16, 16]   # optional: rows, columns, leading tokens
///
/// `[image, row, column, width]` says its grid by its shape. The rows may be in any order and may name
/// images that no run asks for.
public struct PrecomputedFeatures: Sendable {
  public let url: URL
  /// Of every image; not spatial if the file does not say how its tokens lie.
  public let grid: PatchGrid
  /// D.
  public let width: Int
  private let rows: [Identifier: Int]

  /// Reads the ids and shapes.
  ///
  /// - Throws: `HDF5Error` if it can't be read, ``FeatureStoreError`` for a type, a shape, a grid or an id
  ///   that does not fit.
  public init(_ url: URL) throws {
    let file = try HDF5File(reading: url)
    let features = try file.dataset("features")
    guard features.isFloat else {
      throw FeatureStoreError(
        description:
          "\(url.path): features must be float16, float32 or float64; they are "
          + "\(features.typeName). Write them with astype(\"float32\"); bfloat16 has no type in HDF5 and "
          + "must be converted, not viewed as integers.")
    }
    guard [3, 4].contains(features.shape.count), features.rowCount > 0 else {
      throw FeatureStoreError(
        description:
          "\(url.path): features must have the shape [image, token, width] or "
          + "[image, row, column, width], at least 1 each; it is \(features.shape)."
          + (features.shape.count == 2 ? " For one token an image write features[:, None]." : ""))
    }
    let stated = try features.attribute("grid") ?? file.attribute("grid")
    grid = try Self.grid(features.shape, stated: stated, path: url.path)
    width = features.shape[features.shape.count - 1]
    let ids = try Self.ids(file)
    guard ids.count == features.rows else {
      throw FeatureStoreError(
        description:
          "\(url.path): image_id names \(ids.count) images, features has \(features.rows).")
    }
    var rows: [Identifier: Int] = [:]
    for (row, id) in ids.enumerated() {
      if let first = rows.updateValue(row, forKey: Identifier(id)) {
        throw FeatureStoreError(
          description: "\(url.path): image_id has \(id) twice, in rows \(first) and \(row).")
      }
    }
    self.url = url
    self.rows = rows
  }

  private static func grid(
    _ shape: [Int], stated: HDF5Attribute?, path: String
  ) throws(FeatureStoreError) -> PatchGrid {
    let own = shape.count == 4 ? PatchGrid(rows: shape[1], columns: shape[2]) : nil
    guard let stated else { return own ?? .sequence(shape[1]) }
    let numbers = stated.integers ?? []
    let tokens = own?.tokens ?? shape[1]
    // Each is at most the number of tokens, so that no product overflows.
    guard [2, 3].contains(numbers.count), numbers.allSatisfy({ (0...tokens).contains($0) }),
      case let grid = PatchGrid(
        rows: numbers[0], columns: numbers[1], leading: numbers.count == 3 ? numbers[2] : 0),
      grid.rows > 0, grid.columns > 0,
      own.map({ $0 == grid })
        ?? (grid.rows.multipliedReportingOverflow(by: grid.columns).partialValue
          == tokens - grid.leading)
    else {
      throw FeatureStoreError(
        description:
          "\(path): the attribute grid must be rows, columns and, if there are any, leading tokens, "
          + "together the \(tokens) tokens of features \(shape); it is "
          + "\(stated.integers.map { "\($0)" } ?? "no integers").")
    }
    return grid
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
  ///
  /// - Parameter cache: where digests of files are remembered.
  public func digest(cache: DigestCache? = nil) throws(FileError) -> String {
    if let cache { return try cache.digest(of: url) }
    return try Digest.ofFile(url)
  }

  /// The features of `media`, in their order, read as they are needed.
  ///
  /// Every one is read once here, one at a time, so that no run starts on numbers that are not finite; what
  /// was seen is ``StoredFeatures/statistics()``.
  ///
  /// - Throws: ``FeatureStoreError`` if the file lacks an image or holds values that are not finite.
  public func features(of media: [Medium]) throws -> StoredFeatures {
    let missing = media.filter { rows[$0.id] == nil }
    if let first = missing.first {
      let example = rows.min { $0.value < $1.value }?.key ?? "none"
      throw FeatureStoreError(
        description:
          "\(url.path) lacks \(missing.count) of \(media.count) images, \(first.id) for one. "
          + "Its image_id must hold the data set's names; it has names such as \(example).")
    }
    let url = url
    let features = StoredFeatures(
      width: width,
      places: media.map {
        StoredFeatures.Place(id: $0.id, file: 0, row: rows[$0.id, default: 0], grid: grid)
      }
    ) { _ in
      OpenFeatureFile(
        path: url.path,
        rows: try HDF5RowReader(try HDF5File(reading: url).dataset("features")))
    }
    _ = try features.statistics()
    return features
  }
}
