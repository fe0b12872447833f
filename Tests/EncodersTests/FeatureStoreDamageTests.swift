import Configuration
import Datasets
import Foundation
import Layers
import Storage
import Synchronization
import Testing

@testable import Encoders

@Suite struct FeatureStoreDamageTests {
  private let fixture: FeatureStoreFixture
  private let images: [Medium]

  init() throws {
    fixture = try FeatureStoreFixture()
    images = try fixture.images(0..<6)
  }

  @Test func damagedShardIsEncodedAgain() throws {
    let before = try fixture.features(of: images)
    let shard = try fixture.shard
    try fixture.damage(shard)
    let problems = try fixture.store.verify()
    #expect(
      problems.map(\.description) == [
        "\(shard.path) is damaged. Its images are encoded again when they are needed."
      ])
    let after = try fixture.features(of: images)
    #expect(after.encoded == 6)
    #expect(after.notes == problems.map(\.description))
    #expect(try after.table?.allValues == before.table?.allValues)
    #expect(try fixture.store.verify() == [])
    #expect(fixture.names == [".lock", "manifest.json", "shard.h5", "verified.json"])
  }

  @Test func missingShardIsEncodedAgain() throws {
    _ = try fixture.features(of: Array(images[..<2]))
    _ = try fixture.features(of: images)
    let gone = try fixture.shard
    try FileManager.default.removeItem(at: gone)
    #expect(try fixture.store.verify().map(\.description).first?.contains("is gone") == true)
    let after = try fixture.features(of: images)
    #expect(after.encoded == 2)
    #expect(try fixture.store.verify() == [])
  }

  @Test(arguments: [0, 1, 100])
  func truncatedShardIsEncodedAgain(left: Int) throws {
    _ = try fixture.features(of: images)
    try Data(contentsOf: try fixture.shard).prefix(left).write(to: try fixture.shard)
    #expect(try fixture.features(of: images).encoded == 6)
  }

  @Test func damageThatNobodyAsksForIsLeft() throws {
    _ = try fixture.features(of: Array(images[..<2]))
    _ = try fixture.features(of: images)
    try fixture.damage(try fixture.shard)
    let outcome = try fixture.features(of: Array(images[2...]))
    #expect(outcome.encoded == 0 && outcome.notes == [])
  }

  @Test func damagedManifestIsMadeAgain() throws {
    _ = try fixture.features(of: images)
    let manifest = fixture.entry.appending(path: "manifest.json")
    try Data("{\"shards\": [".utf8).write(to: manifest)
    let expected = "\(manifest.path) is damaged. Its images will be encoded again."
    #expect(try fixture.store.verify().map(\.description) == [expected])
    let after = try fixture.features(of: images)
    #expect(after.encoded == 6 && after.notes == [expected])
    #expect(try fixture.store.verify() == [])
  }

  /// A writer killed between a shard's last step and the manifest's.
  @Test func shardThatNoManifestListsIsReplaced() throws {
    _ = try fixture.features(of: images)
    try FileManager.default.removeItem(at: fixture.entry.appending(path: "manifest.json"))
    #expect(try fixture.features(of: images).encoded == 6)
    #expect(try fixture.store.verify() == [])
  }

  @Test func filesOfKilledWritersAreRemoved() throws {
    try FileManager.default.createDirectory(at: fixture.entry, withIntermediateDirectories: true)
    // One of a process that is gone, one of a number that another process has by now.
    for process in [999_999_999, 1] {
      try Data("half".utf8).write(
        to: fixture.entry.appending(path: ".shard-0000.h5.\(process)-1.partial"))
    }
    _ = try fixture.features(of: images)
    #expect(fixture.names == [".lock", "manifest.json", "shard.h5", "verified.json"])
  }

  @Test func unchangedShardIsNotReadTwice() throws {
    _ = try fixture.features(of: images)
    let path = try fixture.shard.path
    let times = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
    // One bit of the last image's features, where neither size, time nor inode tell.
    let handle = try FileHandle(forUpdating: try fixture.shard)
    let bytes = try Data(contentsOf: try fixture.shard)
    let place = UInt64(bytes.count / 2)
    try handle.seek(toOffset: place)
    try handle.write(contentsOf: [bytes[Int(place)] ^ 1])
    try handle.close()
    try restore(times, path)
    #expect(try fixture.features(of: images).encoded == 0)
    #expect(try fixture.store.verify().count == 1)
    // Without its memory the digest is taken, and tells.
    try FileManager.default.removeItem(at: fixture.entry.appending(path: "verified.json"))
    #expect(try fixture.features(of: images).encoded == 6)
  }

  /// Sets a file's time back to the nanosecond, as `verified.json` remembers it.
  private func restore(_ time: Any?, _ path: String) throws {
    let url = fixture.entry.appending(path: "verified.json")
    let text = try String(contentsOf: url, encoding: .utf8)
    func number(_ key: String) throws -> Int {
      let match = try #require(text.range(of: "\"\(key)\":"))
      return try #require(Int(text[match.upperBound...].prefix { $0.isNumber }))
    }
    var times = [
      timespec(tv_sec: try number("modifiedSeconds"), tv_nsec: try number("modifiedNanoseconds")),
      timespec(tv_sec: try number("modifiedSeconds"), tv_nsec: try number("modifiedNanoseconds")),
    ]
    #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
  }

  @Test func failedWriteLeavesNothing() throws {
    // A folder where the shard should be: the rename fails, as on a disk that has gone.
    let other = try FeatureStoreFixture()
    _ = try other.features(of: images)
    let name = try other.shard.lastPathComponent
    try FileManager.default.createDirectory(
      at: fixture.entry.appending(path: name).appending(path: "in the way"),
      withIntermediateDirectories: true)
    #expect(throws: FileError.self) { try fixture.features(of: images) }
    #expect(fixture.names == [".lock", "shard.h5"])
  }

  @Test func secondProgramWaitsForTheFirst() async throws {
    try FileManager.default.createDirectory(at: fixture.entry, withIntermediateDirectories: true)
    let lock = try #require(FeatureLock(fixture.entry, shouldStop: { true }, note: { _ in }))
    let stopped = try fixture.features(of: images, stopAfter: 0)
    #expect(stopped.table == nil)
    #expect(stopped.notes == ["Another program writes these features: waiting for it."])

    let fixture = fixture
    let images = images
    let waiting = Task.detached { try fixture.features(of: images).encoded }
    try await Task.sleep(for: .milliseconds(150))
    lock.release()
    #expect(try await waiting.value == 6)
  }

  @Test func twoProgramsEncodeEachImageOnce() async throws {
    let fixture = fixture
    let images = images
    async let first = Task.detached { try fixture.features(of: images).encoded }.value
    async let second = Task.detached { try fixture.features(of: images).encoded }.value
    #expect(try await first + second == 6)
    #expect(try fixture.store.verify() == [])
  }

  @Test func listTellsWhatIsThere() throws {
    #expect(try fixture.store.list() == [])
    _ = try fixture.features(of: images)
    let entry = try #require(try fixture.store.list().first)
    #expect(entry.key == fixture.description.key)
    #expect((entry.images, entry.tokens, entry.width) == (6, 16, 24))
    #expect(entry.attributes["encoder"] == "SmallEncoder" && entry.attributes["layer"] == "last")
    #expect(entry.bytes > 6 * 16 * 24 * 4)
    #expect(abs(entry.lastUsed.timeIntervalSinceNow) < 60)
  }

  @Test func pruneRemovesWhatNothingReads() throws {
    _ = try fixture.features(of: images)
    let orphan = fixture.entry.appending(path: "shard-0007.h5")
    try Data("orphan".utf8).write(to: orphan)
    let bare = fixture.store.folder.appending(path: "bare")
    try FileManager.default.createDirectory(at: bare, withIntermediateDirectories: true)
    #expect(try fixture.store.verify().count == 2)
    let (removed, bytes) = try fixture.store.prune()
    #expect(Set(removed.map(\.lastPathComponent)) == ["shard-0007.h5", "bare"])
    #expect(bytes == 6)
    #expect(try fixture.store.verify() == [])
    #expect(try fixture.features(of: images).encoded == 0)
  }

  @Test func pruneRemovesUnwantedEntriesButNoneInUse() throws {
    _ = try fixture.features(of: images)
    let lock = try #require(FeatureLock(fixture.entry, shouldStop: { true }, note: { _ in }))
    #expect(try fixture.store.prune { _ in true }.removed == [])
    lock.release()
    let key = fixture.description.key
    #expect(try fixture.store.prune { $0.key == key }.removed == [fixture.entry])
    #expect(try fixture.store.list() == [])
    #expect(try fixture.features(of: images).encoded == 6)
  }

  @Test("two writers whose disk knows no locks list both their shards")
  func twoWritersWithoutLocks() throws {
    let entry = FeatureEntry(folder: fixture.entry)
    try FileManager.default.createDirectory(at: fixture.entry, withIntermediateDirectories: true)
    let grid = PatchGrid(rows: 2, columns: 1)
    let images = (0..<3).map { FeatureShard.Image(id: Identifier("\($0)"), digest: "d\($0)") }
    // Both have read the manifest before either writes.
    var first = try entry.open(fixture.description, for: images)
    var second = first
    func append(_ image: Int, _ value: Float, to manifest: inout FeatureManifest) throws {
      try entry.append(
        FeatureShard(images: [images[image]], grid: grid, width: 2),
        values: [Float](repeating: value, count: 4), description: fixture.description,
        to: &manifest)
    }
    try append(0, 1, to: &first)
    try append(1, 2, to: &second)
    // The same images with the same features: the same file.
    try append(1, 2, to: &first)
    try append(2, 3, to: &first)
    let manifest = try #require(try entry.storedManifest())
    #expect(Set(manifest.shards.map(\.file)).count == 3 && manifest.shards.count == 3)
    #expect(try fixture.store.verify() == [])
    let opened = try entry.open(fixture.description, for: images)
    let features = entry.features(of: images, opened, width: 2)
    #expect(try features.allValues == [1, 2, 3].map { [$0, $0, $0, $0] })
    #expect(features.grid(of: 2) == grid)
  }

  @Test("a shard that holds other images than the manifest says is refused as it is read")
  func otherImagesAreRefused() throws {
    _ = try fixture.features(of: images)
    let url = fixture.entry.appending(path: "manifest.json")
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(text.contains("\"id\" : \"3\""))
    try text.replacing("\"id\" : \"3\"", with: "\"id\" : \"three\"")
      .write(to: url, atomically: true, encoding: .utf8)
    let renamed = Medium(id: "three", source: images[3].source)
    let outcome = try fixture.features(of: [renamed])
    #expect(outcome.encoded == 0)
    let error = #expect(throws: FeatureStoreError.self) { try outcome.table?.values(0) }
    #expect(error?.description.contains("holds other images than its manifest lists") == true)
    #expect(error?.description.contains(try fixture.shard.path) == true)
  }
}
