import Datasets
import Foundation
import Layers
import Storage
import Tensors

/// Everything that decides the numbers of a feature, in words; its digest is the entry's key.
public struct FeatureDescription: Sendable, Equatable {
  /// The encoder's class and size, for people.
  public var encoder: String
  /// Digest of its weights and configuration.
  public var encoderDigest: String
  public var preprocessing: String
  public var layer: EncoderLayer
  public var classToken: Bool
  public var precision: FeaturePrecision

  public init(
    encoder: String, encoderDigest: String, preprocessing: String, layer: EncoderLayer,
    classToken: Bool, precision: FeaturePrecision
  ) {
    self.encoder = encoder
    self.encoderDigest = encoderDigest
    self.preprocessing = preprocessing
    self.layer = layer
    self.classToken = classToken
    self.precision = precision
  }

  static let formatVersion = 1

  /// Attributes of every shard.
  var attributes: [(String, String)] {
    let layer =
      switch layer {
      case .last: "last"
      case .hiddenState(let index): String(index)
      }
    return [
      ("encoder", encoder), ("encoder_digest", encoderDigest), ("preprocessing", preprocessing),
      ("layer", layer), ("class_token", String(classToken)), ("precision", precision.rawValue),
      ("format_version", String(Self.formatVersion)),
    ]
  }

  /// XXH3-128 of all of it.
  public var key: String {
    var hasher = DigestHasher()
    for (name, value) in attributes where name != "encoder" {
      hasher.update(field: name, value)
    }
    return hasher.finalize()
  }
}

/// The features of some images in memory, in the order they were asked for.
///
/// Holds images · tokens · width float32 values: 315 MB for 800 images of 256 × 384.
public struct FeatureTable: Sendable {
  public let tokens: Int
  public let width: Int
  public let count: Int
  private let values: [Float]

  init(tokens: Int, width: Int, count: Int, values: [Float]) {
    self.tokens = tokens
    self.width = width
    self.count = count
    self.values = values
  }

  /// Writes one image's `[tokens, width]`.
  public func copy(_ image: Int, to target: UnsafeMutableBufferPointer<Float>) {
    let size = tokens * width
    _ = target.update(fromContentsOf: values[image * size..<(image + 1) * size])
  }
}

/// Features of images, written once and read by every arm: one folder an encoder setting, immutable
/// HDF5 shards and a manifest.
///
/// A shard is written under a temporary name, closed, synchronised and renamed; then the manifest that
/// lists it is replaced in one step. An image is in the manifest with all its features or not at all, so a
/// killed writer costs at most one shard.
public struct FeatureStore: Sendable {
  public let folder: URL
  private static let shardImages = 256

  /// - Parameter folder: the cache; entries lie in `features/KEY/`.
  public init(cache folder: URL) { self.folder = folder.appending(path: "features") }

  /// The features of `images`, encoding those that the store lacks.
  ///
  /// - Parameters:
  ///   - batch: images encoded together on one thread; part of the bits.
  ///   - progress: images done and images to encode.
  ///   - shouldStop: asked between groups.
  /// - Returns: nil when stopped; what was encoded in whole shards is kept.
  /// - Throws: `ImageError` for an image that can't be read, `FileError` or `HDF5Error` for the store.
  public func features(
    of images: [CaptionedImage], description: FeatureDescription, encoder: any VisionEncoder,
    processor: ImageProcessor, batch: Int, executor: LaneExecutor,
    progress: @escaping @Sendable (Int, Int) -> Void, shouldStop: @Sendable () -> Bool
  ) throws -> FeatureTable? {
    let entry = FeatureEntry(folder: folder.appending(path: description.key))
    var manifest = try entry.open(description)
    let digests = try executor.map(count: images.count) { try images[$0].digest() }
    let stored = manifest.index
    let missing = images.indices.filter {
      stored[images[$0].id]?.digest != digests[$0]
    }
    var done = 0
    let tokens = encoder.featureTokens(processor, classToken: description.classToken)
    let pool = BufferPool()
    for first in stride(from: 0, to: missing.count, by: Self.shardImages) {
      let chosen = Array(missing[first..<min(first + Self.shardImages, missing.count)])
      let groups = stride(from: 0, to: chosen.count, by: batch).map {
        Array(chosen[$0..<min($0 + batch, chosen.count)])
      }
      let counter = ProgressCounter(done: done, total: missing.count, report: progress)
      let encoded = try executor.map(count: groups.count) { index -> [Float]? in
        guard !shouldStop() else { return nil }
        let values = try encoder.encode(
          groups[index].map { images[$0] }, processor: processor, layer: description.layer,
          classToken: description.classToken, pool: pool)
        counter.add(groups[index].count)
        return values
      }
      guard !encoded.contains(where: { $0 == nil }) else { return nil }
      done += chosen.count
      let shard = FeatureShard(
        images: chosen.map { FeatureShard.Image(id: images[$0].id, digest: digests[$0]) },
        tokens: tokens, width: encoder.width)
      try entry.append(
        shard, values: encoded.compactMap { $0 }.flatMap { $0 }, description: description,
        to: &manifest)
    }
    return try entry.table(of: images.map(\.id), manifest, tokens: tokens, width: encoder.width)
  }
}

/// Counts finished images over threads.
private final class ProgressCounter: Sendable {
  private let done: Int
  private let total: Int
  private let report: @Sendable (Int, Int) -> Void
  private let count = Counter()

  init(done: Int, total: Int, report: @escaping @Sendable (Int, Int) -> Void) {
    self.done = done
    self.total = total
    self.report = report
  }

  func add(_ images: Int) { report(done + count.add(images), total) }
}

extension CaptionedImage {
  /// XXH3-128 of the file's bytes or of the drawn pixels.
  public func digest() throws -> String {
    switch source {
    case .file(let url): try Digest.ofFile(url)
    case .generated(let image): Digest.of(image.pixels)
    }
  }
}

extension VisionEncoder {
  func featureTokens(_ processor: ImageProcessor, classToken: Bool) -> Int {
    tokens(height: processor.outputHeight, width: processor.outputWidth)
      - (classToken ? 0 : leadingTokens)
  }

  /// One group of images from files to features `[image, token, width]`.
  func encode(
    _ images: [CaptionedImage], processor: ImageProcessor, layer: EncoderLayer, classToken: Bool,
    pool: BufferPool
  ) throws -> [Float] {
    let tape = Tape(pool: pool, recordsGradients: false)
    let size = 3 * processor.outputHeight * processor.outputWidth
    let decoded = try images.map { processor(try $0.image()) }
    let pixels = tape.tensor(rows: images.count, width: size) { values in
      for (index, image) in decoded.enumerated() {
        let range = index * size..<(index + 1) * size
        _ = UnsafeMutableBufferPointer(rebasing: values[range]).update(fromContentsOf: image)
      }
    }
    let batch = ImageBatch(
      pixels, height: processor.outputHeight, width: processor.outputWidth)
    let rows = features(batch, layer: layer, classToken: classToken, in: Context(tape: tape))
    return tape.values(rows.tensor)
  }
}
