import Configuration
import Storage
import Tensors

/// Settings of `kind: pairs`: two pictures of one shape each, and questions that compare them.
///
/// Each picture shows a circle or a square (``PlainShape``) of one of three colours on white, wholly inside
/// and at a place of its own. Of a pair's radii (or half-sides) one is at least ``ratio`` times the other, so
/// that the larger shape has the larger area too, whatever the two are (a square of half-side r has 4/π the
/// area of a circle of radius r). Radii are between a twelfth and a third of the side.
///
/// Each pair has three examples of two media: "which is larger ?" → "first" or "second", "same color ?" and
/// "same shape ?" → "yes" or "no", of kinds `larger`, `color` and `shape`; of eight pairs in a row each
/// combination of answers belongs to one. Each picture has its caption, "colour shape", as an example of its
/// own.
///
/// Source: SYSTEMS.md S1, "two images compared in one prompt"; the drawings are ours.
public struct PairsConfig: DrawnSettings {
  /// Side of the square images in pixels.
  public var imageSize = 64
  /// Standard deviation, where 1 is full brightness.
  public var noise = 0.05
  /// Of the larger radius to the smaller one, at least.
  public var ratio = 1.5
  /// Pairs.
  public var train = 600
  public var validation = 120
  public var test = 240
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] =
    [
      .integer("image_size", \.imageSize, .range(24...1024), "Side of the square image in pixels."),
      .number("noise", \.noise, .range(0...1), "Standard deviation, where 1 is full brightness."),
      .number(
        "ratio", \.ratio, .range(1.2...3), "Of the larger radius to the smaller one, at least."),
    ] + partFields

  static let name = "pairs"

  var words: String {
    "pairs of one shape each, form 1, \(imageSize) pixels, noise \(noise), ratio \(ratio)"
  }

  public var summary: String {
    "\(train) training, \(validation) validation, \(test) test pairs; a caption an image and 3 questions "
      + "a pair"
  }

  func examples(_ part: ExampleSet.Part, _ index: Int, lots key: RandomKey) -> [Example] {
    let answers = key.balanced(index, of: 8)
    let (firstIsLarger, sameColor, sameForm) = (
      answers & 1 == 0, answers & 2 == 0, answers & 4 == 0
    )
    let own = key.numbered(index)
    var lots = own.named("shapes").stream
    let radii = self.radii(from: &lots)
    let colors = Self.two(PlainShape.colors, same: sameColor, from: &lots)
    let forms = Self.two(PlainShape.Form.allCases, same: sameForm, from: &lots)
    let id = part.id("pair", index)
    let media = (0..<2).map { place in
      let radius = (place == 0) == firstIsLarger ? radii.large : radii.small
      let room = imageSize - 2 * radius
      let shape = PlainShape(
        form: forms[place], color: colors[place].values, x: radius + lots.integer(below: room),
        y: radius + lots.integer(below: room), radius: radius)
      let image = RGBImage.drawn(
        [shape], side: imageSize, noise: noise, key: own.named("noise").numbered(place))
      return Medium(id: Identifier("\(id) \(Self.places[place])"), source: .drawn(image))
    }
    let captions = media.indices.map { place in
      Example(
        id: media[place].id, media: [media[place]],
        exchanges: [Exchange(answers: ["\(colors[place].name) \(forms[place])"])])
    }
    let questions = [
      ("larger", "which is larger ?", Self.places[firstIsLarger ? 0 : 1]),
      ("color", "same color ?", sameColor ? "yes" : "no"),
      ("shape", "same shape ?", sameForm ? "yes" : "no"),
    ]
    return captions
      + questions.map { kind, question, answer in
        Example(
          id: Identifier("\(id) \(kind)"), media: media,
          exchanges: [Exchange(question: question, answers: [answer], kind: kind)])
      }
  }

  private static let places = ["first", "second"]

  /// Whole pixels, between a twelfth and a third of the side.
  private func radii(from lots: inout RandomStream) -> (small: Int, large: Int) {
    let least = imageSize / 12
    let firstLarge = Int((Double(least) * ratio).rounded(.up))
    let large = firstLarge + lots.integer(below: imageSize / 3 - firstLarge + 1)
    let mostSmall = Int(Double(large) / ratio)
    return (least + lots.integer(below: mostSmall - least + 1), large)
  }

  private static func two<Value>(
    _ values: [Value], same: Bool, from lots: inout RandomStream
  ) -> [Value] {
    let first = lots.integer(below: values.count)
    let second = (first + 1 + lots.integer(below: values.count - 1)) % values.count
    return [values[first], values[same ? first : second]]
  }
}
