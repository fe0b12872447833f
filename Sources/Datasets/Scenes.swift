import Configuration
import Storage
import Tensors

/// Settings of `kind: scenes`: scenes of coloured shapes with captions from a small grammar, drawn by the
/// program.
///
/// An image depends on the seed, its part and its number only: asking for more images of one part
/// changes none of the others. What a scene shows (objects and places) decides which part may draw
/// it, for every seed alike: seven in ten for training, one for validation, two for test. So no test
/// image shows what a training image shows.
public struct ScenesConfig: DatasetSettings {
  /// Side of the square images in pixels.
  public var imageSize = 64
  public var train = 1000
  public var validation = 100
  public var test = 200
  public var seed = 0
  public var maxObjects = 3
  public var captionsPerImage = 5

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("image_size", \.imageSize, .range(16...1024), "Side of the square image in pixels."),
    .integer("train", \.train, .positive, "Training images."),
    .integer("validation", \.validation, .positive, "Images that choose the checkpoint."),
    .integer("test", \.test, .positive, "Images that are reported on."),
    .integer("seed", \.seed, .atLeast(0), "Seed of the drawings and captions."),
    .integer("max_objects", \.maxObjects, .range(1...3), "Objects in an image, at most."),
    .integer(
      "captions_per_image", \.captionsPerImage, .range(1...Scene.phrasings),
      "Phrasings of the same scene."),
  ]

  public var summary: String {
    "\(train) training, \(validation) validation, \(test) test images; "
      + "\(captionsPerImage) captions each"
  }

  public func read() -> [ExampleSet] {
    let painter = ScenePainter(
      seed: seed, imageSize: imageSize, maximumObjects: maxObjects,
      captionsPerImage: captionsPerImage)
    return [
      ExampleSet(
        name: "scenes",
        description: "made-up scenes, form 1, seed \(seed), \(imageSize) pixels, up to "
          + "\(maxObjects) objects, \(captionsPerImage) captions, \(train) train, "
          + "\(validation) validation, \(test) test",
        train: (0..<train).map { painter.example(.train, $0) },
        validation: (0..<validation).map { painter.example(.validation, $0) },
        test: (0..<test).map { painter.example(.test, $0) })
    ]
  }
}

struct ScenePainter {
  let seed: Int
  let imageSize: Int
  let maximumObjects: Int
  let captionsPerImage: Int

  private var key: RandomKey {
    RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("scenes")
  }

  /// The scene of an image: lots are drawn until one belongs to the part.
  func scene(_ part: ExampleSet.Part, _ index: Int) -> Scene {
    var stream = key.named(part.rawValue).numbered(index).named("scene").stream
    while true {
      let scene = Scene(maximumObjects: maximumObjects, from: &stream)
      var lot = RandomKey(seed: 0).named("scene part").named(scene.facts).stream
      if part.tenths.contains(lot.integer(below: 10)) { return scene }
    }
  }

  func example(_ part: ExampleSet.Part, _ index: Int) -> Example {
    let scene = scene(part, index)
    let imageKey = key.named(part.rawValue).numbered(index)
    var wording = imageKey.named("captions").stream
    return Example(
      id: part.id("scene", index),
      source: .drawing(
        Drawing(
          "scene, form 1, seed \(seed), \(imageSize) pixels, \(part.rawValue) \(index): "
            + scene.facts
        ) {
          var stream = imageKey.named("drawing").stream
          return scene.drawn(side: imageSize, from: &stream)
        }),
      captions: scene.captions(captionsPerImage, from: &wording))
  }
}

extension ExampleSet.Part {
  /// The tenths of all scenes that this part may show.
  fileprivate var tenths: Range<Int> {
    switch self {
    case .train: 0..<7
    case .validation: 7..<8
    case .test: 8..<10
    }
  }
}
