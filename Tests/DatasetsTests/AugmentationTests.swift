import Foundation
import Storage
import Tensors
import TestSupport
import Testing

@testable import Datasets

/// Colour changes and rotations against torchvision on Pillow images: `Fixtures/augmentation`.
struct AugmentationTests {
  struct Cases: Decodable {
    struct Case: Decodable {
      let picture: String
      let change: String
      let value: Double
      let name: String
    }
    let cases: [Case]
  }

  static func changed(_ image: RGBImage, _ change: String, _ value: Double) -> RGBImage? {
    switch change {
    case "brightness": ColorChange.brightness(value).applied(to: image)
    case "contrast": ColorChange.contrast(value).applied(to: image)
    case "saturation": ColorChange.saturation(value).applied(to: image)
    case "hue": ColorChange.hue(value).applied(to: image)
    default: RotationFilter(rawValue: change).map { image.rotated(byDegrees: value, $0) }
    }
  }

  @Test(
    "a change equals torchvision's in every byte",
    arguments: ["brightness", "contrast", "saturation", "hue", "nearest", "bilinear"])
  func parity(change: String) throws {
    let fixture = try ImageProcessorParityTests.Fixture("augmentation")
    let file = Fixtures.folder("augmentation").appending(path: "config.json")
    let cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: file)).cases
    let chosen = cases.filter { $0.change == change }
    #expect(chosen.count >= 24)
    for one in chosen {
      let result = try #require(
        Self.changed(try fixture.image(one.picture), change, one.value))
      let expected = try fixture.image(one.name)
      let different = zip(result.pixels, expected.pixels).count { $0 != $1 }
      #expect(different == 0, "\(one.picture), \(change) \(one.value)")
      #expect((result.width, result.height) == (expected.width, expected.height))
    }
  }

  @Test("hue, saturation and value come back to the same colour where the picture is grey or pure")
  func hsv() {
    for (red, green, blue) in [(0, 0, 0), (200, 200, 200), (255, 0, 0), (0, 255, 0)] {
      let (r, g, b) = (UInt8(red), UInt8(green), UInt8(blue))
      #expect(HSV(red: r, green: g, blue: b).rgb == (r, g, b))
    }
  }

  static func augmentation(_ change: (inout Augmentation) -> Void) -> Augmentation {
    var augmentation = Augmentation()
    change(&augmentation)
    return augmentation
  }

  static func picture() -> RGBImage {
    var stream = RandomKey(seed: 3).stream
    return RGBImage(
      width: 20, height: 14,
      pixels: (0..<20 * 14 * 3).map { _ in UInt8(40 + stream.integer(below: 150)) })
  }

  @Test("settings of 0 leave every byte; equal keys give equal pictures, other keys others")
  func keys() {
    let image = Self.picture()
    let key = RandomKey(seed: 1)
    #expect(Augmentation().applied(to: image, key: key) == image)
    let all = Self.augmentation {
      ($0.brightness, $0.contrast, $0.saturation, $0.hue, $0.rotation) = (0.3, 0.3, 0.3, 0.1, 20)
    }
    let first = all.applied(to: image, key: key.numbered(0))
    #expect(first == all.applied(to: image, key: key.numbered(0)))
    #expect(first != all.applied(to: image, key: key.numbered(1)))
    #expect(first != image)
    #expect((first.width, first.height) == (image.width, image.height))
  }

  @Test("a factor stays between 1 - x and 1 + x, both sides of it are met, and it is never below 0")
  func factors() {
    let grey = RGBImage(width: 1, height: 1, red: 100, green: 100, blue: 100)
    for (setting, low, high) in [(0.2, 80, 120), (3.0, 0, 255)] {
      let jitter = Self.augmentation { $0.brightness = setting }
      let values = (0..<400).map {
        Int(jitter.applied(to: grey, key: RandomKey(seed: 5).numbered($0)).pixels[0])
      }
      #expect(values.allSatisfy { (low...high).contains($0) })
      #expect(values.min().map { $0 <= low + 4 } == true)
      #expect(values.max().map { $0 >= high - 4 } == true)
    }
  }

  @Test("angles go both ways and no further than asked")
  func angles() {
    // A white column right of the middle: where its upper end goes tells the angle.
    var image = RGBImage(width: 41, height: 41)
    for row in 0..<20 { image[x: 20, y: row] = (255, 255, 255) }
    let turned = (0..<200).map { index -> Double in
      let picture = Self.augmentation { $0.rotation = 30 }
        .applied(to: image, key: RandomKey(seed: 6).numbered(index))
      var (sum, weight) = (0.0, 0.0)
      for row in 0..<20 {
        for column in 0..<41 {
          let light = Double(picture[x: column, y: row].red)
          sum += light * atan2(20 - Double(column), 20 - Double(row)) * 180 / Double.pi
          weight += light
        }
      }
      return sum / max(weight, 1)
    }
    #expect(turned.allSatisfy { abs($0) <= 31 })
    #expect(turned.contains { $0 > 25 } && turned.contains { $0 < -25 })
  }
}
