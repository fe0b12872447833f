import Configuration
import Storage
import Tensors

/// Settings of `kind: colors`: pictures of one plain colour, which the model names.
///
/// An image is red (1, 0, 0), green (0, 1, 0) or blue (0, 0, 1) all over, plus normal noise, clamped to
/// 0…1; its caption is the colour's name. Where there are several sizes, each comes equally often, and an
/// image's kind is its size (`64 px`), so that scores by kind are scores by size; with one size the kind is
/// `color`.
///
/// Source: SYSTEMS.md S1.
public struct ColorsConfig: DrawnSettings {
  /// Sides of the square images in pixels: an image has one of them.
  public var sizes = [224]
  /// Standard deviation, where 1 is full brightness.
  public var noise = 0.1
  public var train = 300
  public var validation = 60
  public var test = 60
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] =
    [
      .list(
        "sizes", \.sizes, of: .integer(.range(1...1024)), .nonEmptyUnique,
        "Sides of the square images in pixels; each image has one of them."),
      .number("noise", \.noise, .range(0...1), "Standard deviation, where 1 is full brightness."),
    ] + partFields

  static let name = "colors"

  var words: String {
    "plain colours, form 1, \(sizes.map { "\($0)" }.joined(separator: ", ")) pixels, noise \(noise)"
  }

  public var summary: String {
    "\(train) training, \(validation) validation, \(test) test images; the colour's name each"
  }

  static let colors: [(name: String, values: PlainColor)] = [
    ("red", (1, 0, 0)), ("green", (0, 1, 0)), ("blue", (0, 0, 1)),
  ]

  func examples(_ part: ExampleSet.Part, _ index: Int, lots key: RandomKey) -> [Example] {
    let own = key.numbered(index)
    var lots = own.named("color").stream
    let color = Self.colors[lots.integer(below: Self.colors.count)]
    let side = sizes[key.named("size").balanced(index, of: sizes.count)]
    let image = RGBImage.drawn(side: side, noise: noise, key: own.named("noise")) { _, _ in
      color.values
    }
    let id = part.id("color", index)
    let kind = sizes.count > 1 ? "\(side) px" : "color"
    return [
      Example(
        id: id, media: [Medium(id: id, source: .drawn(image))],
        exchanges: [Exchange(answers: [color.name], kind: kind)])
    ]
  }
}
