import Configuration
import Foundation
import Layers
import Storage

/// What `manifest.json` says of one shard.
struct FeatureShard: Codable, Sendable, Equatable {
  struct Image: Codable, Sendable, Hashable {
    let id: Identifier
    /// XXH3-128 of the image, so that a changed photograph is encoded again.
    let digest: String
  }
  /// `shard-DIGEST.h5`: two writers of one name write the same bytes.
  var file: String { "shard-\(digest).h5" }
  /// XXH3-128 of the file.
  var digest = ""
  let images: [Image]
  /// Of every image of the shard.
  let rows: Int
  let columns: Int
  let leading: Int
  let width: Int

  var grid: PatchGrid { PatchGrid(rows: rows, columns: columns, leading: leading) }
  var tokens: Int { grid.tokens }
  /// Shape of its features.
  var shape: [Int] { [images.count, tokens, width] }

  init(images: [Image], grid: PatchGrid, width: Int) {
    self.images = images
    (rows, columns, leading) = (grid.rows, grid.columns, grid.leading)
    self.width = width
  }
}

/// `manifest.json` of one entry.
struct FeatureManifest: Codable, Sendable, Equatable {
  struct Place {
    let shard: Int
    let row: Int
  }

  /// The attributes of the shards.
  var description: [String: String]
  var shards: [FeatureShard] = []

  init(_ description: FeatureDescription) {
    self.description = Dictionary(uniqueKeysWithValues: description.attributes)
  }

  /// The shards that hold one of these images at least.
  func shards(holding images: Set<FeatureShard.Image>) -> Set<String> {
    Set(shards.filter { $0.images.contains(where: images.contains) }.map(\.file))
  }

  /// Where each image's features are.
  var index: [FeatureShard.Image: Place] {
    var index: [FeatureShard.Image: Place] = [:]
    for (number, shard) in shards.enumerated() {
      for (row, image) in shard.images.enumerated() {
        index[image] = Place(shard: number, row: row)
      }
    }
    return index
  }
}
