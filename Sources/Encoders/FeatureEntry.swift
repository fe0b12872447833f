import Configuration
import Foundation
import Storage
import Tensors

/// The folder of one encoder setting.
struct FeatureEntry {
  let folder: URL

  var manifestURL: URL { folder.appending(path: "manifest.json") }
  private var verifiedURL: URL { folder.appending(path: "verified.json") }

  /// The manifest as it is; nil if there is none.
  ///
  /// - Throws: ``FeatureStoreError`` if it is damaged.
  func storedManifest() throws -> FeatureManifest? {
    guard FileManager.default.fileExists(atPath: manifestURL.path) else { return nil }
    do {
      return try JSONDecoder().decode(FeatureManifest.self, from: Data(contentsOf: manifestURL))
    } catch is DecodingError {
      throw FeatureStoreError(
        description: "\(manifestURL.path) is damaged. Its images will be encoded again.")
    } catch {
      throw FileError(
        path: manifestURL.path, operation: .read, cause: FileError.cause(of: error))
    }
  }

  /// The manifest without the shards that are gone or damaged, of those that hold some of `images`: HDF5 is
  /// given none whose digest was not taken.
  ///
  /// - Parameter note: told of each of them.
  func open(
    _ description: FeatureDescription, for images: Set<FeatureShard.Image>,
    executor: LaneExecutor, note: (String) -> Void
  ) throws -> FeatureManifest {
    var manifest = FeatureManifest(description)
    do {
      guard let stored = try storedManifest() else { return manifest }
      manifest = stored
    } catch let error as FeatureStoreError {
      note(error.description)
    }
    let before = RememberedDigests(verifiedURL)
    var verified = before
    let wanted = manifest.shards(holding: images)
    let digests = try verified.digests(
      of: wanted.map { folder.appending(path: $0) }, executor: executor)
    manifest.shards.removeAll { shard in
      guard wanted.contains(shard.file) else { return false }
      let url = folder.appending(path: shard.file)
      let digest = digests[shard.file]
      if digest == shard.digest { return false }
      note(
        "\(url.path) is \(digest == nil ? "gone" : "damaged"). "
          + "Its images are encoded again when they are needed.")
      return true
    }
    if verified != before { verified.write(to: verifiedURL) }
    return manifest
  }

  /// Writes a shard and lists it in the manifest.
  ///
  /// - Parameter rows: features of its images, one after the other, as ``FeaturePrecision`` stores them.
  func append(
    _ shard: FeatureShard, rows: UnsafeRawBufferPointer, description: FeatureDescription,
    to manifest: inout FeatureManifest
  ) throws {
    var shard = shard
    let partial = AtomicFile.partialURL(for: folder.appending(path: "shard.h5"))
    do {
      var file = try HDF5RowFile(
        creating: partial, rows: "features",
        type: description.precision == .float16 ? .float16 : .float32, shape: shard.shape
      ) { file, features throws(HDF5Error) in
        try features.setAttribute("grid", .integers([shard.rows, shard.columns, shard.leading]))
        try file.write("image_id", shard.images.map(\.id.text))
        try file.write("image_digest", shard.images.map(\.digest))
        for (name, value) in description.attributes { try file.setAttribute(name, .string(value)) }
      }
      try file.append(rows)
      shard.digest = try file.finish()
      try AtomicFile.commit(partial, to: folder.appending(path: shard.file))
    } catch {
      unlink(partial.path)
      throw error
    }
    // Where the disk knows no locks another writer may have listed shards since.
    let others = (try? storedManifest())?.shards ?? []
    let known = Set(manifest.shards.map(\.file))
    manifest.shards += others.filter { !known.contains($0.file) && $0.file != shard.file }
    manifest.shards.removeAll { $0.file == shard.file }
    manifest.shards.append(shard)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try AtomicFile.write(try encoder.encode(manifest), to: manifestURL)
    var verified = RememberedDigests(verifiedURL)
    verified.set(shard.digest, of: folder.appending(path: shard.file))
    verified.write(to: verifiedURL)
  }

  /// The features of `images` where they lie.
  ///
  /// - Precondition: the manifest lists every image, and was opened for them.
  func features(
    of images: [FeatureShard.Image], _ manifest: FeatureManifest, width: Int
  ) -> StoredFeatures {
    let index = manifest.index
    let places = images.map { image in
      guard let place = index[image] else { preconditionFailure("\(image.id) was not encoded") }
      return StoredFeatures.Place(
        id: image.id, file: place.shard, row: place.row, grid: manifest.shards[place.shard].grid)
    }
    let entry = self
    let shards = manifest.shards
    return StoredFeatures(width: width, places: places, imageDigests: images.map(\.digest)) {
      try entry.openShard(shards[$0])
    }
  }

  /// Opens a shard, held against what the manifest says of it: shape, names and digests of the images.
  ///
  /// - Precondition: the file's digest was taken and is the manifest's.
  func openShard(_ shard: FeatureShard) throws -> OpenFeatureFile {
    let url = folder.appending(path: shard.file)
    let file = try HDF5File(reading: url)
    // Each chunk is one image, read as a whole: there is nothing to keep.
    let features = try file.dataset("features", chunkCacheBytes: 0)
    guard features.shape == shard.shape else {
      throw FeatureStoreError(
        description: "\(url.path) holds features of shape \(features.shape), "
          + "not \(shard.shape). Remove the folder: it will be made again.")
    }
    guard try file.strings("image_id").map({ Identifier($0) }) == shard.images.map(\.id),
      try file.strings("image_digest") == shard.images.map(\.digest)
    else {
      throw FeatureStoreError(
        description: "\(url.path) holds other images than its manifest lists. "
          + "Remove the folder: it will be made again.")
    }
    return OpenFeatureFile(path: url.path, rows: try HDF5RowReader(features))
  }
}
