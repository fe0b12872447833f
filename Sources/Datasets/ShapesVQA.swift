import Configuration
import Storage
import Tensors

/// Settings of `kind: shapes_vqa`: pictures of one shape, with a caption and questions.
///
/// An image of side S shows a circle or a square (``PlainShape``), red (1, .1, .1), blue (.1, .1, 1) or green
/// (.1, .8, .1), on white, its centre at a quarter point (S/4 or 3S/4 in each direction) or at the centre
/// (S/2, S/2), its radius or half-side S div 6. Noise is added, and values are clamped to 0…1.
///
/// Each image has the caption "colour shape", without a question and of no kind, and three examples that ask:
/// for its colour, its shape and its place, with one word as the answer (kinds `color`, `shape` and
/// `position`). With ``turns`` over 1 each of the three is a dialogue that goes on to the next of these
/// things, and after the last to the first: "what color ?" → "red" → "and what shape ?" → "circle"; a
/// later turn's kind is `and color`, `and shape` or `and position`. All words are ``words``, and "and";
/// with padding, start and end the 17 are a vocabulary of 20.
///
/// Source: SYSTEMS.md S2; the white ground is ours, and so are the dialogues' words.
public struct ShapesVQAConfig: DrawnSettings {
  /// Side of the square images in pixels.
  public var imageSize = 64
  /// Standard deviation, where 1 is full brightness.
  public var noise = 0.05
  /// Questions of a dialogue; 1: each is asked by itself.
  public var turns = 1
  public var train = 600
  public var validation = 120
  public var test = 120
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] =
    [
      .integer("image_size", \.imageSize, .range(16...1024), "Side of the square image in pixels."),
      .number("noise", \.noise, .range(0...1), "Standard deviation, where 1 is full brightness."),
      .integer(
        "turns", \.turns, .range(1...3),
        "Questions of a dialogue; 1: each question is asked by itself."),
    ] + partFields

  static let name = "shapes_vqa"

  var words: String {
    "one shape, a caption and questions on it, form 1, \(imageSize) pixels, noise \(noise)"
      + (turns > 1 ? ", dialogues of \(turns) turns" : "")
  }

  public var summary: String {
    "\(train) training, \(validation) validation, \(test) test images; a caption and "
      + "\(Self.topics.count) \(turns > 1 ? "dialogues of \(turns) turns" : "questions") each"
  }

  /// What may be asked of an image.
  struct Topic {
    let kind: String
    /// By itself.
    let question: String
    /// As the first words of a dialogue.
    let opening: String
    /// Later in a dialogue.
    let further: String
  }

  static let topics = [
    Topic(
      kind: "color", question: "what color is it ?", opening: "what color ?",
      further: "and what color ?"),
    Topic(
      kind: "shape", question: "what shape is it ?", opening: "what shape ?",
      further: "and what shape ?"),
    Topic(
      kind: "position", question: "where is it ?", opening: "where is it ?",
      further: "and where is it ?"),
  ]

  /// Every word of captions, answers and questions asked by themselves.
  public static let words =
    ["what", "color", "shape", "where", "is", "it", "?"] + PlainShape.colors.map(\.name)
    + PlainShape.Form.allCases.map(\.rawValue) + positions.map(\.name)

  /// The centre in quarters of the side.
  static let positions: [(name: String, column: Int, row: Int)] = [
    ("top-left", 1, 1), ("top-right", 3, 1), ("bottom-left", 1, 3), ("bottom-right", 3, 3),
    ("center", 2, 2),
  ]

  func examples(_ part: ExampleSet.Part, _ index: Int, lots key: RandomKey) -> [Example] {
    let own = key.numbered(index)
    var lots = own.named("shape").stream
    let form = PlainShape.Form.allCases[lots.integer(below: PlainShape.Form.allCases.count)]
    let color = PlainShape.colors[lots.integer(below: PlainShape.colors.count)]
    let position = Self.positions[lots.integer(below: Self.positions.count)]
    let shape = PlainShape(
      form: form, color: color.values, x: position.column * imageSize / 4,
      y: position.row * imageSize / 4, radius: imageSize / 6)
    let medium = Medium(
      id: part.id("shape", index),
      source: .drawn(
        .drawn([shape], side: imageSize, noise: noise, key: own.named("noise"))))
    let caption = Example(
      id: medium.id, media: [medium], exchanges: [Exchange(answers: ["\(color.name) \(form)"])])
    return [caption] + questions(medium, answers: [color.name, form.rawValue, position.name])
  }

  /// - Parameter answers: one a topic.
  private func questions(_ medium: Medium, answers: [String]) -> [Example] {
    Self.topics.indices.map { first in
      let exchanges = (0..<turns).map { turn in
        let place = (first + turn) % Self.topics.count
        let topic = Self.topics[place]
        let (question, kind) =
          turn > 0
          ? (topic.further, "and \(topic.kind)")
          : (turns > 1 ? topic.opening : topic.question, topic.kind)
        return Exchange(question: question, answers: [answers[place]], kind: kind)
      }
      let name = turns > 1 ? "dialogue from \(Self.topics[first].kind)" : Self.topics[first].kind
      return Example(
        id: Identifier("\(medium.id) \(name)"), media: [medium], exchanges: exchanges)
    }
  }
}
