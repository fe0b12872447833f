import Datasets
import Foundation
import Layers
import Storage
import Synchronization
import Tensors

/// Features of images, written once and read by every arm: one folder an encoder setting, immutable
/// HDF5 shards and a manifest.
///
/// A shard is written under a temporary name, closed, synchronised and renamed; then the manifest that
/// lists it is replaced in one step. An image is in the manifest with all its features or not at all, so a
/// killed writer costs at most one shard. Of several programs that want the same features one encodes
/// them and the others wait.
public struct FeatureStore: Sendable {
  public let folder: URL
  private static let shardImages = 256

  /// - Parameter folder: the cache; entries lie in `features/KEY/`.
  public init(cache folder: URL) { self.folder = folder.appending(path: "features") }

  /// The features of `media`, encoding those that the store lacks.
  ///
  /// A medium is known by its id and its content, so that a changed one is encoded again.
  ///
  /// - Parameters:
  ///   - batch: media that a thread takes at a time; no part of the bits.
  ///   - progress: media done and media to encode.
  ///   - shouldStop: asked before each batch.
  ///   - note: told of damage that is repaired and of waiting.
  /// - Returns: nil when stopped; what was encoded in whole shards is kept.
  /// - Throws: `ImageError` or `AudioError` for a medium that can't be read, `FileError` or `HDF5Error` for the
  ///   store, ``FeatureStoreError`` for features that are not finite or too large for float16.
  public func features(
    of media: [Medium], description: FeatureDescription, encoder: any VisionEncoder,
    processor: any Preprocessor, batch: Int, executor: LaneExecutor,
    progress: @escaping @Sendable (Int, Int) -> Void, shouldStop: @Sendable () -> Bool,
    note: @Sendable (String) -> Void = { _ in }
  ) throws -> StoredFeatures? {
    try features(
      of: media, description: description,
      maker: EncoderFeatures(encoder, processor, description), batch: batch, executor: executor,
      progress: progress, shouldStop: shouldStop, note: note)
  }

  /// The same for features that anything makes.
  package func features(
    of media: [Medium], description: FeatureDescription, maker: any FeatureMaker, batch: Int,
    executor: LaneExecutor, progress: @escaping @Sendable (Int, Int) -> Void,
    shouldStop: @Sendable () -> Bool, note: @Sendable (String) -> Void = { _ in }
  ) throws -> StoredFeatures? {
    precondition(batch > 0, "at least one image is encoded at a time")
    let entry = FeatureEntry(folder: folder.appending(path: description.key))
    try AtomicFile.ensureFolder(entry.folder)
    let wanted = try executor.map(count: media.count) {
      FeatureShard.Image(id: media[$0].id, digest: try media[$0].digest())
    }
    let distinct = Set(wanted)
    var manifest = try entry.open(description, for: distinct, executor: executor, note: { _ in })
    if wanted.contains(where: { [index = manifest.index] in index[$0] == nil }) {
      guard let lock = FeatureLock(entry.folder, shouldStop: shouldStop, note: note) else {
        return nil
      }
      defer { lock.release() }
      // Another program may have encoded them, or removed the entry, while this one waited.
      try AtomicFile.ensureFolder(entry.folder)
      manifest = try entry.open(description, for: distinct, executor: executor, note: note)
      entry.removePartials(isAlone: lock.isHeld)
      let stored = manifest.index
      var seen: Set<FeatureShard.Image> = []
      let missing = wanted.indices.filter {
        stored[wanted[$0]] == nil && seen.insert(wanted[$0]).inserted
      }
      let work = FeatureWork(
        media: media, precision: description.precision, maker: maker,
        rows: min(missing.count, Self.shardImages),
        progress: ProgressCounter(total: missing.count, report: progress))
      for first in stride(from: 0, to: missing.count, by: Self.shardImages) {
        let chosen = Array(missing[first..<min(first + Self.shardImages, missing.count)])
        let groups = stride(from: 0, to: chosen.count, by: batch).map {
          $0..<min($0 + batch, chosen.count)
        }
        let encoded = try executor.map(count: groups.count) { index in
          if shouldStop() { return false }
          try work.encode(chosen[groups[index]], into: groups[index])
          return true
        }
        guard encoded.allSatisfy({ $0 }) else { return nil }
        let shard = FeatureShard(
          images: chosen.map { wanted[$0] }, grid: maker.grid, width: maker.width)
        try entry.append(
          shard, rows: work.rows(chosen.indices), description: description, to: &manifest)
      }
    }
    entry.markUsed()
    return entry.features(of: wanted, manifest, width: maker.width)
  }
}

/// What all groups of media to encode share, and the rows of one shard.
///
/// `@unchecked Sendable`: the rows are written by the one thread that has their group, and read when all
/// groups are done.
private final class FeatureWork: @unchecked Sendable {
  private let media: [Medium]
  private let precision: FeaturePrecision
  private let maker: any FeatureMaker
  private let progress: ProgressCounter
  private let pool = BufferPool()
  /// Features `[image, token, width]` as they are stored.
  private let stored: UnsafeMutableRawBufferPointer
  private let rowBytes: Int

  /// - Parameter rows: the most of a shard.
  init(
    media: [Medium], precision: FeaturePrecision, maker: any FeatureMaker, rows: Int,
    progress: ProgressCounter
  ) {
    self.media = media
    self.precision = precision
    self.maker = maker
    self.progress = progress
    rowBytes = maker.grid.tokens * maker.width * precision.size
    stored = .allocate(byteCount: rows * rowBytes, alignment: 64)
  }

  deinit { stored.deallocate() }

  func rows(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      rebasing: stored[range.lowerBound * rowBytes..<range.upperBound * rowBytes])
  }

  /// One group from files to rows.
  ///
  /// Each image runs alone: the last bits of a product depend on how many rows it has, and an image's
  /// features must not depend on which images came with it. Groups of 8 would be 5 % faster.
  func encode(_ group: ArraySlice<Int>, into rows: Range<Int>) throws {
    let tape = Tape(pool: pool, recordsGradients: false)
    for (index, row) in zip(group, rows) {
      let patches = try maker.patches(of: media[index], on: tape)
      try tape.withValues(patches.tensor) { try store($0, of: media[index], into: row) }
      tape.reset()
      progress.add(1)
    }
  }

  private func store(
    _ values: UnsafeBufferPointer<Float>, of medium: Medium, into row: Int
  ) throws(FeatureStoreError) {
    guard FloatFormats.areFinite(values) else {
      let value = values.first { !$0.isFinite } ?? .nan
      throw FeatureStoreError(
        description: "The encoder (\(maker.name)) gives \(value) for the image \(medium.id).")
    }
    let place = UnsafeMutableRawBufferPointer(
      rebasing: stored[row * rowBytes..<(row + 1) * rowBytes])
    switch precision {
    case .float32: place.copyMemory(from: UnsafeRawBufferPointer(values))
    case .float16:
      guard !FloatFormats.convertToHalf(values, into: place.bindMemory(to: UInt16.self)) else {
        throw FeatureStoreError(
          description: "The encoder's features exceed 65504, the largest float16. "
            + "Set encoder.precision to float32.")
      }
    }
  }
}

/// Counts finished images over threads.
private final class ProgressCounter: Sendable {
  private let total: Int
  private let report: @Sendable (Int, Int) -> Void
  private let done = Atomic<Int>(0)

  init(total: Int, report: @escaping @Sendable (Int, Int) -> Void) {
    self.total = total
    self.report = report
  }

  func add(_ images: Int) { report(done.wrappingAdd(images, ordering: .relaxed).newValue, total) }
}

/// Lets one program at a time write an entry.
///
/// Where the disk knows no locks there is none: then two programs may encode the same images, and the
/// digests tell whose shards stayed.
struct FeatureLock {
  private let descriptor: Int32
  /// Whether the disk knows locks and this is one.
  let isHeld: Bool

  /// Waits until no other program holds it; nil when stopped.
  init?(_ folder: URL, shouldStop: () -> Bool, note: (String) -> Void) {
    let path = folder.appending(path: ".lock").path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    var isWaiting = false
    while true {
      let isLocked = descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0
      guard !isLocked, descriptor >= 0, errno == EWOULDBLOCK else {
        isHeld = isLocked
        return
      }
      if !isWaiting { note("Another program writes these features: waiting for it.") }
      isWaiting = true
      if shouldStop() {
        close(descriptor)
        return nil
      }
      usleep(100_000)
    }
  }

  func release() { if descriptor >= 0 { close(descriptor) } }
}

extension FeatureEntry {
  /// Sets the folder's time, which tells when the entry was last used.
  func markUsed() { utimes(folder.path, nil) }

  /// Removes what killed writers left: all of it when no other program can be writing.
  func removePartials(isAlone: Bool) {
    guard isAlone else { return AtomicFile.removePartials(in: folder) }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where name.hasSuffix(".partial") {
      try? FileManager.default.removeItem(at: folder.appending(path: name))
    }
  }
}
