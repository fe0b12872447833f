import Storage
import Tensors

extension CaptionDataset {
  /// Draws scenes of coloured shapes with captions from a small grammar: nothing to download.
  ///
  /// An image depends on the seed, its part and its number only: asking for more images of one part
  /// changes none of the others. What a scene shows (objects and places) decides which part may draw
  /// it, for every seed alike: seven in ten for training, one for validation, two for test. So no test
  /// image shows what a training image shows.
  ///
  /// - Parameters:
  ///   - train: Images of this part, likewise `validation` and `test`.
  ///   - imageSize: Side of the square images in pixels, at least 16.
  ///   - maximumObjects: Objects in an image, 1 to 3.
  ///   - captionsPerImage: Phrasings of each scene, 1 to 8.
  public static func scenes(
    train: Int, validation: Int, test: Int, seed: Int = 0, imageSize: Int = 64,
    maximumObjects: Int = 3, captionsPerImage: Int = 5
  ) -> CaptionDataset {
    precondition((1...3).contains(maximumObjects), "a scene has 1 to 3 objects")
    precondition((1...Scene.phrasings).contains(captionsPerImage), "a scene has 1 to 8 captions")
    let painter = ScenePainter(
      key: RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("scenes"), imageSize: imageSize,
      maximumObjects: maximumObjects, captionsPerImage: captionsPerImage)
    return CaptionDataset(
      name: "scenes",
      description: "made-up scenes, form 1, seed \(seed), \(imageSize) pixels, up to "
        + "\(maximumObjects) objects, \(captionsPerImage) captions, \(train) train, "
        + "\(validation) validation, \(test) test",
      train: (0..<train).map { painter.image(.train, $0) },
      validation: (0..<validation).map { painter.image(.validation, $0) },
      test: (0..<test).map { painter.image(.test, $0) })
  }
}

struct ScenePainter {
  enum Part: String {
    case train, validation, test

    /// The tenths of all scenes that this part may show.
    var tenths: Range<Int> {
      switch self {
      case .train: 0..<7
      case .validation: 7..<8
      case .test: 8..<10
      }
    }
  }

  let key: RandomKey
  let imageSize: Int
  let maximumObjects: Int
  let captionsPerImage: Int

  /// The scene of an image: lots are drawn until one belongs to the part.
  func scene(_ part: Part, _ index: Int) -> Scene {
    var stream = key.named(part.rawValue).numbered(index).named("scene").stream
    while true {
      let scene = Scene(maximumObjects: maximumObjects, from: &stream)
      var lot = RandomKey(seed: 0).named("scene part").named(scene.facts).stream
      if part.tenths.contains(lot.integer(below: 10)) { return scene }
    }
  }

  func image(_ part: Part, _ index: Int) -> CaptionedImage {
    let scene = scene(part, index)
    let imageKey = key.named(part.rawValue).numbered(index)
    var drawing = imageKey.named("drawing").stream
    var wording = imageKey.named("captions").stream
    let number = String(repeating: "0", count: max(0, 6 - "\(index)".count)) + "\(index)"
    return CaptionedImage(
      id: "scene-\(part.rawValue)-\(number)",
      source: .generated(scene.drawn(side: imageSize, from: &drawing)),
      captions: scene.captions(captionsPerImage, from: &wording))
  }
}
