import Configuration
import Testing

@testable import Datasets

struct CountTests {
  static func counts(_ change: (inout CountConfig) -> Void = { _ in }) throws -> ExampleSet {
    var config = CountConfig()
    config.noise = 0
    change(&config)
    #expect(config.problems.isEmpty)
    return try #require(config.read().first)
  }

  @Test(
    "the word is the number of patches, none of which touches another",
    arguments: [(64, 9), (64, 2), (48, 20), (150, 20), (224, 12)])
  func words(side: Int, most: Int) throws {
    let set = try Self.counts { config in
      (config.imageSize, config.maxObjects) = (side, most)
      (config.train, config.validation, config.test) = (3 * most, 1, 1)
    }
    var seen: [Int: Int] = [:]
    for example in set.train {
      let exchange = example.exchanges[0]
      let found = PicturePatches(try example.media[0].image())
      let count = found.patches.count
      seen[count, default: 0] += 1
      #expect(exchange.question == "how many ?" && exchange.kind == "\(count)")
      #expect(exchange.answers == [CountConfig.numbers[count - 1]])
      for (index, patch) in found.patches.enumerated() {
        for other in found.patches[(index + 1)...] {
          let gap = patch.flatMap { a in other.map { max(abs(a.x - $0.x), abs(a.y - $0.y)) } }.min()
          #expect((gap ?? 0) > 2)
        }
      }
    }
    // Every number equally often.
    #expect(seen == Dictionary(uniqueKeysWithValues: (1...most).map { ($0, 3) }))
  }

  @Test("the size of an object says nothing about how many there are")
  func areas() throws {
    let set = try Self.counts { ($0.train, $0.maxObjects) = (900, 9) }
    var areas: [Int: [Double]] = [:]
    for example in set.train {
      let found = PicturePatches(try example.media[0].image())
      areas[found.patches.count, default: []] += found.patches.map { Double($0.count) }
    }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    let all = mean(areas.values.flatMap(\.self))
    let spread = mean(areas.values.flatMap(\.self).map { ($0 - all) * ($0 - all) }).squareRoot()
    for (_, values) in areas {
      // Four standard errors.
      #expect(abs(mean(values) - all) < 4 * spread / Double(values.count).squareRoot())
    }
  }

  @Test("pictures too small for their objects are refused")
  func refused() {
    var config = CountConfig()
    (config.imageSize, config.maxObjects) = (40, 20)
    #expect(config.problems.map(\.key) == ["image_size"])
    #expect(config.problems.first?.message.contains("at least 48 for 20 objects, got 40") == true)
    config.imageSize = 48
    #expect(config.problems.isEmpty)
  }
}
