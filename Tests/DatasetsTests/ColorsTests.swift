import Storage
import Testing

@testable import Datasets

struct ColorsTests {
  static func colors(_ change: (inout ColorsConfig) -> Void = { _ in }) throws -> ExampleSet {
    var config = ColorsConfig()
    config.sizes = [20]
    change(&config)
    return try #require(config.read().first)
  }

  @Test("sizes are those of the source; every colour occurs in every part; nothing is asked")
  func parts() throws {
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
    let set = try Self.colors { ($0.noise, $0.sizes) = (noise, [64]) }
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

  @Test("each of several sizes comes equally often, and scores by kind are scores by size")
  func sizes() throws {
    let set = try Self.colors { ($0.sizes, $0.noise) = ([64, 128, 224], 0) }
    for part in ExampleSet.Part.allCases {
      var seen: [Int: Int] = [:]
      for example in set.examples(part) {
        let image = try example.media[0].image()
        #expect(image.width == image.height)
        #expect(example.exchanges[0].kind == "\(image.width) px")
        seen[image.width, default: 0] += 1
        let digits = try #require(
          ["red": 0, "green": 1, "blue": 2][example.exchanges[0].answers[0]])
        let color = (0..<3).map { UInt8($0 == digits ? 255 : 0) }
        #expect(image.pixels.count == image.width * image.width * 3)
        #expect(image.pixels.indices.allSatisfy { image.pixels[$0] == color[$0 % 3] })
      }
      let each = set.examples(part).count / 3
      #expect(seen == [64: each, 128: each, 224: each])
    }
  }
}
