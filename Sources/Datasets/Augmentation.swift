import Configuration
import Foundation
import Storage
import Tensors

/// Random changes of a picture before an encoder that is computed live sees it: `augmentation:` of a stage.
///
/// Brightness, contrast and saturation are multiplied by a factor that is uniform in max(0, 1 − x)…1 + x,
/// the hue is turned by a part of the circle uniform in −x…x, the four in an order drawn anew; then the
/// picture is turned about its middle by an angle uniform in −x…x degrees, bilinearly, black where it has
/// nothing. A setting of 0 leaves the picture as it is, bit for bit.
///
/// Source: torchvision's `ColorJitter` and `RandomRotation(interpolation=BILINEAR)` on Pillow images, equal to
/// them in every byte for equal factors (``ColorChange``, ``RGBImage/rotated(byDegrees:_:)``).
public struct Augmentation: ConfigSection {
  public var brightness = 0.0
  public var contrast = 0.0
  public var saturation = 0.0
  /// Of the whole circle.
  public var hue = 0.0
  /// Degrees.
  public var rotation = 0.0

  public init() {}

  public static let fields: [Field<Self>] = [
    .number("brightness", \.brightness, .range(0...10), "x: times a factor in 1 - x to 1 + x."),
    .number("contrast", \.contrast, .range(0...10), "x: times a factor in 1 - x to 1 + x."),
    .number("saturation", \.saturation, .range(0...10), "x: times a factor in 1 - x to 1 + x."),
    .number("hue", \.hue, .range(0...0.5), "x: turned by up to x of the circle either way."),
    .number("rotation", \.rotation, .range(0...180), "Turned by up to so many degrees either way."),
  ]

  /// A changed picture of the same size.
  ///
  /// - Parameter key: of this update and sample; equal keys give equal pictures.
  public func applied(to image: RGBImage, key: RandomKey) -> RGBImage {
    var lots = key.stream
    func uniform(_ low: Double, _ high: Double) -> Double {
      low + (high - low) * Double(lots.uniform())
    }
    func factor(_ setting: Double) -> Double? {
      setting > 0 ? uniform(max(0, 1 - setting), 1 + setting) : nil
    }
    let changes: [ColorChange?] = [
      factor(brightness).map(ColorChange.brightness), factor(contrast).map(ColorChange.contrast),
      factor(saturation).map(ColorChange.saturation),
      hue > 0 ? .hue(uniform(-hue, hue)) : nil,
    ]
    var result = image
    for place in lots.permutation(changes.count) {
      if let change = changes[place] { result = change.applied(to: result) }
    }
    guard rotation > 0 else { return result }
    return result.rotated(byDegrees: uniform(-rotation, rotation), .bilinear)
  }
}

/// One step of a colour jitter, as torchvision does it on a Pillow image.
public enum ColorChange: Sendable, Equatable {
  /// Blended with black: 0 black, 1 as it is.
  case brightness(Double)
  /// Blended with the mean grey: 0 grey all over, 1 as it is.
  case contrast(Double)
  /// Blended with its grey picture: 0 grey, 1 as it is.
  case saturation(Double)
  /// Of the whole circle, −0.5…0.5.
  case hue(Double)

  public func applied(to image: RGBImage) -> RGBImage {
    var pixels = image.pixels
    switch self {
    case .brightness(let factor):
      Self.blend(&pixels, by: factor) { _ in 0 }
    case .contrast(let factor):
      let area = image.width * image.height
      guard area > 0 else { return image }
      var sum = 0
      for start in stride(from: 0, to: pixels.count, by: 3) { sum += Self.grey(pixels, start) }
      let mean = Int(Double(sum) / Double(area) + 0.5)
      Self.blend(&pixels, by: factor) { _ in mean }
    case .saturation(let factor):
      let original = image.pixels
      Self.blend(&pixels, by: factor) { Self.grey(original, $0) }
    case .hue(let part):
      // int32, then uint8, both of which cut.
      let shift = UInt8(truncatingIfNeeded: Int(part * 255))
      for start in stride(from: 0, to: pixels.count, by: 3) {
        var hsv = HSV(red: pixels[start], green: pixels[start + 1], blue: pixels[start + 2])
        hsv.hue &+= shift
        (pixels[start], pixels[start + 1], pixels[start + 2]) = hsv.rgb
      }
    }
    return RGBImage(width: image.width, height: image.height, pixels: pixels)
  }

  /// Pillow's `convert("L")`: ITU-R 601-2 luma in 16-bit fixed point.
  private static func grey(_ pixels: [UInt8], _ start: Int) -> Int {
    let sum =
      Int(pixels[start]) * 19_595 + Int(pixels[start + 1]) * 38_470 + Int(pixels[start + 2]) * 7471
    return (sum + 0x8000) >> 16
  }

  /// Pillow's `Image.blend`: other + factor · (pixel − other) in float32, cut to whole numbers in 0…255.
  ///
  /// - Parameter other: of the pixel whose first value is at this place.
  private static func blend(_ pixels: inout [UInt8], by factor: Double, _ other: (Int) -> Int) {
    let alpha = Float(factor)
    for start in stride(from: 0, to: pixels.count, by: 3) {
      let other = other(start)
      for place in start..<start + 3 {
        let value = Float(other) + alpha * Float(Int(pixels[place]) - other)
        pixels[place] = UInt8(max(0, min(255, value)))
      }
    }
  }
}

/// Hue, saturation and value of a pixel, 8 bits each, as Pillow converts them (`Convert.c`, after Python's
/// `colorsys`).
struct HSV: Equatable {
  var hue: UInt8
  var saturation: UInt8
  var value: UInt8

  init(red: UInt8, green: UInt8, blue: UInt8) {
    let most = max(red, green, blue)
    let least = min(red, green, blue)
    value = most
    guard most > least else {
      (hue, saturation) = (0, 0)
      return
    }
    let range = Float(most - least)
    func distance(_ channel: UInt8) -> Float { Float(most - channel) / range }
    let sixth: Float =
      if red == most {
        distance(blue) - distance(green)
      } else if green == most {
        Float(2.0 + Double(distance(red)) - Double(distance(blue)))
      } else {
        Float(4.0 + Double(distance(green)) - Double(distance(red)))
      }
    let turn = Float((Double(sixth) / 6 + 1).truncatingRemainder(dividingBy: 1))
    hue = UInt8(max(0, min(255, Double(turn) * 255)))
    saturation = UInt8(max(0, min(255, Double(range / Float(most)) * 255)))
  }

  var rgb: (UInt8, UInt8, UInt8) {
    guard saturation > 0 else { return (value, value, value) }
    let turn = Double(Float(hue)) * 6 / 255
    let sector = Int(turn.rounded(.down))
    let rest = Float(turn - Double(Float(sector)))
    let purity = Float(Double(Float(saturation)) / 255)
    func part(_ factor: Double) -> UInt8 {
      let held = Float((Double(Float(value)) * factor).rounded(.toNearestOrAwayFromZero))
      return UInt8(max(0, min(255, held)))
    }
    let p = part(1 - Double(purity))
    let q = part(1 - Double(purity * rest))
    let t = part(1 - Double(purity) * (1 - Double(rest)))
    return switch sector % 6 {
    case 0: (value, t, p)
    case 1: (q, value, p)
    case 2: (p, value, t)
    case 3: (p, q, value)
    case 4: (t, p, value)
    default: (value, p, q)
    }
  }
}
