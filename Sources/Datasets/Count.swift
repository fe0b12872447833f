import Configuration
import Storage
import Tensors

/// Settings of `kind: count`: pictures of 1 to N shapes, which are to be counted.
///
/// The picture is cut into a grid of square cells, half as many again as N at least; each object, a circle or
/// a square (``PlainShape``) of one of three colours, lies in a cell of its own, at least a pixel from its
/// edge, so that objects never touch. Radii are between a fifth and three eighths of a cell and do not depend on
/// how many objects there are. Every number comes equally often.
///
/// "how many ?" is answered by the number's word; the kind is the number in digits, so that scores by kind are
/// scores by number. Source: SYSTEMS.md S5, "fine detail"; the drawings are ours.
public struct CountConfig: DrawnSettings {
  /// Side of the square images in pixels.
  public var imageSize = 64
  /// Standard deviation, where 1 is full brightness.
  public var noise = 0.05
  /// N.
  public var maxObjects = 9
  public var train = 1800
  public var validation = 180
  public var test = 360
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] =
    [
      .integer("image_size", \.imageSize, .range(16...1024), "Side of the square image in pixels."),
      .number("noise", \.noise, .range(0...1), "Standard deviation, where 1 is full brightness."),
      .integer(
        "max_objects", \.maxObjects, .range(2...Self.numbers.count), "Objects in an image, at most."
      ),
    ] + partFields

  public var problems: [SectionProblem] {
    cell >= Self.leastCell
      ? []
      : [
        SectionProblem(
          "image_size",
          "must be at least \(Self.leastCell * cells) for \(maxObjects) objects, got \(imageSize)")
      ]
  }

  static let name = "count"

  var words: String {
    "1 to \(maxObjects) shapes to count, form 1, \(imageSize) pixels, noise \(noise)"
  }

  public var summary: String {
    "\(train) training, \(validation) validation, \(test) test images of 1 to \(maxObjects) objects; a "
      + "question each"
  }

  static let numbers = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
  ]

  /// Smaller cells have no room for two sizes of object.
  private static let leastCell = 8

  /// Cells in a row, and rows of them.
  private var cells: Int {
    Int((1.5 * Double(maxObjects)).squareRoot().rounded(.up))
  }
  /// Side of a cell in pixels.
  private var cell: Int { imageSize / cells }

  func examples(_ part: ExampleSet.Part, _ index: Int, lots key: RandomKey) -> [Example] {
    let count = 1 + key.balanced(index, of: maxObjects)
    let own = key.numbered(index)
    var lots = own.named("objects").stream
    let objects = lots.permutation(cells * cells).prefix(count).map { place in
      object(column: place % cells, row: place / cells, from: &lots)
    }
    let image = RGBImage.drawn(objects, side: imageSize, noise: noise, key: own.named("noise"))
    let id = part.id("count", index)
    return [
      Example(
        id: id, media: [Medium(id: id, source: .drawn(image))],
        exchanges: [
          Exchange(question: "how many ?", answers: [Self.numbers[count - 1]], kind: "\(count)")
        ])
    ]
  }

  private func object(column: Int, row: Int, from lots: inout RandomStream) -> PlainShape {
    let forms = PlainShape.Form.allCases
    let form = forms[lots.integer(below: forms.count)]
    let color = PlainShape.colors[lots.integer(below: PlainShape.colors.count)].values
    let (least, most) = (max(2, cell / 5), cell * 3 / 8)
    let radius = least + lots.integer(below: most - least + 1)
    // The pixels of a shape are less than r from its centre: one at least stays free on each side.
    let room = cell - 2 * radius
    return PlainShape(
      form: form, color: color, x: column * cell + radius + lots.integer(below: room),
      y: row * cell + radius + lots.integer(below: room), radius: radius)
  }
}
