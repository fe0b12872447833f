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

  /// The manifest without the shards that are gone or damaged.
  ///
  /// - Parameter note: told of each of them.
  func open(
    _ description: FeatureDescription, note: (String) -> Void
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
    manifest.shards = try manifest.shards.filter { shard in
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
    shard.file = manifest.nextFile
    let url = folder.appending(path: shard.file)
    let partial = AtomicFile.partialURL(for: url)
    do {
      try write(shard, groups: groups, description: description, to: partial)
      shard.digest = try Digest.ofFile(partial)
      try AtomicFile.commit(partial, to: url)
    } catch {
      unlink(partial.path)
      if let error = error as? HDF5Error, case .overflowsHalf = error.problem {
        throw FeatureStoreError(
          description: "The encoder's features exceed 65504, the largest float16. "
            + "Set encoder.precision to float32.")
      }
      throw error
    }
    manifest.shards.append(shard)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try AtomicFile.write(try encoder.encode(manifest), to: manifestURL)
    var verified = VerifiedDigests(verifiedURL)
    verified.set(shard.digest, of: url)
    remember(verified)
  }

  private func write(
    _ shard: FeatureShard, groups: [[Float]], description: FeatureDescription, to url: URL
  ) throws {
    let file = try HDF5File(creating: url)
    let features = try file.createDataset(
      "features", type: description.precision == .float16 ? .float16 : .float32,
      shape: [shard.images.count, shard.tokens, shard.width], chunkRows: 1)
    var row = 0
    for values in groups {
      try features.writeRows(first: row, values)
      row += values.count / features.rowCount
    }
    try file.write("image_id", shard.images.map(\.id))
    try file.write("image_digest", shard.images.map(\.digest))
    for (name, value) in description.attributes { try file.setAttribute(name, .string(value)) }
    try file.close()
  }

  /// Reads the features of `images` into memory.
  func table(
    of images: [FeatureShard.Image], _ manifest: FeatureManifest, tokens: Int, width: Int
  ) throws -> FeatureTable {
    let index = manifest.index
    let size = tokens * width
    var wanted: [Int: [(target: Int, row: Int)]] = [:]
    for (target, image) in images.enumerated() {
      guard let place = index[image] else { preconditionFailure("\(image.id) was not encoded") }
      wanted[place.shard, default: []].append((target, place.row))
    }
    var values = [Float](repeating: 0, count: images.count * size)
    for (number, rows) in wanted.sorted(by: { $0.key < $1.key }) {
      let shard = manifest.shards[number]
      let file = try HDF5File(reading: folder.appending(path: shard.file))
      let features = try file.dataset("features")
      try check(features.shape, shard, tokens: tokens, width: width)
      try values.withUnsafeMutableBufferPointer { values in
        for (target, row) in rows {
          try features.readRows(
            first: row, count: 1,
            into: UnsafeMutableBufferPointer(
              rebasing: values[target * size..<(target + 1) * size]))
        }
      }
    }
    return FeatureTable(
      tokens: tokens, width: width, count: images.count, imageDigests: images.map(\.digest),
      values: values)
  }

  func check(_ shape: [Int], _ shard: FeatureShard, tokens: Int, width: Int) throws {
    guard shape == [shard.images.count, tokens, width] else {
      throw FeatureStoreError(
        description: "\(folder.appending(path: shard.file).path) holds features of shape \(shape), "
          + "not \([shard.images.count, tokens, width]). Remove the folder: it will be made again.")
    }
  }
}
