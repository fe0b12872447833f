/// A colour of eight bits a channel, sRGB.
public struct RGBColor: Hashable, Sendable {
  public var red: UInt8
  public var green: UInt8
  public var blue: UInt8

  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// From six hexadecimal digits: `0xRRGGBB`.
  init(hex: UInt32) {
    self.init(
      UInt8(truncatingIfNeeded: hex >> 16), UInt8(truncatingIfNeeded: hex >> 8),
      UInt8(truncatingIfNeeded: hex))
  }

  /// This colour moved towards another: 0 gives this one, 1 the other.
  func mixed(with other: RGBColor, by amount: Double) -> RGBColor {
    func mix(_ from: UInt8, _ to: UInt8) -> UInt8 {
      UInt8(min(max((Double(from) * (1 - amount) + Double(to) * amount).rounded(), 0), 255))
    }
    return RGBColor(
      mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
  }
}

extension RGBColor {
  public static let black = RGBColor(hex: 0x000000)
  public static let white = RGBColor(hex: 0xffffff)
  /// Captions before training, wrong answers.
  public static let before = RGBColor(hex: 0xb3261e)
  /// Captions after training, right answers.
  public static let after = RGBColor(hex: 0x1a7f37)
  /// Text that explains and does not lead.
  static let muted = RGBColor(hex: 0x57606a)
  /// Axes, frames and grid lines.
  static let frame = RGBColor(hex: 0x8c959f)
  static let gridLine = RGBColor(hex: 0xe3e6ea)
  /// A cell whose value is not finite.
  public static let notFinite = RGBColor(hex: 0x9e9e9e)

  /// Colours of series, told apart with every common form of colour blindness.
  ///
  /// Source: Okabe and Ito 2008, *Color Universal Design*, the yellow left out (unreadable on white).
  static let series = [
    RGBColor(hex: 0x0072b2), RGBColor(hex: 0xd55e00), RGBColor(hex: 0x009e73),
    RGBColor(hex: 0xcc79a7), RGBColor(hex: 0xe69f00), RGBColor(hex: 0x56b4e9),
    RGBColor(hex: 0x000000),
  ]

  /// The colour of a series by its place; places past the palette start again.
  public static func series(_ index: Int) -> RGBColor {
    series[((index % series.count) + series.count) % series.count]
  }
}
