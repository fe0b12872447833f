import Storage
import Testing

@testable import Datasets

struct ColorsTests {
  static func colors(_ change: (inout ColorsConfig) -> Void = { _ in }) throws -> ExampleSet {
    var config = ColorsConfig()
    config.imageSize = 20
    change(&config)
    return try #require(config.read().first)
  }

  @Test("sizes are those of the source; every colour occurs in every part; nothing is asked")
  func sizes() throws {
    let set = try Self.colors()
    #expect((set.train.count, set.validation.count, set.test.count) == (300, 60, 60))
    #expect(set.media.count == 420)
    for part in ExampleSet.Part.allCases {
      #expect(set.examples(part, .captions) == set.examples(part))
      let exchanges = set.examples(part).flatMap(\.exchanges)
      #expect(Set(exchanges.flatMap(\.answers)) == ["red", "green", "blue"])
      #expect(exchanges.allSatisfy { $0.kind == "color" })
    }
  }

  @Test("pixels have the named colour, and noise of the given deviation", arguments: [0, 0.1])
  func pixels(noise: Double) throws {
    let set = try Self.colors { ($0.noise, $0.imageSize) = (noise, 64) }
    for example in set.test.prefix(6) {
      let image = try example.media[0].image()
      #expect((image.width, image.height) == (64, 64))
      let place = try #require(
        ["red", "green", "blue"].firstIndex(of: example.exchanges[0].answers[0]))
      for channel in 0..<3 {
        let values = stride(from: channel, to: image.pixels.count, by: 3).map {
          Double(image.pixels[$0]) / 255
        }
        // Noise on 0 or 1 is clamped: half a normal distribution, of mean noise/√(2π) and variance
        // noise²(1/2 - 1/2π).
        let offsets = values.map { channel == place ? 1 - $0 : $0 }
        let mean = offsets.reduce(0, +) / Double(offsets.count)
        let deviation =
          (offsets.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(offsets.count))
          .squareRoot()
        #expect(abs(mean - noise * 0.39894) <= noise * 0.05)
        #expect(abs(deviation - noise * 0.58380) <= noise * 0.05)
      }
    }
  }

  @Test("an image depends on seed, part and number only; no two images are equal")
  func determinism() throws {
    let few = try Self.colors { ($0.train, $0.test, $0.seed) = (5, 3, 4) }
    let many = try Self.colors { ($0.train, $0.test, $0.seed) = (9, 6, 4) }
    #expect(Array(many.train.prefix(5)) == few.train)
    #expect(Array(many.test.prefix(3)) == few.test)
    #expect(try Self.colors { ($0.train, $0.seed) = (5, 5) }.train != few.train)
    let digests = try many.media.map { try $0.digest() }
    #expect(Set(digests).count == digests.count)
  }
}
