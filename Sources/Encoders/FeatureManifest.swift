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

/// What tells that a file is still the one whose digest was taken.
struct FileStamp: Codable, Sendable, Equatable {
  let size: Int64
  let modifiedSeconds: Int64
  let modifiedNanoseconds: Int64
  let inode: UInt64

  /// nil if there is no such file.
  init?(_ url: URL) {
    var status = stat()
    guard stat(url.path, &status) == 0 else { return nil }
    size = Int64(status.st_size)
    modifiedSeconds = Int64(status.st_mtim.tv_sec)
    modifiedNanoseconds = Int64(status.st_mtim.tv_nsec)
    inode = UInt64(status.st_ino)
  }
}

/// `verified.json`: the digests that were taken of files as they are, so that a run does not read every
/// shard twice. Losing it costs time only.
struct VerifiedDigests: Codable, Sendable, Equatable {
  struct Verified: Codable, Sendable, Equatable {
    let stamp: FileStamp
    let digest: String
  }
  private var files: [String: Verified] = [:]

  init() {}

  init(_ url: URL) {
    let data = try? Data(contentsOf: url)
    self = data.flatMap { try? JSONDecoder().decode(Self.self, from: $0) } ?? Self()
  }

  /// The digest of a file; nil if there is none.
  mutating func digest(of url: URL) throws(FileError) -> String? {
    let name = url.lastPathComponent
    guard let stamp = FileStamp(url) else {
      files[name] = nil
      return nil
    }
    if let verified = files[name], verified.stamp == stamp { return verified.digest }
    let digest = try Digest.ofFile(url)
    files[name] = Verified(stamp: stamp, digest: digest)
    return digest
  }

  mutating func set(_ digest: String, of url: URL) {
    files[url.lastPathComponent] = FileStamp(url).map { Verified(stamp: $0, digest: digest) }
  }
}
