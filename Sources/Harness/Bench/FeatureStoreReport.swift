import Configuration
import Datasets
import Encoders
import Foundation
import Layers
import Reports
import Storage
import Tensors

/// What `dragoman bench features` prints: bytes of features a second into the store and out of it, beside
/// those of a plain file in the same folder.
public struct FeatureStoreReport: Encodable, Sendable {
  /// Sizes of the features.
  public struct Sizes: Sendable {
    public var bytes = 1 << 30
    public var tokens = 256
    public var width = 384
    /// Stored as float16.
    public var isHalf = false

    public init() {}
  }

  public var folder: String
  public var precision: String
  public var images: Int
  public var tokens: Int
  public var width: Int
  /// Of the features as they are stored.
  public var bytes: Int
  public var threads: Int
  /// Stored bytes a second: numbers to finished shards, digests taken, synchronised to the disk.
  public var written: Double
  /// The same of a plain file, and of one that is left to the page cache.
  public var plainWritten: Double
  public var plainCached: Double
  /// Stored bytes a second from shards to float32 on a tape, as training reads them.
  public var read: Double
  /// The same with the digest of every shard taken first: the first time that a run meets them.
  public var firstRead: Double
  public var plainRead: Double

  /// Writes and reads features and a plain file by turns; everything is removed again.
  ///
  /// - Parameters:
  ///   - folder: on the disk to measure; `/dev/shm` shows what is left of the page cache's speed.
  ///   - rounds: of which the middle one is told.
  ///   - threads: of the store; the plain file has one.
  /// - Throws: `FileError` or `HDF5Error`, on a full disk for one.
  public init(_ sizes: Sizes, folder: URL, rounds: Int, threads: Int) throws {
    let maker = MadeUpFeatures(tokens: sizes.tokens, width: sizes.width)
    let precision = sizes.isHalf ? FeaturePrecision.float16 : .float32
    let row = sizes.tokens * sizes.width * (sizes.isHalf ? 2 : 4)
    let count = max(1, sizes.bytes / row)
    let own = folder.appending(path: "dragoman-bench-\(UUID().uuidString)")
    try AtomicFile.ensureFolder(own)
    defer { try? FileManager.default.removeItem(at: own) }
    let turn = BenchmarkTurn(
      store: FeatureStore(cache: own), maker: maker, plain: own.appending(path: "plain"),
      precision: precision, images: count, rowBytes: row,
      executor: LaneExecutor(threads: threads))
    var seconds = BenchmarkTurn.Seconds()
    for _ in 0..<rounds { try turn.run(into: &seconds) }
    self.folder = folder.path
    images = count
    self.precision = precision.rawValue
    tokens = sizes.tokens
    width = sizes.width
    bytes = count * row
    self.threads = threads
    func rate(_ seconds: [Double]) -> Double { Double(count * row) / seconds.median }
    written = rate(seconds.written)
    plainWritten = rate(seconds.plainWritten)
    plainCached = rate(seconds.plainCached)
    read = rate(seconds.read)
    firstRead = rate(seconds.firstRead)
    plainRead = rate(seconds.plainRead)
  }

  public var text: String {
    var lines = LabelledLines()
    func amount(_ rate: Double) -> String { NumberFormat.amount(rate, "B/s") }
    lines.add(
      "written",
      "\(amount(written)); a plain file \(amount(plainWritten)), "
        + "\(amount(plainCached)) before it is on the disk")
    lines.add(
      "read",
      "\(amount(read)); the first time \(amount(firstRead)); a plain file "
        + amount(plainRead))
    return "Feature store in \(folder):\n"
      + "\(images) images, \(tokens) tokens × \(width) in \(precision), "
      + "\(NumberFormat.bytes(bytes)); \(threads) threads\n" + lines.text
  }
}

/// One round of writing and reading, files and store by turns.
private struct BenchmarkTurn {
  /// Of each round.
  struct Seconds {
    var written: [Double] = []
    var plainWritten: [Double] = []
    var plainCached: [Double] = []
    var read: [Double] = []
    var firstRead: [Double] = []
    var plainRead: [Double] = []
  }

  let store: FeatureStore
  let maker: MadeUpFeatures
  let plain: URL
  let precision: FeaturePrecision
  let images: Int
  let rowBytes: Int
  let executor: LaneExecutor
  let pool = BufferPool()

  func run(into seconds: inout Seconds) throws {
    try? FileManager.default.removeItem(at: store.folder)
    try writePlain(into: &seconds)
    seconds.plainRead.append(try readPlain())
    try FileManager.default.removeItem(at: plain)
    var watch = Stopwatch()
    _ = try features()
    seconds.written.append(watch.seconds)
    watch = Stopwatch()
    try readAll(try features())
    seconds.read.append(watch.seconds)
    for entry in try store.list() {
      try? FileManager.default.removeItem(at: entry.folder.appending(path: "verified.json"))
    }
    watch = Stopwatch()
    try readAll(try features())
    seconds.firstRead.append(watch.seconds)
  }

  /// Written if they are not there.
  private func features() throws -> StoredFeatures {
    let pixel = RGBImage(width: 1, height: 1, pixels: [0, 0, 0])
    let description = FeatureDescription(
      encoder: maker.name, encoderDigest: "", preprocessing: "", layer: .last, classToken: false,
      precision: precision)
    let features = try store.features(
      of: (0..<images).map { Medium(id: Identifier("\($0)"), source: .drawn(pixel)) },
      description: description, maker: maker, batch: 8, executor: executor,
      progress: { _, _ in }, shouldStop: { false })
    guard let features else { throw BenchmarkError(description: "the benchmark was stopped") }
    return features
  }

  private func readAll(_ features: StoredFeatures) throws {
    let groups = (images + 7) / 8
    _ = try executor.map(count: groups) { group in
      let tape = Tape(pool: pool, recordsGradients: false)
      _ = try features.patches(of: Array(group * 8..<min(images, group * 8 + 8)), on: tape)
      tape.reset()
    }
  }

  private func writePlain(into seconds: inout Seconds) throws {
    let row = [UInt8](repeating: 1, count: rowBytes)
    let descriptor = open(plain.path, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
    guard descriptor >= 0 else { throw failure(.write) }
    defer { close(descriptor) }
    let watch = Stopwatch()
    for _ in 0..<images {
      guard write(descriptor, row, rowBytes) == rowBytes else { throw failure(.write) }
    }
    seconds.plainCached.append(watch.seconds)
    guard fsync(descriptor) == 0 else { throw failure(.write) }
    seconds.plainWritten.append(watch.seconds)
  }

  private func readPlain() throws -> Double {
    var row = [UInt8](repeating: 0, count: rowBytes)
    let descriptor = open(plain.path, O_RDONLY)
    guard descriptor >= 0 else { throw failure(.read) }
    defer { close(descriptor) }
    let watch = Stopwatch()
    for _ in 0..<images {
      guard read(descriptor, &row, rowBytes) == rowBytes else { throw failure(.read) }
    }
    return watch.seconds
  }

  private func failure(_ operation: FileError.Operation) -> FileError {
    FileError(
      path: plain.path, operation: operation, cause: String(cString: strerror(errno)))
  }
}

/// Features that cost no more than a copy.
private struct MadeUpFeatures: FeatureMaker {
  let name = "made-up features"
  let width: Int
  let grid: PatchGrid
  private let values: [Float]

  init(tokens: Int, width: Int) {
    self.width = width
    grid = .sequence(tokens)
    var values = [Float](repeating: 0, count: tokens * width)
    values.withUnsafeMutableBufferPointer {
      RandomStream.fillNormal($0, key: RandomKey(seed: 0).named("features"), deviation: 1)
    }
    self.values = values
  }

  func patches(of medium: Medium, on tape: Tape) -> Patches {
    let tensor = tape.tensor(rows: grid.tokens, width: width) {
      _ = $0.update(fromContentsOf: values)
      $0[0] = Float(medium.id.text) ?? 0
    }
    return Patches(tensor, grids: [grid])
  }
}
