import Configuration
import Storage
import Tensors

/// Settings of `kind: glyphs`: pictures with a letter or a word in letters of a given height, to be read.
///
/// Letters are those of ``Font5x7`` in capitals, dark on a light ground, wholly inside the picture and at least
/// a pixel from its edge, at a place drawn by lot. Every pair of a size and a word comes equally often.
///
/// "what is written ?" is answered by the word in small letters; the kind is the letters' height (`14 px`), so
/// that scores by kind are scores by size. Source: SYSTEMS.md S5, "fine detail"; the drawings are ours.
public struct GlyphsConfig: DrawnSettings {
  /// Side of the square images in pixels.
  public var imageSize = 64
  /// Heights of a capital in pixels.
  public var sizes = [7, 10, 14, 20, 28]
  /// Of the letters a to z.
  public var texts = "abcdefghijklmnopqrstuvwxyz".map(String.init)
  /// Standard deviation, where 1 is full brightness.
  public var noise = 0.05
  public var train = 2600
  public var validation = 260
  public var test = 520
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] =
    [
      .integer("image_size", \.imageSize, .range(16...1024), "Side of the square image in pixels."),
      .list(
        "sizes", \.sizes, of: .integer(.range(5...512)), .nonEmptyUnique,
        "Heights of a capital letter in pixels."),
      .list(
        "texts", \.texts, of: .string(.nonEmpty), .nonEmptyUnique,
        "The words that may be written, of the letters a to z."),
      .number("noise", \.noise, .range(0...1), "Standard deviation, where 1 is full brightness."),
    ] + partFields

  public var problems: [SectionProblem] {
    if let text = texts.first(where: { $0.contains { Font5x7.rows[$0] == nil } }) {
      return [SectionProblem("texts", "must be of the letters a to z, got \"\(text)\"")]
    }
    let longest = texts.map(\.count).max() ?? 1
    let height = sizes.max() ?? 1
    let needed = max(Font5x7.width(of: longest, height: height), height) + 2
    return needed <= imageSize
      ? []
      : [
        SectionProblem(
          "sizes",
          "must leave a pixel around the longest word, \(longest) letters of \(height) pixels, which "
            + "needs an image_size of \(needed), got \(imageSize)")
      ]
  }

  static let name = "glyphs"

  var words: String {
    "words to read (\(texts.joined(separator: ", "))), form 1, letters of "
      + "\(sizes.map { "\($0)" }.joined(separator: ", ")) pixels, \(imageSize) pixels, noise \(noise)"
  }

  public var summary: String {
    "\(train) training, \(validation) validation, \(test) test images, \(texts.count) words in "
      + "\(sizes.count) sizes; a question each"
  }

  func examples(_ part: ExampleSet.Part, _ index: Int, lots key: RandomKey) -> [Example] {
    let place = key.balanced(index, of: sizes.count * texts.count)
    let (height, text) = (sizes[place % sizes.count], texts[place / sizes.count])
    let own = key.numbered(index)
    var lots = own.named("place").stream
    let width = Font5x7.width(of: text.count, height: height)
    let left = 1 + lots.integer(below: imageSize - width - 1)
    let top = 1 + lots.integer(below: imageSize - height - 1)
    let ground = Self.color(from: 0.8, to: 1, &lots)
    let ink = Self.color(from: 0, to: 0.3, &lots)
    let coverage = Font5x7.coverage(of: text, height: height)
    let image = RGBImage.drawn(side: imageSize, noise: noise, key: own.named("noise")) {
      column, row in
      let (x, y) = (column - left, row - top)
      guard (0..<width).contains(x), (0..<height).contains(y) else { return ground }
      let share = coverage[y * width + x]
      return (
        ground.red + share * (ink.red - ground.red),
        ground.green + share * (ink.green - ground.green),
        ground.blue + share * (ink.blue - ground.blue)
      )
    }
    let id = part.id("glyphs", index)
    return [
      Example(
        id: id, media: [Medium(id: id, source: .drawn(image))],
        exchanges: [
          Exchange(question: "what is written ?", answers: [text], kind: "\(height) px")
        ])
    ]
  }

  private static func color(
    from least: Float, to most: Float, _ lots: inout RandomStream
  ) -> PlainColor {
    let values = (0..<3).map { _ in least + lots.uniform() * (most - least) }
    return (values[0], values[1], values[2])
  }
}
