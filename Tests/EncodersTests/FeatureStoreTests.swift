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
    #expect((table.count, table.tokens, table.width) == (7, 16, 24))
    for (index, image) in images.enumerated() {
      expectClose(
        table.values(index), try fixture.reference(image), absolute: 1e-6, relative: 1e-6)
    }
    let again = try fixture.features(of: images)
    #expect(again.encoded == 0)
    #expect(again.table?.allValues == table.allValues)
    #expect(fixture.names == [".lock", "manifest.json", "shard-0000.h5", "verified.json"])
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
    #expect(together.tokens == 4)
    let other = try FeatureStoreFixture()
    for (index, image) in images.enumerated() {
      let alone = try #require(try other.features(of: [image], encoder: model).table)
      #expect(alone.values(0) == together.values(index))
    }
  }

  @Test func keyStaysFromVersionToVersion() {
    let description = FeatureDescription(
      encoder: "Dinov2Model", encoderDigest: "abc", preprocessing: "rgb", layer: .hiddenState(-2),
      classToken: true, precision: .float16)
    #expect(description.key == "54b60905358da6c03d55e90b7ad7b58d")
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
        table.values(index), try fixture.reference(image), absolute: 1e-6, relative: 1e-6)
    }
    #expect(try fixture.features(of: [wider[8], wider[3]]).encoded == 0)
  }

  @Test func manyImagesFillSeveralShards() throws {
    let images = try fixture.images(0..<300)
    #expect(try fixture.features(of: images, batch: 7).encoded == 300)
    #expect(fixture.names.filter { $0.hasSuffix(".h5") } == ["shard-0000.h5", "shard-0001.h5"])
    let table = try #require(try fixture.features(of: [images[299], images[0]]).table)
    expectClose(
      table.values(0), try fixture.reference(images[299]), absolute: 1e-6, relative: 1e-6)
  }

  @Test func changedImageIsEncodedAgainAndTheOldOneKept() throws {
    var images = try fixture.images(0..<4)
    let before = try #require(try fixture.features(of: images).table)
    images[2] = try fixture.image("2", FeatureStoreFixture.picture(70))
    let outcome = try fixture.features(of: images)
    let after = try #require(outcome.table)
    #expect(outcome.encoded == 1)
    #expect(after.values(1) == before.values(1))
    expectClose(after.values(2), try fixture.reference(images[2]), absolute: 1e-6, relative: 1e-6)
    images[2] = try fixture.image("2", FeatureStoreFixture.picture(2))
    let back = try fixture.features(of: images)
    #expect(back.encoded == 0)
    #expect(back.table?.values(2) == before.values(2))
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
        table.values(index), try fixture.reference(image), absolute: 1e-6, relative: 1e-6)
    }
  }

  @Test func drawnImagesAreKnownByTheirPixels() throws {
    func drawn(_ number: Int) -> CaptionedImage {
      CaptionedImage(
        id: "scene", source: .generated(FeatureStoreFixture.picture(number)), captions: ["a"])
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
        first.values(index), try half.reference(image), absolute: 1e-6, relative: 0x1p-11)
      #expect(first.values(index).allSatisfy { $0 == Float(Float16($0)) })
    }
    #expect(try half.features(of: images).table?.allValues == first.allValues)
    #expect(half.description.key != fixture.description.key)
  }

  @Test func stoppedCallReturnsNothingAndLeavesNoHalfShard() throws {
    let images = try fixture.images(0..<270)
    let stopped = try fixture.features(of: images, threads: 1, stopAfter: 260)
    #expect(stopped.table == nil)
    #expect(fixture.names == [".lock", "manifest.json", "shard-0000.h5", "verified.json"])
    let rest = try fixture.features(of: images)
    #expect(rest.encoded == 14)
    let other = try FeatureStoreFixture()
    let whole = try other.features(of: images)
    #expect(rest.table?.allValues == whole.table?.allValues)
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

  @Test func noImagesGiveAnEmptyTable() throws {
    let outcome = try fixture.features(of: [])
    #expect(outcome.table?.count == 0)
    #expect(fixture.names == [])
  }
}
