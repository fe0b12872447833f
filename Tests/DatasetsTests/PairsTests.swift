import Testing

@testable import Datasets

struct PairsTests {
  static func pairs(_ change: (inout PairsConfig) -> Void = { _ in }) throws -> ExampleSet {
    var config = PairsConfig()
    config.noise = 0
    change(&config)
    return try #require(config.read().first)
  }

  @Test("answers are what the pixels show")
  func answers() throws {
    let names: [[UInt8]: String] = [
      [255, 26, 26]: "red", [26, 26, 255]: "blue", [26, 204, 26]: "green",
    ]
    for side in [64, 24, 101] {
      let set = try Self.pairs { ($0.train, $0.imageSize) = (80, side) }
      let questions = set.examples(.train, .questions)
      #expect(questions.count == 240)
      for example in questions {
        #expect(example.media.count == 2)
        let seen = try example.media.map { medium in
          let image = try medium.image()
          #expect((image.width, image.height) == (side, side))
          let found = PicturePatches(image)
          try #require(found.patches.count == 1)
          return (
            area: found.patches[0].count, isSquare: found.isSquare(0), color: names[found.colors[0]]
          )
        }
        let exchange = example.exchanges[0]
        let wanted =
          switch exchange.kind {
          case "larger": seen[0].area > seen[1].area ? "first" : "second"
          case "color": seen[0].color == seen[1].color ? "yes" : "no"
          case "shape": seen[0].isSquare == seen[1].isSquare ? "yes" : "no"
          default: "no such kind"
          }
        #expect(exchange.answers == [wanted])
        #expect(seen.allSatisfy { $0.color != nil })
        for (medium, seen) in zip(example.media, seen) {
          let caption = set.examples(.train, .captions).filter { $0.media.map(\.id) == [medium.id] }
          let words = "\(seen.color ?? "") \(seen.isSquare ? "square" : "circle")"
          #expect(caption.map { $0.exchanges[0].answers } == [[words]])
        }
      }
    }
  }

  @Test("the larger radius is at least `ratio` times the smaller", arguments: [1.2, 1.5, 3])
  func ratio(ratio: Double) throws {
    for side in [24, 64] {
      let set = try Self.pairs { ($0.train, $0.ratio, $0.imageSize) = (200, ratio, side) }
      var least = Double.infinity
      for example in set.examples(.train, .questions) where example.exchanges[0].kind == "larger" {
        // 2r − 1 pixels across.
        let radii = try example.media.map { medium in
          let xs = PicturePatches(try medium.image()).patches[0].map(\.x)
          return Double((xs.max() ?? 0) - (xs.min() ?? 0) + 2) / 2
        }
        least = min(least, max(radii[0], radii[1]) / min(radii[0], radii[1]))
      }
      #expect(least >= ratio && least < ratio + 0.5)
    }
  }

  @Test("each combination of answers comes once in eight pairs")
  func balance() throws {
    let set = try Self.pairs { ($0.train, $0.noise) = (80, 0.05) }
    let answers = set.examples(.train, .questions).map { $0.exchanges[0].answers[0] }
    let combinations = stride(from: 0, to: answers.count, by: 3).map {
      answers[$0..<$0 + 3].joined(separator: " ")
    }
    #expect(combinations.count == 80)
    for block in 0..<10 { #expect(Set(combinations[block * 8..<block * 8 + 8]).count == 8) }
    // Not in one order.
    #expect(Array(combinations[0..<8]) != Array(combinations[8..<16]))
  }
}
