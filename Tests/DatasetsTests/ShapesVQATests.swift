import Storage
import Testing

@testable import Datasets

struct ShapesVQATests {
  static func shapes(_ change: (inout ShapesVQAConfig) -> Void = { _ in }) throws -> ExampleSet {
    var config = ShapesVQAConfig()
    change(&config)
    return try #require(config.read().first)
  }

  /// The answers of one image by kind; the caption under "caption".
  static func answers(_ set: ExampleSet, _ medium: Medium) -> [String: String] {
    let own = set.examples.filter { $0.media[0].id == medium.id }.flatMap(\.exchanges)
    return Dictionary(uniqueKeysWithValues: own.map { ($0.kind ?? "caption", $0.answers[0]) })
  }

  @Test("an image has a caption and a question of each kind, all about one medium")
  func contents() throws {
    let set = try Self.shapes()
    #expect(set.media.count == 840)
    #expect(set.examples(.train, .captions).count == 600)
    #expect(set.examples(.train, .questions).count == 1800)
    #expect(set.examples(.test, .captions).count == 120)
    #expect(set.examples(.test, .questions).count == 360)
    for medium in set.media.prefix(20) {
      let answers = Self.answers(set, medium)
      #expect(Set(answers.keys) == ["caption", "color", "shape", "position"])
      #expect(answers["caption"] == "\(answers["color"] ?? "") \(answers["shape"] ?? "")")
    }
  }

  @Test("all texts are made of 17 words, and each of them occurs")
  func words() throws {
    let exchanges = try Self.shapes().examples.flatMap(\.exchanges)
    let texts = exchanges.flatMap { [$0.question].compactMap(\.self) + $0.answers }
    let words = Set(texts.flatMap { $0.split(separator: " ").map(String.init) })
    #expect(words == Set(ShapesVQAConfig.words))
    #expect(ShapesVQAConfig.words.count == 17 && words.count == 17)
  }

  @Test("without noise, the pixels are those of the rules")
  func drawing() throws {
    let set = try Self.shapes { ($0.noise, $0.train) = (0, 120) }
    let colors: [String: (UInt8, UInt8, UInt8)] = [
      "red": (255, 26, 26), "blue": (26, 26, 255), "green": (26, 204, 26),
    ]
    let centers = [
      "top-left": (16, 16), "top-right": (48, 16), "bottom-left": (16, 48),
      "bottom-right": (48, 48), "center": (32, 32),
    ]
    var seen: Set<String> = []
    for medium in set.media.prefix(120) {
      let answers = Self.answers(set, medium)
      let (shape, color, position) = (
        try #require(answers["shape"]), try #require(answers["color"]),
        try #require(answers["position"])
      )
      seen.insert("\(shape) \(color) \(position)")
      let (x, y) = try #require(centers[position])
      let image = try medium.image()
      #expect((image.width, image.height) == (64, 64))
      let inside = (0..<64 * 64).filter { image[x: $0 % 64, y: $0 / 64] != (255, 255, 255) }
      // Integer points with x² + y² < 100, and with both below 10.
      #expect(inside.count == (shape == "circle" ? 305 : 361))
      let ends = [(9, 0), (-9, 0), (0, 9), (0, -9)]
      #expect(ends.allSatisfy { image[x: x + $0.0, y: y + $0.1] != (255, 255, 255) })
      let wanted = try #require(colors[color])
      #expect(inside.allSatisfy { image[x: $0 % 64, y: $0 / 64] == wanted })
    }
    #expect(seen.count > 20)
  }

  @Test("noise has the given deviation where it is not clamped")
  func noise() throws {
    let set = try Self.shapes { $0.train = 200 }
    var offsets: [Double] = []
    for medium in set.media.prefix(200) where Self.answers(set, medium)["color"] == "green" {
      let answers = Self.answers(set, medium)
      guard answers["position"] == "center" else { continue }
      let image = try medium.image()
      for y in 27...37 {
        for x in 27...37 { offsets.append(Double(image[x: x, y: y].green) / 255 - 0.8) }
      }
    }
    try #require(!offsets.isEmpty)
    let mean = offsets.reduce(0, +) / Double(offsets.count)
    let deviation = (offsets.map { $0 * $0 }.reduce(0, +) / Double(offsets.count)).squareRoot()
    #expect(abs(mean) < 0.02)
    #expect(abs(deviation - 0.05) < 0.01)
  }

  @Test("a dialogue goes on with the next thing, about the same image", arguments: [2, 3])
  func dialogues(turns: Int) throws {
    let set = try Self.shapes { ($0.turns, $0.train) = (turns, 30) }
    let plain = try Self.shapes { $0.train = 30 }
    #expect(set.media == plain.media)
    #expect(set.examples(.train, .captions) == plain.examples(.train, .captions))
    let questions = [
      "color": ("what color ?", "and what color ?"), "shape": ("what shape ?", "and what shape ?"),
      "position": ("where is it ?", "and where is it ?"),
    ]
    let orders = [
      ["color", "shape", "position"], ["shape", "position", "color"],
      ["position", "color", "shape"],
    ]
    for medium in set.media.prefix(30) {
      let answers = Self.answers(plain, medium)
      let dialogues = set.examples(.train, .questions).filter { $0.media == [medium] }
      try #require(dialogues.count == 3)
      for (dialogue, order) in zip(dialogues, orders) {
        for (turn, kind) in order.prefix(turns).enumerated() {
          let asked = try #require(questions[kind])
          #expect(
            dialogue.exchanges[turn]
              == Exchange(
                question: turn == 0 ? asked.0 : asked.1, answers: [try #require(answers[kind])],
                kind: turn == 0 ? kind : "and \(kind)"))
        }
        #expect(dialogue.exchanges.count == turns)
      }
    }
  }
}
