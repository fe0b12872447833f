import Configuration
import Storage
import Tensors

/// Settings of `kind: shapes_vqa`: pictures of one shape, with a caption and three questions each.
///
/// An image of side S shows a circle or a square, red (1, .1, .1), blue (.1, .1, 1) or green (.1, .8, .1), on
/// white, its centre at a quarter point (S/4 or 3S/4 in each direction) or at the centre (S/2, S/2), its
/// radius or half-side r = S div 6; a pixel (x, y) belongs to a circle if dx² + dy² < r², to a square if
/// |dx| < r and |dy| < r. Noise is added, and values are clamped to 0…1. Shape, colour, place and noise
/// depend on the seed, the image's part and its number only.
///
/// Each image has four examples: the caption "colour shape", without a question and of no kind, and the
/// questions ``questions`` with one word as the answer, of kind `color`, `shape` and `position`. All words
/// are ``words``; with padding, start and end they are a vocabulary of 20.
///
/// Source: SYSTEMS.md S2; the white ground is ours.
public struct ShapesVQAConfig: DatasetSettings {
  /// Side of the square images in pixels.
  public var imageSize = 64
  /// Standard deviation, where 1 is full brightness.
  public var noise = 0.05
  public var train = 600
  public var validation = 120
  public var test = 120
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("image_size", \.imageSize, .range(16...1024), "Side of the square image in pixels."),
    .number("noise", \.noise, .range(0...1), "Standard deviation, where 1 is full brightness."),
    .integer("train", \.train, .positive, "Training images."),
    .integer("validation", \.validation, .positive, "Images that choose the checkpoint."),
    .integer("test", \.test, .positive, "Images that are reported on."),
    .integer("seed", \.seed, .atLeast(0), "Seed of shapes, colours, places and noise."),
  ]

  public var summary: String {
    "\(train) training, \(validation) validation, \(test) test images; a caption and "
      + "\(Self.questions.count) questions each"
  }

  /// What is asked, by the kind of the answer.
  public static let questions: KeyValuePairs<String, String> = [
    "color": "what color is it ?", "shape": "what shape is it ?", "position": "where is it ?",
  ]

  /// Every word of captions, questions and answers.
  public static let words =
    ["what", "color", "shape", "where", "is", "it", "?"]
    + colors.map(\.name) + shapes + positions.map(\.name)

  static let colors: [(name: String, values: (Float, Float, Float))] = [
    ("red", (1, 0.1, 0.1)), ("blue", (0.1, 0.1, 1)), ("green", (0.1, 0.8, 0.1)),
  ]
  static let shapes = ["circle", "square"]
  /// The centre in quarters of the side.
  static let positions: [(name: String, column: Int, row: Int)] = [
    ("top-left", 1, 1), ("top-right", 3, 1), ("bottom-left", 1, 3), ("bottom-right", 3, 3),
    ("center", 2, 2),
  ]

  public func read() -> [ExampleSet] {
    let key = RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("shapes_vqa")
    func examples(_ part: ExampleSet.Part, _ count: Int) -> [Example] {
      (0..<count).flatMap { examplesOfImage(part, $0, key.named(part.rawValue).numbered($0)) }
    }
    return [
      ExampleSet(
        name: "shapes-vqa",
        description: "one shape and questions on it, form 1, seed \(seed), \(imageSize) pixels, "
          + "noise \(noise), \(train) train, \(validation) validation, \(test) test",
        train: examples(.train, train), validation: examples(.validation, validation),
        test: examples(.test, test))
    ]
  }

  private func examplesOfImage(
    _ part: ExampleSet.Part, _ index: Int, _ key: RandomKey
  ) -> [Example] {
    var lots = key.named("shape").stream
    let shape = Self.shapes[lots.integer(below: Self.shapes.count)]
    let color = Self.colors[lots.integer(below: Self.colors.count)]
    let position = Self.positions[lots.integer(below: Self.positions.count)]
    let (isCircle, radius) = (shape == "circle", imageSize / 6)
    let (x, y) = (position.column * imageSize / 4, position.row * imageSize / 4)
    let image = RGBImage.drawn(side: imageSize, noise: noise, key: key.named("noise")) {
      let (dx, dy) = ($0 - x, $1 - y)
      let isInside =
        isCircle ? dx * dx + dy * dy < radius * radius : max(abs(dx), abs(dy)) < radius
      return isInside ? color.values : (1, 1, 1)
    }
    let medium = Medium(id: part.id("shape", index), source: .drawn(image))
    let answers = ["color": color.name, "shape": shape, "position": position.name]
    let caption = Example(
      id: medium.id, media: [medium], exchanges: [Exchange(answers: ["\(color.name) \(shape)"])])
    return [caption]
      + Self.questions.map { kind, question in
        Example(
          id: Identifier("\(medium.id) \(kind)"), media: [medium],
          exchanges: [
            Exchange(question: question, answers: answers[kind].map { [$0] } ?? [], kind: kind)
          ])
      }
  }
}
