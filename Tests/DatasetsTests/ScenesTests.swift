import Foundation
import Storage
import Tensors
import Testing

@testable import Datasets

struct ScenesTests {
  static let painter = ScenePainter(
    seed: 7, imageSize: 64, maximumObjects: 3, captionsPerImage: 5)

  static func scenes(
    _ train: Int, _ validation: Int, _ test: Int, seed: Int = 0,
    change: (inout ScenesConfig) -> Void = { _ in }
  ) throws -> ExampleSet {
    var config = ScenesConfig()
    (config.train, config.validation, config.test, config.seed) = (train, validation, test, seed)
    change(&config)
    return try #require(config.read().first)
  }

  @Test("pixels, order and captions are those of form 1")
  func recorded() throws {
    #expect(try Self.scenes(40, 10, 20).contentDigest == "4fd65a6ea46713ca7a1ca677db738515")
    let other = try Self.scenes(12, 3, 5, seed: 9) {
      ($0.imageSize, $0.maxObjects, $0.captionsPerImage) = (32, 2, 8)
    }
    #expect(other.contentDigest == "a27e87920015ea7a37d472e87ca09cda")
  }

  @Test("an image depends on seed, part and number, not on how many others there are")
  func determinism() throws {
    let few = try Self.scenes(5, 2, 3, seed: 4)
    let many = try Self.scenes(9, 1, 6, seed: 4)
    #expect(Array(many.train.prefix(5)) == few.train)
    #expect(Array(many.test.prefix(3)) == few.test)
    #expect(try Self.scenes(5, 2, 3, seed: 5).train != few.train)
    #expect(few.digestContent != many.digestContent)
  }

  @Test("no scene of the test part is a scene of the training part")
  func partsShareNothing() {
    let train = Set((0..<1500).map { Self.painter.scene(.train, $0).facts })
    let validation = Set((0..<300).map { Self.painter.scene(.validation, $0).facts })
    let test = Set((0..<500).map { Self.painter.scene(.test, $0).facts })
    #expect(train.isDisjoint(with: test))
    #expect(train.isDisjoint(with: validation))
    #expect(validation.isDisjoint(with: test))
  }

  @Test("every number of objects, colour, shape, size and place occurs")
  func variety() {
    let scenes = (0..<400).map { Self.painter.scene(.train, $0) }
    #expect(Set(scenes.map(\.objects.count)) == [1, 2, 3])
    let objects = scenes.flatMap(\.objects)
    #expect(Set(objects.map(\.color)).count == Scene.Color.allCases.count)
    #expect(Set(objects.map(\.shape)).count == Scene.Shape.allCases.count)
    #expect(Set(objects.map(\.size)).count == Scene.Size.allCases.count)
    #expect(Set(objects.map { $0.row * 3 + $0.column }).count == 9)
  }

  @Test("captions are lower-case words and single spaces, and no two of an image are equal")
  func captionForm() {
    for index in 0..<200 {
      let captions = Self.painter.scene(.train, index).captions
      #expect(captions.count == Scene.phrasings)
      #expect(Set(captions).count == captions.count)
      for caption in captions {
        #expect(caption.wholeMatch(of: /[a-z]+( [a-z]+)*/) != nil, "\(caption)")
      }
    }
  }

  @Test("captions say what the scene shows")
  func captionsOfKnownScenes() {
    let red = Scene.Object(shape: .circle, color: .red, size: .large, row: 0, column: 1)
    let blue = Scene.Object(shape: .square, color: .blue, size: .small, row: 2, column: 0)
    let green = Scene.Object(shape: .circle, color: .red, size: .small, row: 2, column: 2)
    let one = Scene(objects: [red]).captions
    #expect(one.contains("a large red circle at the top"))
    #expect(one.contains("there is one large red circle at the top of the picture"))
    let two = Scene(objects: [red, blue]).captions
    #expect(two.contains("a large red circle above a small blue square"))
    #expect(two.contains("a small blue square below a large red circle"))
    #expect(two.contains("there are two shapes a large red circle and a small blue square"))
    let row = Scene(objects: [blue, green]).captions
    #expect(row.contains("a small blue square to the left of a small red circle"))
    #expect(row.contains("a small red circle to the right of a small blue square"))
    let alike = Scene(objects: [red, green]).captions
    #expect(alike.contains("there are two red circles a large red circle and a small red circle"))
    let three = Scene(objects: [red, blue, green]).captions
    #expect(
      three.contains(
        "a large red circle at the top a small blue square at the bottom left "
          + "and a small red circle at the bottom right"))
  }

  @Test("an object is drawn in its place and colour, and nowhere else")
  func drawing() {
    for color in Scene.Color.allCases {
      for shape in Scene.Shape.allCases {
        let object = Scene.Object(shape: shape, color: color, size: .large, row: 2, column: 0)
        var stream = RandomKey(seed: 1).named("\(color) \(shape)").stream
        let image = Scene(objects: [object]).drawn(side: 60, from: &stream)
        let background = image[x: 50, y: 10]
        let (red, green, blue) = color.components
        let center = image[x: 10, y: 50]
        #expect(abs(Int(center.red) - red) <= 17)
        #expect(abs(Int(center.green) - green) <= 17)
        #expect(abs(Int(center.blue) - blue) <= 17)
        for y in 0..<60 {
          for x in 0..<60 where x >= 20 || y < 40 {
            let pixel = image[x: x, y: y]
            #expect(abs(Int(pixel.red) - Int(background.red)) <= 10)
          }
        }
      }
    }
  }
}
