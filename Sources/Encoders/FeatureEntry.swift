import Foundation
import Storage
import Synchronization

/// What `manifest.json` says of one shard.
struct FeatureShard: Codable, Sendable, Equatable {
  struct Image: Codable, Sendable, Equatable {
    let id: String
    /// XXH3-128 of the image, so that a changed photograph is encoded again.
    let digest: String
  }
  var file = ""
  /// XXH3-128 of the file.
  var digest = ""
  let images: [Image]
  let tokens: Int
  let width: Int

  init(images: [Image], tokens: Int, width: Int) {
    self.images = images
    self.tokens = tokens
    self.width = width
  }
}

/// `manifest.json` of one entry.
struct FeatureManifest: Codable, Sendable, Equatable {
  var description: [String: String]
  var shards: [FeatureShard] = []

  /// Of each image, its digest and place; a later shard replaces an earlier one's image.
  var index: [String: (digest: String, shard: Int, row: Int)] {
    var index: [String: (digest: String, shard: Int, row: Int)] = [:]
    for (number, shard) in shards.enumerated() {
      for (row, image) in shard.images.enumerated() {
        index[image.id] = (image.digest, number, row)
      }
    }
    return index
  }
}

/// The folder of one encoder setting.
struct FeatureEntry {
  let folder: URL

  private var manifestURL: URL { folder.appending(path: "manifest.json") }

  /// Reads the manifest, drops shards that are gone or damaged, and removes what a killed writer left.
  func open(_ description: FeatureDescription) throws -> FeatureManifest {
    try AtomicFile.ensureFolder(folder)
    AtomicFile.removePartials(in: folder)
    guard FileManager.default.fileExists(atPath: manifestURL.path) else {
      return FeatureManifest(
        description: Dictionary(uniqueKeysWithValues: description.attributes))
    }
    var manifest = try JSONDecoder().decode(
      FeatureManifest.self, from: Data(contentsOf: manifestURL))
    manifest.shards = try manifest.shards.filter { shard in
      let url = folder.appending(path: shard.file)
      guard FileManager.default.fileExists(atPath: url.path) else { return false }
      return try Digest.ofFile(url) == shard.digest
    }
    return manifest
  }

  func append(
    _ shard: FeatureShard, values: [Float], description: FeatureDescription,
    to manifest: inout FeatureManifest
  ) throws {
    var shard = shard
    let used = Set(manifest.shards.map(\.file))
    var number = manifest.shards.count
    while used.contains(Self.name(number)) { number += 1 }
    shard.file = Self.name(number)
    let url = folder.appending(path: shard.file)
    let partial = AtomicFile.partialURL(for: url)
    let file = try HDF5File(creating: partial)
    let features = try file.createDataset(
      "features", type: description.precision == .float16 ? .float16 : .float32,
      shape: [shard.images.count, shard.tokens, shard.width], chunkRows: 1)
    try features.write(values)
    try file.write("image_id", shard.images.map(\.id))
    try file.write("image_digest", shard.images.map(\.digest))
    for (name, value) in description.attributes { try file.setAttribute(name, .string(value)) }
    try file.close()
    shard.digest = try Digest.ofFile(partial)
    try AtomicFile.commit(partial, to: url)
    manifest.shards.append(shard)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try AtomicFile.write(try encoder.encode(manifest), to: manifestURL)
  }

  private static func name(_ number: Int) -> String {
    let digits = String(number)
    return "shard-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".h5"
  }

  /// Reads the features of `ids` into memory.
  func table(
    of ids: [String], _ manifest: FeatureManifest, tokens: Int, width: Int
  ) throws -> FeatureTable {
    let index = manifest.index
    let size = tokens * width
    var values = [Float](repeating: 0, count: ids.count * size)
    var wanted: [Int: [(target: Int, row: Int)]] = [:]
    for (target, id) in ids.enumerated() {
      guard let place = index[id] else { preconditionFailure("\(id) was not encoded") }
      wanted[place.shard, default: []].append((target, place.row))
    }
    for (number, rows) in wanted.sorted(by: { $0.key < $1.key }) {
      let shard = manifest.shards[number]
      let url = folder.appending(path: shard.file)
      let file = try HDF5File(reading: url)
      let features = try file.dataset("features")
      guard features.shape == [shard.images.count, tokens, width] else {
        throw FeatureStoreError(
          description: "\(url.path) holds features of shape \(features.shape), its manifest says "
            + "\([shard.images.count, tokens, width]). Remove the folder: it will be made again.")
      }
      for (target, row) in rows {
        let image = try features.readRows(first: row, count: 1)
        values.replaceSubrange(target * size..<(target + 1) * size, with: image)
      }
    }
    return FeatureTable(tokens: tokens, width: width, count: ids.count, values: values)
  }
}

/// A store whose files disagree with its manifest.
public struct FeatureStoreError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public let description: String
  public var errorDescription: String? { description }
}

/// A count that several threads add to.
final class Counter: Sendable {
  private let value = Atomic<Int>(0)

  /// Adds and returns the new count.
  func add(_ amount: Int) -> Int { value.wrappingAdd(amount, ordering: .relaxed).newValue }
}
