import Configuration
import Storage
import Tensors

/// A data set that the program draws. A picture depends on the seed, its part and its number only, so
/// asking for more of one part changes none of the others.
protocol DrawnSettings: DatasetSettings {
  /// The data set's name, and of the key of its random numbers.
  static var name: String { get }
  /// What is drawn and how, in words: all settings but the parts' sizes.
  var words: String { get }
  var train: Int { get set }
  var validation: Int { get set }
  var test: Int { get set }
  var seed: Int { get set }

  /// The examples of one drawing.
  ///
  /// - Parameter lots: whose stream, numbered by `index`, is this drawing's own; the key itself is the
  ///   part's.
  func examples(_ part: ExampleSet.Part, _ index: Int, lots: RandomKey) -> [Example]
}

extension DrawnSettings {
  /// `train`, `validation`, `test` and `seed`.
  static var partFields: [Field<Self>] {
    [
      .integer("train", \.train, .positive, "Training images, or pairs of images."),
      .integer("validation", \.validation, .positive, "Those that choose the checkpoint."),
      .integer("test", \.test, .positive, "Those that are reported on."),
      .integer("seed", \.seed, .atLeast(0), "Seed of what is drawn, and of the noise."),
    ]
  }

  public func read() -> [ExampleSet] {
    let key = RandomKey(seed: UInt64(bitPattern: Int64(seed))).named(Self.name)
    func examples(_ part: ExampleSet.Part, _ count: Int) -> [Example] {
      let lots = key.named(part.rawValue)
      return (0..<count).flatMap { self.examples(part, $0, lots: lots) }
    }
    return [
      ExampleSet(
        name: Self.name,
        description:
          "\(words), seed \(seed), \(train) train, \(validation) validation, \(test) test",
        train: examples(.train, train), validation: examples(.validation, validation),
        test: examples(.test, test))
    ]
  }
}

extension ExampleSet.Part {
  /// The name of a drawing of this part: `scene-train-000012`.
  func id(_ name: String, _ index: Int) -> Identifier {
    let number = String(repeating: "0", count: max(0, 6 - "\(index)".count)) + "\(index)"
    return Identifier("\(name)-\(rawValue)-\(number)")
  }
}

extension RandomKey {
  /// Which of `count` alternatives a number gets: each run of `count` numbers from 0 on holds every
  /// alternative once, in an order of its own.
  func balanced(_ index: Int, of count: Int) -> Int {
    var stream = named("balance").numbered(index / count).stream
    return stream.permutation(count)[index % count]
  }
}

/// Red, green and blue in 0…1.
typealias PlainColor = (red: Float, green: Float, blue: Float)

/// A circle or a square of one colour, on whole pixels.
///
/// A pixel that lies dx and dy from the centre belongs to a circle if dx² + dy² < r², to a square if
/// |dx| < r and |dy| < r. Source: SYSTEMS.md S2.
struct PlainShape {
  enum Form: String, CaseIterable { case circle, square }

  /// The colours of SYSTEMS.md S2.
  static let colors: [(name: String, values: PlainColor)] = [
    ("red", (1, 0.1, 0.1)), ("blue", (0.1, 0.1, 1)), ("green", (0.1, 0.8, 0.1)),
  ]

  let form: Form
  let color: PlainColor
  /// Column and row of the centre.
  let x: Int
  let y: Int
  /// r in pixels: the radius or half-side.
  let radius: Int

  func contains(_ column: Int, _ row: Int) -> Bool {
    let (dx, dy) = (column - x, row - y)
    return switch form {
    case .circle: dx * dx + dy * dy < radius * radius
    case .square: max(abs(dx), abs(dy)) < radius
    }
  }
}

extension RGBImage {
  /// Draws a square picture with normal noise: each value plus noise, clamped to 0…1, rounded to 8 bits.
  ///
  /// - Parameters:
  ///   - side: Pixels.
  ///   - noise: Standard deviation of the noise, of its own for each pixel and channel.
  ///   - key: Of the noise.
  ///   - color: Red, green and blue in 0…1 of the pixel in a column and a row, both from 0.
  static func drawn(
    side: Int, noise: Double, key: RandomKey, color: (_ column: Int, _ row: Int) -> PlainColor
  ) -> RGBImage {
    var values = [Float](repeating: 0, count: side * side * 3)
    values.withUnsafeMutableBufferPointer {
      RandomStream.fillNormal($0, key: key, deviation: Float(noise))
    }
    for row in 0..<side {
      for column in 0..<side {
        let start = (row * side + column) * 3
        let (red, green, blue) = color(column, row)
        values[start] += red
        values[start + 1] += green
        values[start + 2] += blue
      }
    }
    let pixels = values.map { UInt8((max(0, min(1, $0)) * 255).rounded()) }
    return RGBImage(width: side, height: side, pixels: pixels)
  }

  /// Shapes on white; where two overlap, the first is seen.
  static func drawn(
    _ shapes: [PlainShape], side: Int, noise: Double, key: RandomKey
  ) -> RGBImage {
    drawn(side: side, noise: noise, key: key) { column, row in
      shapes.first { $0.contains(column, row) }?.color ?? (1, 1, 1)
    }
  }
}
