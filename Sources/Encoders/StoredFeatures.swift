import Configuration
import Layers
import Storage
import Synchronization
import Tensors

/// The features of some media where they lie: shards of a store, or a file of another tool.
///
/// One medium's `[tokens, width]` is read when it is asked for, so memory does not grow with the data
/// set. Any thread may read.
public struct StoredFeatures: Sendable {
  /// Where one medium's features are.
  struct Place: Sendable {
    let id: Identifier
    let file: Int
    let row: Int
    let grid: PatchGrid
  }

  /// D.
  public let width: Int
  /// XXH3-128 of each medium's content, in the order asked for; empty for features of unknown content.
  public let imageDigests: [String]
  private let places: [Place]
  private let files: OpenFeatureFiles
  private let computed: ComputedStatistics

  /// How many media there are.
  public var count: Int { places.count }

  init(
    width: Int, places: [Place], imageDigests: [String] = [],
    open: @escaping @Sendable (_ file: Int) throws -> OpenFeatureFile
  ) {
    self.width = width
    self.places = places
    self.imageDigests = imageDigests
    files = OpenFeatureFiles(open: open)
    computed = ComputedStatistics()
  }

  public func id(of index: Int) -> Identifier { places[index].id }

  public func grid(of index: Int) -> PatchGrid { places[index].grid }

  /// Writes one medium's features, `[tokens, width]`; float16 becomes float32.
  ///
  /// - Precondition: the buffer has room for exactly these.
  /// - Throws: `HDF5Error`; ``FeatureStoreError`` for a file that holds others than it should.
  public func read(_ index: Int, into values: UnsafeMutableBufferPointer<Float>) throws {
    let place = places[index]
    try files.file(place.file).rows.readRows(first: place.row, count: 1, into: values)
  }

  /// One medium's features, `[tokens, width]`.
  public func values(_ index: Int) throws -> [Float] {
    let count = places[index].grid.tokens * width
    return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      try read(index, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
  }

  /// The features of media as a projector takes them, in the order given; one may be named twice.
  public func patches(of media: [Int], on tape: Tape) throws -> Patches {
    let grids = media.map { places[$0].grid }
    let rows = grids.reduce(0) { $0 + $1.tokens }
    let tensor = try tape.tensor(rows: rows, width: width) { target in
      var first = 0
      for (index, grid) in zip(media, grids) {
        let end = first + grid.tokens * width
        try read(index, into: UnsafeMutableBufferPointer(rebasing: target[first..<end]))
        first = end
      }
    }
    return Patches(tensor, grids: grids)
  }

  /// What the numbers are like; every medium is read, one at a time, when first asked for.
  ///
  /// - Throws: ``FeatureStoreError`` that names the first medium whose features are not all finite.
  public func statistics() throws -> FeatureStatistics {
    try computed.value {
      // In the files' order, so that a chunk of several images is read once.
      let order = places.indices.sorted {
        (places[$0].file, places[$0].row) < (places[$1].file, places[$1].row)
      }
      var statistics = FeatureStatistics()
      for index in order {
        guard statistics.add(try values(index)) else {
          throw FeatureStoreError(
            description: "\(try files.file(places[index].file).path): the features of the image "
              + "\(places[index].id) are not all finite.")
        }
      }
      return statistics
    }
  }
}

/// What the numbers of some media's features are like, for the checks before a run.
public struct FeatureStatistics: Sendable, Equatable {
  /// How many numbers were read.
  public private(set) var count = 0
  public private(set) var minimum = Float.infinity
  public private(set) var maximum = -Float.infinity
  /// Whether some medium differs from another: if not, no projector can tell them apart.
  public private(set) var mediaDiffer = false
  private var sum = 0.0
  private var sumOfSquares = 0.0
  private var firstDigest: String?

  public var mean: Double { count > 0 ? sum / Double(count) : 0 }
  public var rootMeanSquare: Double {
    count > 0 ? (sumOfSquares / Double(count)).squareRoot() : 0
  }
  /// Whether all numbers are one and the same.
  public var isConstant: Bool { count > 0 && minimum == maximum }

  /// - Returns: false, and nothing is added, if some number is not finite.
  mutating func add(_ values: [Float]) -> Bool {
    var (low, high) = (Float.infinity, -Float.infinity)
    var (sum, squares) = (0.0, 0.0)
    for value in values {
      guard value.isFinite else { return false }
      low = min(low, value)
      high = max(high, value)
      sum += Double(value)
      squares += Double(value) * Double(value)
    }
    count += values.count
    minimum = min(minimum, low)
    maximum = max(maximum, high)
    self.sum += sum
    sumOfSquares += squares
    let digest = values.withUnsafeBytes { Digest.of($0) }
    mediaDiffer = mediaDiffer || firstDigest.map { $0 != digest } ?? false
    firstDigest = firstDigest ?? digest
    return true
  }
}

/// One statistics for all copies of the value that they belong to.
private final class ComputedStatistics: Sendable {
  private let computed = Mutex<FeatureStatistics?>(nil)

  func value(_ compute: () throws -> FeatureStatistics) throws -> FeatureStatistics {
    try computed.withLock { computed in
      if let computed { return computed }
      let statistics = try compute()
      computed = statistics
      return statistics
    }
  }
}

/// A file of features that stays open.
final class OpenFeatureFile: Sendable {
  let path: String
  let rows: HDF5RowReader

  init(path: String, rows: consuming HDF5RowReader) {
    self.path = path
    self.rows = rows
  }
}

/// The files that were read last: at most 64, so that neither memory nor open files grow with their number.
private final class OpenFeatureFiles: Sendable {
  private static let limit = 64
  private let open: @Sendable (Int) throws -> OpenFeatureFile
  /// The one used last at the end.
  private let files = Mutex<[(number: Int, file: OpenFeatureFile)]>([])

  init(open: @escaping @Sendable (Int) throws -> OpenFeatureFile) { self.open = open }

  func file(_ number: Int) throws -> OpenFeatureFile {
    try files.withLock { files in
      if let place = files.lastIndex(where: { $0.number == number }) {
        let found = files.remove(at: place)
        files.append(found)
        return found.file
      }
      let file = try open(number)
      if files.count == Self.limit { files.removeFirst() }
      files.append((number, file))
      return file
    }
  }
}
