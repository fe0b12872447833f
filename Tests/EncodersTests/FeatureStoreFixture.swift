import Configuration
import Datasets
import Foundation
import Layers
import Storage
import Synchronization
import Tensors
import Testing

@testable import Encoders

/// A store in a fresh folder, an encoder with random weights, and images in files.
final class FeatureStoreFixture: Sendable {
  static let side = 16
  let root: URL
  let store: FeatureStore
  let encoder: SmallEncoder
  let processor = ImageProcessor(
    outputWidth: side, outputHeight: side, resize: nil, cropsToOutput: false,
    mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
  let description: FeatureDescription

  init(precision: FeaturePrecision = .float32) throws {
    root = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "dragoman-encoders-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    store = FeatureStore(cache: root.appending(path: "cache"))
    var config = SmallEncoderConfig()
    config.width = 24
    config.layers = 1
    config.patch = 4
    encoder = try SmallEncoder(
      config, input: .square(Self.side),
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 5)))
    description = FeatureDescription(
      encoder: "SmallEncoder", encoderDigest: "5", preprocessing: processor.description,
      layer: .last, classToken: false, precision: precision)
  }

  deinit { try? FileManager.default.removeItem(at: root) }

  var entry: URL { store.folder.appending(path: description.key) }
  /// The first that the manifest lists.
  var shard: URL {
    get throws {
      let manifest = try #require(try FeatureEntry(folder: entry).storedManifest())
      return entry.appending(path: try #require(manifest.shards.first).file)
    }
  }

  /// The names in the entry's folder, hidden ones too; a shard's digest left out.
  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: entry.path)) ?? []).map {
      $0.replacing(/^shard-[0-9a-f]{32}\.h5$/, with: "shard.h5")
    }.sorted()
  }

  /// A picture of one colour and a diagonal, the same for the same number.
  static func picture(_ number: Int) -> RGBImage {
    let pixels = (0..<side * side * 3).map { place in
      let (row, column) = (place / 3 / side, place / 3 % side)
      return row == column ? 255 : UInt8((number * 37 + place % 3 * 91 + row * 5) % 256)
    }
    return RGBImage(width: side, height: side, pixels: pixels)
  }

  /// PNG files of these numbers; the image's id is its number.
  func images(_ numbers: Range<Int>) throws -> [Medium] {
    try numbers.map { try image("\($0)", Self.picture($0)) }
  }

  func image(_ id: String, _ picture: RGBImage, folder: String = "images") throws -> Medium {
    let folder = root.appending(path: folder)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let url = folder.appending(path: "\(id).png")
    try picture.writePNG(to: url)
    return Medium(id: Identifier(id), source: .file(url))
  }

  /// What a call did.
  struct Outcome {
    let table: StoredFeatures?
    /// Images that were encoded.
    let encoded: Int
    let notes: [String]
  }

  func features(
    of images: [Medium], encoder: (any VisionEncoder)? = nil, batch: Int = 3,
    threads: Int = 2, stopAfter: Int = .max
  ) throws -> Outcome {
    let log = Log()
    let table = try store.features(
      of: images, description: description, encoder: encoder ?? self.encoder,
      processor: processor, batch: batch, executor: LaneExecutor(threads: threads),
      progress: { done, _ in log.raise(to: done) },
      shouldStop: { log.encoded >= stopAfter }, note: { log.add($0) })
    return Outcome(table: table, encoded: log.encoded, notes: log.notes)
  }

  /// One image's features, without the store.
  func reference(_ image: Medium) throws -> [Float] {
    let tape = Tape(recordsGradients: false)
    let patches = encoder.patches(
      of: [try processor.pixels(of: image)], layer: .last, classToken: false,
      in: Context(tape: tape))
    return tape.values(patches.tensor)
  }

  /// Flips one bit in the middle of a file.
  func damage(_ url: URL) throws {
    var bytes = try Data(contentsOf: url)
    bytes[bytes.count / 2] ^= 4
    try bytes.write(to: url)
  }
}

extension FeatureEntry {
  /// Lists a shard of float32 rows.
  func append(
    _ shard: FeatureShard, values: [Float], description: FeatureDescription,
    to manifest: inout FeatureManifest
  ) throws {
    try values.withUnsafeBytes {
      try append(shard, rows: $0, description: description, to: &manifest)
    }
  }

  func open(
    _ description: FeatureDescription, for images: [FeatureShard.Image]
  ) throws -> FeatureManifest {
    try open(
      description, for: Set(images), executor: LaneExecutor(threads: 2), note: { _ in })
  }
}

extension StoredFeatures {
  var allValues: [[Float]] { get throws { try (0..<count).map(values) } }
}

private final class Log: Sendable {
  private let state = Mutex<(encoded: Int, notes: [String])>((0, []))
  var encoded: Int { state.withLock { $0.encoded } }
  var notes: [String] { state.withLock { $0.notes } }
  func raise(to count: Int) { state.withLock { $0.encoded = max($0.encoded, count) } }
  func add(_ note: String) { state.withLock { $0.notes.append(note) } }
}

/// Multiplies an encoder's features, to make them too large or not finite.
struct LoudEncoder: VisionEncoder {
  let base: SmallEncoder
  let factor: Float
  var parameters: [Parameter] { base.parameters }
  var width: Int { base.width }
  var patchSize: Int { base.patchSize }
  var layerCount: Int { base.layerCount }
  var leadingTokens: Int { base.leadingTokens }

  func hidden(
    _ images: [ImageBatch], depth: Int, finalNorm: Bool, in context: Context
  ) -> Rows {
    let rows = base.hidden(images, depth: depth, finalNorm: finalNorm, in: context)
    return rows.with(context.tape.scale(rows.tensor, by: factor))
  }

  func parameters(depth: Int, finalNorm: Bool) -> [Parameter] {
    base.parameters(depth: depth, finalNorm: finalNorm)
  }

  func forwardFLOPs(height: Int, width: Int, depth: Int) -> Double {
    base.forwardFLOPs(height: height, width: width, depth: depth)
  }

  func copied(prefix: String) throws -> Self {
    Self(base: try base.copied(prefix: prefix), factor: factor)
  }
}
