import Datasets
import Foundation
import Storage
import Tensors

/// What the store holds of one encoder setting.
public struct FeatureStoreEntry: Sendable, Equatable {
  public let key: String
  public let folder: URL
  /// Attributes of the features: `encoder`, `preprocessing`, `layer`, …; empty if the manifest is
  /// damaged or missing.
  public let attributes: [String: String]
  public let images: Int
  public let tokens: Int
  public let width: Int
  /// Of all its files.
  public let bytes: Int
  public let lastUsed: Date
}

/// Something in the store that is not as it should be.
public struct FeatureStoreProblem: Sendable, Equatable, CustomStringConvertible {
  public let key: String
  public let description: String
}

extension FeatureStore {
  /// Every entry, the one used last first.
  ///
  /// - Throws: `FileError` if the cache can't be read; an empty or absent cache has no entries.
  public func list() throws -> [FeatureStoreEntry] {
    try entries().map { entry in
      let manifest = try? entry.storedManifest()
      let shards = manifest?.shards ?? []
      let status = try? FileManager.default.attributesOfItem(atPath: entry.folder.path)
      return FeatureStoreEntry(
        key: entry.folder.lastPathComponent, folder: entry.folder,
        attributes: manifest?.description ?? [:], images: Set(shards.flatMap(\.images)).count,
        tokens: shards.first?.tokens ?? 0, width: shards.first?.width ?? 0,
        bytes: entry.files().reduce(0) { $0 + $1.size },
        lastUsed: status?[.modificationDate] as? Date ?? .distantPast)
    }.sorted { ($0.lastUsed, $0.key) > ($1.lastUsed, $1.key) }
  }

  /// How many of the media have features under this description; nothing is read but manifest and images.
  ///
  /// - Throws: `FileError` for an image that can't be read.
  public func storedCount(
    of media: [Medium], _ description: FeatureDescription, executor: LaneExecutor
  ) throws -> Int {
    let entry = FeatureEntry(folder: folder.appending(path: description.key))
    guard let stored = (try? entry.storedManifest())?.index, !stored.isEmpty else { return 0 }
    let found = try executor.map(count: media.count) {
      stored[FeatureShard.Image(id: media[$0].id, digest: try media[$0].digest())] != nil
    }
    return found.count { $0 }
  }

  /// Reads every shard again: its digest, then its shapes, ids and digests of images against the
  /// manifest.
  ///
  /// - Parameter progress: bytes read and bytes to read.
  /// - Returns: what is wrong; empty if all is well. What is damaged is encoded again by the next run
  ///   that needs it.
  public func verify(progress: (Int, Int) -> Void = { _, _ in }) throws -> [FeatureStoreProblem] {
    let entries = try entries()
    let total = entries.reduce(0) { $0 + $1.files().reduce(0) { $0 + $1.size } }
    var done = 0
    return entries.flatMap { entry in
      let key = entry.folder.lastPathComponent
      var problems: [String] = []
      do {
        if let manifest = try entry.storedManifest() {
          problems = entry.problems(manifest)
        } else {
          problems = ["\(entry.folder.path) has no manifest: `dragoman cache prune` removes it."]
        }
      } catch {
        problems = ["\(error)"]
      }
      done += entry.files().reduce(0) { $0 + $1.size }
      progress(done, total)
      return problems.map { FeatureStoreProblem(key: key, description: $0) }
    }
  }

  /// Removes what nothing reads: files of killed writers, shards that no manifest lists, entries
  /// without a manifest, and the entries that are not wanted. An entry that is being written is left
  /// alone.
  ///
  /// - Returns: what was removed, and its bytes.
  @discardableResult
  public func prune(
    removing isUnwanted: (FeatureStoreEntry) -> Bool = { _ in false }
  ) throws -> (removed: [URL], bytes: Int) {
    var removed: [URL] = []
    var bytes = 0
    for listed in try list() {
      let entry = FeatureEntry(folder: listed.folder)
      guard let lock = FeatureLock(entry.folder, shouldStop: { true }, note: { _ in }) else {
        continue
      }
      defer { lock.release() }
      let manifest = try? entry.storedManifest()
      if manifest == nil || isUnwanted(listed) {
        // The manifest first: what a killed removal leaves is an entry without one.
        try entry.remove(entry.manifestURL)
        try entry.remove(entry.folder)
        removed.append(entry.folder)
        bytes += listed.bytes
        continue
      }
      let used = Set(manifest?.shards.map(\.file) ?? [])
      for (url, size) in entry.files() where entry.isLeftover(url, used: used) {
        try entry.remove(url)
        removed.append(url)
        bytes += size
      }
    }
    return (removed, bytes)
  }

  private func entries() throws -> [FeatureEntry] {
    guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(
        at: folder, includingPropertiesForKeys: [.isDirectoryKey]
      )
      .filter { (try? $0.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true }
      .map { FeatureEntry(folder: folder.appending(path: $0.lastPathComponent)) }
      .sorted { $0.folder.path < $1.folder.path }
    } catch {
      throw FileError(path: folder.path, operation: .read, cause: FileError.cause(of: error))
    }
  }
}

extension FeatureEntry {
  /// Its files with their sizes, by name.
  fileprivate func files() -> [(url: URL, size: Int)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { name in
      let url = folder.appending(path: name)
      return (url, Int(FileStamp(url)?.size ?? 0))
    }
  }

  fileprivate func isLeftover(_ url: URL, used: Set<String>) -> Bool {
    let name = url.lastPathComponent
    return name.hasSuffix(".partial") || name.hasSuffix(".h5") && !used.contains(name)
  }

  fileprivate func remove(_ url: URL) throws(FileError) {
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      throw FileError(path: url.path, operation: .remove, cause: FileError.cause(of: error))
    }
  }

  /// What is wrong with the entry, everything read.
  fileprivate func problems(_ manifest: FeatureManifest) -> [String] {
    var problems = manifest.shards.compactMap { shard -> String? in
      do {
        return try problem(shard)
      } catch {
        return "\(error)"
      }
    }
    let used = Set(manifest.shards.map(\.file))
    for (url, _) in files() where isLeftover(url, used: used) {
      problems.append("\(url.path) is in no manifest: `dragoman cache prune` removes it.")
    }
    return problems
  }

  private func problem(_ shard: FeatureShard) throws -> String? {
    let url = folder.appending(path: shard.file)
    guard FileManager.default.fileExists(atPath: url.path) else {
      return "\(url.path) is gone. Its images are encoded again when they are needed."
    }
    // The digest comes first: HDF5 is not given a damaged file.
    guard try Digest.ofFile(url) == shard.digest else {
      return "\(url.path) is damaged. Its images are encoded again when they are needed."
    }
    _ = try openShard(shard)
    return nil
  }
}
