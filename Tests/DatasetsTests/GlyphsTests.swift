import Configuration
import Storage
import Testing

@testable import Datasets

struct GlyphsTests {
  static func glyphs(_ change: (inout GlyphsConfig) -> Void = { _ in }) throws -> ExampleSet {
    var config = GlyphsConfig()
    config.noise = 0
    (config.train, config.validation, config.test) = (130, 2, 3)
    change(&config)
    #expect(config.problems.isEmpty)
    return try #require(config.read().first)
  }

  /// Written by hand, not from the table.
  static let drawings = [
    "r": ["####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"],
    "s": [".####", "#....", "#....", ".###.", "....#", "....#", "####."],
    "z": ["#####", "....#", "...#.", "..#..", ".#...", "#....", "#####"],
    "k": ["#...#", "#..#.", "#.#..", "##...", "#.#..", "#..#.", "#...#"],
    "a": [".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"],
    "b": ["####.", "#...#", "#...#", "####.", "#...#", "#...#", "####."],
    "q": [".###.", "#...#", "#...#", "#...#", "#.#.#", "#..#.", ".##.#"],
  ]

  @Test("letters are the drawn ones, at seven pixels and at multiples", arguments: [1, 2, 3])
  func letters(scale: Int) throws {
    for (letter, drawing) in Self.drawings {
      let coverage = Font5x7.coverage(of: letter, height: 7 * scale)
      let width = 5 * scale
      #expect(coverage.count == 7 * scale * width)
      for y in 0..<7 * scale {
        let row = Array(drawing[y / scale])
        for x in 0..<width {
          #expect(coverage[y * width + x] == (row[x / scale] == "#" ? 1 : 0), "\(letter) \(x) \(y)")
        }
      }
    }
  }

  @Test("ink covers the area of the cells at every height", arguments: 5...40)
  func area(height: Int) {
    for word in ["a", "mix", "zebra"] {
      let bits = word.map { letter in
        (Font5x7.rows[letter] ?? []).map(\.nonzeroBitCount).reduce(0, +)
      }.reduce(0, +)
      let coverage = Font5x7.coverage(of: word, height: height)
      #expect(coverage.allSatisfy { (0...1.000_001).contains($0) })
      let cell = Double(height) / 7
      let total = coverage.reduce(0.0) { $0 + Double($1) }
      #expect(abs(total - Double(bits) * cell * cell) < 1e-3)
    }
  }

  @Test("the alphabet has 26 forms of which no two are equal, nor contained in its column edge")
  func alphabet() {
    #expect(Font5x7.rows.count == 26)
    #expect(Set(Font5x7.rows.values).count == 26)
    #expect(Font5x7.rows.values.allSatisfy { $0.count == 7 && $0.allSatisfy { $0 < 32 } })
  }

  @Test("the word stands in the picture at its size, inside a free pixel; kinds are sizes")
  func pictures() throws {
    let sizes = [7, 14, 21]
    let set = try Self.glyphs { config in
      (config.sizes, config.texts) = (sizes, ["r", "s", "z", "k", "a", "b", "q"])
      config.train = 42
    }
    var seen: [String: Int] = [:]
    for example in set.train {
      let exchange = example.exchanges[0]
      let letter = exchange.answers[0]
      seen["\(letter) \(exchange.kind ?? "")", default: 0] += 1
      let image = try example.media[0].image()
      func brightness(_ x: Int, _ y: Int) -> Int {
        let pixel = image[x: x, y: y]
        return Int(pixel.red) + Int(pixel.green) + Int(pixel.blue)
      }
      let dark = (0..<64 * 64).filter { brightness($0 % 64, $0 / 64) < 400 }
      let (left, right) = try #require(Self.range(dark.map { $0 % 64 }))
      let (top, bottom) = try #require(Self.range(dark.map { $0 / 64 }))
      let height = bottom - top + 1
      #expect(exchange.kind == "\(height) px")
      #expect(left >= 1 && top >= 1 && right <= 62 && bottom <= 62)
      #expect(7 * (right - left + 1) == 5 * height)
      // Every cell's colour is that of the drawing.
      let scale = height / 7
      let drawing = try #require(Self.drawings[letter])
      for y in 0..<height {
        let row = Array(drawing[y / scale])
        for x in 0...(right - left) {
          #expect((brightness(left + x, top + y) < 400) == (row[x / scale] == "#"))
        }
      }
    }
    // Each pair of word and size equally often.
    #expect(seen.count == 21 && seen.values.allSatisfy { $0 == 2 })
  }

  private static func range(_ values: [Int]) -> (Int, Int)? {
    values.min().flatMap { least in values.max().map { (least, $0) } }
  }

  @Test("words that are not of letters, or too long for the picture, are refused")
  func refused() {
    var config = GlyphsConfig()
    config.texts = ["cat", "Dog"]
    #expect(config.problems.map(\.key) == ["texts"])
    #expect(config.problems.first?.message.contains("\"Dog\"") == true)
    config.texts = ["cat", "horse"]
    #expect(config.problems.first?.message.contains("an image_size of 118, got 64") == true)
    config.imageSize = 118
    #expect(config.problems.isEmpty)
    config.imageSize = 117
    #expect(config.problems.map(\.key) == ["sizes"])
  }
}
