import Configuration
import Storage
import Testing

@testable import Datasets

/// What all data sets have in common that the program draws.
struct DrawnSetsTests {
  static let kinds = ["colors", "colors of three sizes", "shapes_vqa", "pairs", "count", "glyphs"]

  static func settings(_ kind: String) -> any DrawnSettings {
    switch kind {
    case "colors":
      var config = ColorsConfig()
      config.sizes = [24]
      return config
    case "colors of three sizes":
      var config = ColorsConfig()
      config.sizes = [16, 24, 40]
      return config
    case "shapes_vqa": return ShapesVQAConfig()
    case "pairs": return PairsConfig()
    case "count": return CountConfig()
    default: return GlyphsConfig()
    }
  }

  /// The sets of one kind with parts of the given sizes.
  static func set(
    _ kind: String, _ train: Int, _ validation: Int, _ test: Int, seed: Int = 0
  ) throws -> ExampleSet {
    func drawn(_ settings: some DrawnSettings) throws -> [ExampleSet] {
      var settings = settings
      (settings.train, settings.validation, settings.test) = (train, validation, test)
      settings.seed = seed
      return try settings.read()
    }
    return try #require(try drawn(settings(kind)).first)
  }

  @Test("an image depends on seed, part and number only", arguments: kinds)
  func determinism(kind: String) throws {
    let few = try Self.set(kind, 5, 2, 3, seed: 4)
    let many = try Self.set(kind, 11, 3, 7, seed: 4)
    #expect(Array(many.train.prefix(few.train.count)) == few.train)
    #expect(Array(many.test.prefix(few.test.count)) == few.test)
    let other = try Self.set(kind, 5, 2, 3, seed: 5)
    #expect(other.media != few.media)
    #expect(few.digestContent != many.digestContent)
    #expect(few.digestContent != other.digestContent)
  }

  @Test("no two images are equal, in one part or two, of one seed or two", arguments: kinds)
  func noTwoAreEqual(kind: String) throws {
    let media = try (0..<2).flatMap { try Self.set(kind, 60, 20, 40, seed: $0).media }
    #expect(media.count == (kind == "pairs" ? 480 : 240))
    #expect(Set(try media.map { try $0.digest() }).count == media.count)
  }

  @Test("parts have the sizes asked for", arguments: kinds)
  func sizes(kind: String) throws {
    let set = try Self.set(kind, 12, 3, 7)
    let media = ExampleSet.Part.allCases.map { part in
      Set(set.examples(part).flatMap(\.media).map(\.id))
    }
    let each = kind == "pairs" ? 2 : 1
    #expect(media.map(\.count) == [12 * each, 3 * each, 7 * each])
    #expect(media[0].isDisjoint(with: media[1]) && media[1].isDisjoint(with: media[2]))
    #expect(media[0].isDisjoint(with: media[2]))
  }

  @Test("settings that are written out are read back", arguments: kinds)
  func fields(kind: String) throws {
    func check<Settings: DrawnSettings>(_ settings: Settings) throws {
      let read = try Settings.decode(settings.resolved, folder: "/", environment: [:])
      #expect(read == settings)
      #expect(DatasetConfig(settings).kind == Settings.name)
      var other = settings
      other.seed = 3
      #expect(try Settings.decode(other.resolved, folder: "/", environment: [:]) != settings)
    }
    try check(Self.settings(kind))
  }
}

/// What stands out from a white ground of a picture without noise.
struct PicturePatches {
  /// The pixels of each 4-connected patch of one colour.
  private(set) var patches: [[(x: Int, y: Int)]] = []
  private(set) var colors: [[UInt8]] = []

  init(_ image: RGBImage) {
    var open = Set(
      (0..<image.width * image.height).filter { Self.color(image, $0) != [255, 255, 255] })
    while let first = open.min() {
      open.remove(first)
      let color = Self.color(image, first)
      var patch = [first]
      var next = 0
      while next < patch.count {
        let (x, y) = (patch[next] % image.width, patch[next] / image.width)
        next += 1
        for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)]
        where (0..<image.width).contains(x + dx) && (0..<image.height).contains(y + dy) {
          let place = (y + dy) * image.width + x + dx
          if open.contains(place), Self.color(image, place) == color {
            open.remove(place)
            patch.append(place)
          }
        }
      }
      patches.append(patch.map { ($0 % image.width, $0 / image.width) })
      colors.append(color)
    }
  }

  private static func color(_ image: RGBImage, _ place: Int) -> [UInt8] {
    Array(image.pixels[place * 3..<place * 3 + 3])
  }

  /// Whether a patch fills the rectangle around it.
  func isSquare(_ patch: Int) -> Bool {
    let (xs, ys) = (patches[patch].map(\.x), patches[patch].map(\.y))
    let wide = (xs.max() ?? 0) - (xs.min() ?? 0) + 1
    let tall = (ys.max() ?? 0) - (ys.min() ?? 0) + 1
    return wide == tall && wide * tall == patches[patch].count
  }
}
