import Configuration
import Datasets
import Foundation
import Layers
import Storage
import Tensors
import Testing

@testable import Encoders

@Suite struct FeatureStoreTests {
  private let fixture: FeatureStoreFixture

  init() throws { fixture = try FeatureStoreFixture() }

  @Test func featuresAreTheEncodersAndAreWrittenOnce() throws {
    let images = try fixture.images(0..<7)
    let first = try fixture.features(of: images)
    let table = try #require(first.table)
    #expect(first.encoded == 7)
    #expect((table.count, table.width) == (7, 24))
    #expect(table.grid(of: 6) == PatchGrid(rows: 4, columns: 4))
    for (index, image) in images.enumerated() {
      expectClose(
        try table.values(index), try fixture.reference(image), absolute: 1e-6, relative: 1e-6)
    }
    let again = try fixture.features(of: images)
    #expect(again.encoded == 0)
    #expect(try again.table?.allValues == table.allValues)
    #expect(fixture.names == [".lock", "manifest.json", "shard.h5", "verified.json"])
  }

  @Test func threadsDoNotChangeTheFile() throws {
    let other = try FeatureStoreFixture()
    let images = try fixture.images(0..<11)
    _ = try fixture.features(of: images, threads: 1)
    _ = try other.features(of: images, threads: 2)
    #expect(try Data(contentsOf: fixture.shard) == Data(contentsOf: other.shard))
  }

  /// Five tokens an image: its rows lie at every place of a product's tiles.
  @Test func featuresDoNotDependOnCompany() throws {
    let model = try ViTModel(
      EncoderFixture("vit-tiny").folder, store: ParameterStore(),
      executor: LaneExecutor(threads: 1))
    let images = try fixture.images(0..<9)
    let together = try #require(
      try fixture.features(of: images, encoder: model, batch: 9).table)
    #expect(together.grid(of: 0).tokens == 4)
    let other = try FeatureStoreFixture()
    for (index, image) in images.enumerated() {
      let alone = try #require(try other.features(of: [image], encoder: model).table)
      #expect(try alone.values(0) == together.values(index))
    }
  }

  @Test func keyStaysFromVersionToVersion() {
    let description = FeatureDescription(
      encoder: "Dinov2Model", encoderDigest: "abc", preprocessing: "rgb", layer: .hiddenState(-2),
      classToken: true, precision: .float16)
    #expect(description.key == "1d8b65144ced276b077b16b9ed70f33e")
    var renamed = description
    renamed.encoder = "another name"
    #expect(renamed.key == description.key)
    renamed.layer = .last
    #expect(renamed.key != description.key)
  }

  @Test func onlyMissingImagesAreEncoded() throws {
    _ = try fixture.features(of: fixture.images(3..<6))
    let wider = try fixture.images(0..<9)
    let outcome = try fixture.features(of: wider.reversed() + [wider[4]])
    let table = try #require(outcome.table)
    #expect(outcome.encoded == 6)
    for (index, image) in (wider.reversed() + [wider[4]]).enumerated() {
      expectClose(
        try table.values(index), try fixture.reference(image), absolute: 1e-6, relative: 1e-6)
    }
    #expect(try fixture.features(of: [wider[8], wider[3]]).encoded == 0)
  }

  @Test func manyImagesFillSeveralShards() throws {
    let images = try fixture.images(0..<300)
    #expect(try fixture.features(of: images, batch: 7).encoded == 300)
    #expect(fixture.names.filter { $0.hasSuffix(".h5") } == ["shard.h5", "shard.h5"])
    let table = try #require(try fixture.features(of: [images[299], images[0]]).table)
    expectClose(
      try table.values(0), try fixture.reference(images[299]), absolute: 1e-6, relative: 1e-6)
  }

  @Test func changedImageIsEncodedAgainAndTheOldOneKept() throws {
    var images = try fixture.images(0..<4)
    let before = try #require(try fixture.features(of: images).table)
    images[2] = try fixture.image("2", FeatureStoreFixture.picture(70))
    let outcome = try fixture.features(of: images)
    let after = try #require(outcome.table)
    #expect(outcome.encoded == 1)
    #expect(try after.values(1) == before.values(1))
    expectClose(
      try after.values(2), try fixture.reference(images[2]), absolute: 1e-6, relative: 1e-6)
    images[2] = try fixture.image("2", FeatureStoreFixture.picture(2))
    let back = try fixture.features(of: images)
    #expect(back.encoded == 0)
    #expect(try back.table?.values(2) == before.values(2))
  }

  @Test func dataSetsWithTheSameNamesLiveSideBySide() throws {
    let first = try fixture.images(0..<3)
    let second = try (0..<3).map {
      try fixture.image("\($0)", FeatureStoreFixture.picture($0 + 50), folder: "other")
    }
    #expect(try fixture.features(of: first).encoded == 3)
    #expect(try fixture.features(of: second).encoded == 3)
    let table = try #require(try fixture.features(of: first + second).table)
    for (index, image) in (first + second).enumerated() {
      expectClose(
        try table.values(index), try fixture.reference(image), absolute: 1e-6, relative: 1e-6)
    }
  }

  @Test func drawnImagesAreKnownByTheirPixels() throws {
    func drawn(_ number: Int) -> Medium {
      Medium(id: "scene", source: .drawn(FeatureStoreFixture.picture(number)))
    }
    #expect(try fixture.features(of: [drawn(1)]).encoded == 1)
    #expect(try fixture.features(of: [drawn(1), drawn(2)]).encoded == 1)
  }

  @Test func halfPrecisionRoundsOnceAndForAll() throws {
    let half = try FeatureStoreFixture(precision: .float16)
    let images = try half.images(0..<5)
    let first = try #require(try half.features(of: images).table)
    for (index, image) in images.enumerated() {
      expectClose(
        try first.values(index), try half.reference(image), absolute: 1e-6, relative: 0x1p-11)
      #expect(try first.values(index).allSatisfy { $0 == Float(Float16($0)) })
    }
    #expect(try half.features(of: images).table?.allValues == first.allValues)
    #expect(half.description.key != fixture.description.key)
  }

  @Test func stoppedCallReturnsNothingAndLeavesNoHalfShard() throws {
    let images = try fixture.images(0..<270)
    let stopped = try fixture.features(of: images, threads: 1, stopAfter: 260)
    #expect(stopped.table == nil)
    #expect(fixture.names == [".lock", "manifest.json", "shard.h5", "verified.json"])
    let rest = try fixture.features(of: images)
    #expect(rest.encoded == 14)
    let other = try FeatureStoreFixture()
    let whole = try other.features(of: images)
    #expect(try rest.table?.allValues == whole.table?.allValues)
  }

  @Test func unreadableImageIsNamedAndEarlierShardsAreKept() throws {
    let images = try fixture.images(0..<260)
    guard case .file(let url) = images[258].source else { return }
    let good = try Data(contentsOf: url)
    try good.prefix(60).write(to: url)
    let error = #expect(throws: ImageError.self) { try fixture.features(of: images) }
    #expect(error?.description.contains("258.png") == true)
    try good.write(to: url)
    #expect(try fixture.features(of: images).encoded == 4)
    try FileManager.default.removeItem(at: url)
    let missing = #expect(throws: FileError.self) { try fixture.features(of: images) }
    #expect(missing?.path == url.path)
  }

  @Test func featuresThatAreNotFiniteAreRefused() throws {
    let images = try fixture.images(0..<2)
    let loud = LoudEncoder(base: fixture.encoder, factor: .infinity)
    let error = #expect(throws: FeatureStoreError.self) {
      try fixture.features(of: images, encoder: loud)
    }
    #expect(error?.description.contains("for the image 0") == true)
    #expect(fixture.names == [".lock"])
  }

  @Test func featuresTooLargeForHalfPrecisionAreRefused() throws {
    let half = try FeatureStoreFixture(precision: .float16)
    let loud = LoudEncoder(base: half.encoder, factor: 1e6)
    #expect(
      throws: FeatureStoreError(
        description: "The encoder's features exceed 65504, the largest float16. "
          + "Set encoder.precision to float32.")
    ) { try half.features(of: half.images(0..<2), encoder: loud) }
    #expect(half.names == [".lock"])
  }

  @Test func noImagesGiveNoFeatures() throws {
    let outcome = try fixture.features(of: [])
    #expect(outcome.table?.count == 0)
    #expect(fixture.names == [])
  }

  @Test("contents and names decide the digest of media")
  func digestOfMedia() throws {
    let images = try fixture.images(0..<4)
    let executor = LaneExecutor(threads: 2)
    let digest = try Digest.of(media: images, executor: executor)
    #expect(digest == (try Digest.of(media: images, executor: LaneExecutor(threads: 1))))
    #expect(digest != (try Digest.of(media: images.reversed(), executor: executor)))
    #expect(digest != (try Digest.of(media: Array(images[..<3]), executor: executor)))
    _ = try fixture.image("2", FeatureStoreFixture.picture(9))
    #expect(digest != (try Digest.of(media: images, executor: executor)))
  }

  @Test("patches of media come packed, in the order asked for, one twice")
  func patchesOfMedia() throws {
    let features = try #require(try fixture.features(of: fixture.images(0..<3)).table)
    let tape = Tape()
    let patches = try features.patches(of: [2, 0, 2], on: tape)
    #expect(patches.grids == Array(repeating: PatchGrid(rows: 4, columns: 4), count: 3))
    let (first, last) = (try features.values(2), try features.values(0))
    #expect(tape.values(patches.tensor) == first + last + first)
  }

  @Test("media of other grids live in one entry, each with its own")
  func severalGrids() throws {
    let entry = FeatureEntry(folder: fixture.entry)
    try FileManager.default.createDirectory(at: fixture.entry, withIntermediateDirectories: true)
    var manifest = FeatureManifest(fixture.description)
    let grids = [PatchGrid(rows: 1, columns: 2, leading: 1), PatchGrid(rows: 2, columns: 2)]
    let images = grids.indices.map { FeatureShard.Image(id: Identifier("\($0)"), digest: "") }
    for (image, grid) in zip(images, grids) {
      try entry.append(
        FeatureShard(images: [image], grid: grid, width: 2),
        values: (0..<grid.tokens * 2).map(Float.init), description: fixture.description,
        to: &manifest)
    }
    let features = entry.features(of: images, manifest, width: 2)
    let tape = Tape()
    let patches = try features.patches(of: [1, 0], on: tape)
    #expect(patches.grids == [grids[1], grids[0]] && patches.tensor.rows == 7)
    #expect(tape.values(patches.tensor) == (0..<8).map(Float.init) + (0..<6).map(Float.init))
  }

  /// In a process of its own: other tests of this one take memory too.
  @Test("memory does not grow with the features that are read")
  func memoryStays() async {
    await #expect(processExitsWith: .success) { try FeatureStoreTests.readManyShards() }
  }

  /// 80 shards, 335 MB of features: more than are kept open, and far more than may stay in memory.
  private static func readManyShards() throws {
    let fixture = try FeatureStoreFixture()
    let entry = FeatureEntry(folder: fixture.entry)
    try FileManager.default.createDirectory(at: fixture.entry, withIntermediateDirectories: true)
    var manifest = FeatureManifest(fixture.description)
    let (shards, perShard, grid, width) = (80, 16, PatchGrid(rows: 8, columns: 8), 1024)
    var images: [FeatureShard.Image] = []
    for shard in 0..<shards {
      let own = (0..<perShard).map {
        FeatureShard.Image(id: Identifier("\(shard)-\($0)"), digest: "")
      }
      images += own
      try entry.append(
        FeatureShard(images: own, grid: grid, width: width),
        values: own.indices.flatMap { image in
          [Float](repeating: Float(shard * perShard + image), count: grid.tokens * width)
        }, description: fixture.description, to: &manifest)
    }
    let features = entry.features(of: images, manifest, width: width)
    _ = try features.values(0)
    let before = try residentBytes()
    // Every shard is left and come back to: a prime step through all of them.
    let results = try LaneExecutor(threads: 2).map(count: features.count) { step in
      let index = step * 257 % features.count
      return try features.values(index).allSatisfy { $0 == Float(index) }
    }
    #expect(results.allSatisfy { $0 })
    let grown = try residentBytes() - before
    #expect(grown < 64 << 20, "\(grown) bytes more for \(images.count * grid.tokens * width * 4)")
  }

  private static func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return try #require(Int(text.split(separator: " ")[1])) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
