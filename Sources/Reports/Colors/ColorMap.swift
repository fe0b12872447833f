/// A table of 256 colours that a value between 0 and 1 picks from.
///
/// Entry of `value`: `min(Int(value · 256), 255)`, as matplotlib does it.
///
/// Edge cases: values under 0 take the first colour, values over 1 the last, and a value that is not
/// finite ``RGBColor/notFinite``.
public struct ColorMap: Sendable, Equatable {
  public let name: String
  /// Shape `[256]`.
  public let entries: [RGBColor]

  public subscript(value: Float) -> RGBColor {
    guard value.isFinite else { return .notFinite }
    return entries[Int(min(max(value, 0) * 256, 255))]
  }
}

extension ColorMap {
  /// Dark violet to yellow, even in brightness.
  public static let viridis = ColorMap(name: "viridis", hexadecimal: ColorMapTables.viridis)

  /// Black over red to pale yellow, even in brightness.
  public static let inferno = ColorMap(name: "inferno", hexadecimal: ColorMapTables.inferno)

  /// Black, red, yellow, white.
  ///
  /// Source: matplotlib's `hot`: straight lines between the knees 0.365079 and 0.746032, cut to bytes
  /// as matplotlib cuts them.
  public static let hot = ColorMap(
    name: "hot",
    entries: (0..<256).map { index in
      let position = Double(index) / 255
      func ramp(from start: Double, to end: Double, at low: Double) -> UInt8 {
        let share = min(max((position - start) / (end - start), 0), 1)
        return UInt8((low + (1 - low) * share) * 255)
      }
      return RGBColor(
        ramp(from: 0, to: 0.365079, at: 0.0416), ramp(from: 0.365079, to: 0.746032, at: 0),
        ramp(from: 0.746032, to: 1, at: 0))
    })

  /// Blue over white to red, for values whose sign matters: the middle is 0.5.
  public static let signed = ColorMap(
    name: "signed",
    entries: (0..<256).map { index in
      let position = Double(index) / 255 * 2 - 1
      let end = position < 0 ? RGBColor(hex: 0x2166ac) : RGBColor(hex: 0xb2182b)
      return RGBColor.white.mixed(with: end, by: abs(position))
    })

  private init(name: String, hexadecimal: String) {
    let digits = hexadecimal.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    precondition(digits.count == 6 * 256, "colour table \(name) has \(digits.count) digits")
    self.name = name
    self.entries = (0..<256).map { index in
      let hex = digits[6 * index..<6 * index + 6].reduce(UInt32(0)) { $0 << 4 | UInt32($1) }
      return RGBColor(hex: hex)
    }
  }
}
