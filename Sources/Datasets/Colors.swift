import Configuration
import Storage
import Tensors

/// Settings of `kind: colors`: pictures of one plain colour, which the model names.
///
/// An image is red (1, 0, 0), green (0, 1, 0) or blue (0, 0, 1) all over, plus normal noise; its caption is
/// the colour's name, of kind `color`. Colour and noise depend on the seed, the image's part and its number
/// only. Source: SYSTEMS.md S1.
public struct ColorsConfig: DatasetSettings {
  /// Side of the square images in pixels.
  public var imageSize = 224
  /// Standard deviation, where 1 is full brightness.
  public var noise = 0.1
  public var train = 300
  public var validation = 60
  public var test = 60
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("image_size", \.imageSize, .range(1...1024), "Side of the square image in pixels."),
    .number("noise", \.noise, .range(0...1), "Standard deviation, where 1 is full brightness."),
    .integer("train", \.train, .positive, "Training images."),
    .integer("validation", \.validation, .positive, "Images that choose the checkpoint."),
    .integer("test", \.test, .positive, "Images that are reported on."),
    .integer("seed", \.seed, .atLeast(0), "Seed of colours and noise."),
  ]

  public var summary: String {
    "\(train) training, \(validation) validation, \(test) test images; the colour's name each"
  }

  public func read() -> [ExampleSet] {
    let key = RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("colors")
    func examples(_ part: ExampleSet.Part, _ count: Int) -> [Example] {
      (0..<count).map { example(part, $0, key.named(part.rawValue).numbered($0)) }
    }
    return [
      ExampleSet(
        name: "colors",
        description: "plain colours, form 1, seed \(seed), \(imageSize) pixels, noise \(noise), "
          + "\(train) train, \(validation) validation, \(test) test",
        train: examples(.train, train), validation: examples(.validation, validation),
        test: examples(.test, test))
    ]
  }

  static let colors: [(name: String, values: (Float, Float, Float))] = [
    ("red", (1, 0, 0)), ("green", (0, 1, 0)), ("blue", (0, 0, 1)),
  ]

  private func example(_ part: ExampleSet.Part, _ index: Int, _ key: RandomKey) -> Example {
    var lots = key.named("color").stream
    let color = Self.colors[lots.integer(below: Self.colors.count)]
    let image = RGBImage.drawn(side: imageSize, noise: noise, key: key.named("noise")) { _, _ in
      color.values
    }
    let id = part.id("color", index)
    return Example(
      id: id, media: [Medium(id: id, source: .drawn(image))],
      exchanges: [Exchange(answers: [color.name], kind: "color")])
  }
}
