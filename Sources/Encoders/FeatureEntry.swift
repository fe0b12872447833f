import Configuration
import Foundation
import Storage

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
    note: (String) -> Void
  ) throws -> FeatureManifest {
    var manifest = FeatureManifest(description)
    do {
      guard let stored = try storedManifest() else { return manifest }
      manifest = stored
    } catch let error as FeatureStoreError {
      note(error.description)
    }
    let before = VerifiedDigests(verifiedURL)
    var verified = before
    let wanted = manifest.shards(holding: images)
    manifest.shards = try manifest.shards.filter { shard in
      guard wanted.contains(shard.file) else { return true }
      let url = folder.appending(path: shard.file)
      let digest = try verified.digest(of: url)
      if digest == shard.digest { return true }
      note(
        "\(url.path) is \(digest == nil ? "gone" : "damaged"). "
          + "Its images are encoded again when they are needed.")
      return false
    }
    if verified != before { remember(verified) }
    return manifest
  }

  /// A cache that can't be written to is no error: the digests are taken again.
  private func remember(_ verified: VerifiedDigests) {
    guard let data = try? JSONEncoder().encode(verified) else { return }
    try? AtomicFile.write(data, to: verifiedURL)
  }

  /// Writes a shard and lists it in the manifest.
  ///
  /// - Parameter groups: features of images, one group after the other.
  func append(
    _ shard: FeatureShard, groups: [[Float]], description: FeatureDescription,
    to manifest: inout FeatureManifest
  ) throws {
    var shard = shard
    let partial = AtomicFile.partialURL(for: folder.appending(path: "shard.h5"))
    do {
      try write(shard, groups: groups, description: description, to: partial)
      shard.digest = try Digest.ofFile(partial)
      try AtomicFile.commit(partial, to: folder.appending(path: shard.file))
    } catch {
      unlink(partial.path)
      if let error = error as? HDF5Error, case .overflowsHalf = error.problem {
        throw FeatureStoreError(
          description: "The encoder's features exceed 65504, the largest float16. "
            + "Set encoder.precision to float32.")
      }
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
    var verified = VerifiedDigests(verifiedURL)
    verified.set(shard.digest, of: folder.appending(path: shard.file))
    remember(verified)
  }

  private func write(
    _ shard: FeatureShard, groups: [[Float]], description: FeatureDescription, to url: URL
  ) throws {
    let file = try HDF5File(creating: url)
    let features = try file.createDataset(
      "features", type: description.precision == .float16 ? .float16 : .float32,
      shape: shard.shape, chunkRows: 1)
    try features.setAttribute("grid", .integers([shard.rows, shard.columns, shard.leading]))
    var row = 0
    for values in groups {
      try features.writeRows(first: row, values)
      row += values.count / features.rowCount
    }
    try file.write("image_id", shard.images.map(\.id.text))
    try file.write("image_digest", shard.images.map(\.digest))
    for (name, value) in description.attributes { try file.setAttribute(name, .string(value)) }
    try file.close()
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
    return OpenFeatureFile(path: url.path, features: features)
  }
}
