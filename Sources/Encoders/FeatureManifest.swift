import Foundation
import Storage

/// What `manifest.json` says of one shard.
struct FeatureShard: Codable, Sendable, Equatable {
  struct Image: Codable, Sendable, Hashable {
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

  /// `shard-0000.h5` and on: the first name that is not taken.
  var nextFile: String {
    let used = Set(shards.map(\.file))
    var number = 0
    while true {
      let digits = String(number)
      let padding = String(repeating: "0", count: max(0, 4 - digits.count))
      let name = "shard-\(padding)\(digits).h5"
      if !used.contains(name) { return name }
      number += 1
    }
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
