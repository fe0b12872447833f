import Foundation

/// How a number is written for people; the same number always gives the same text.
public enum NumberFormat: Hashable, Sendable {
  /// Rounded to a whole number, thousands set apart: `1,908,480`.
  case integer
  /// A fixed number of decimals: `0.579`.
  case decimals(Int)
  /// A number of significant digits, with a power of ten where the decimals would run long: `0.00021`,
  /// `3.2e-7`.
  case significant(Int)
  /// A number of significant digits and a prefix of 1000: `957 G`, `1.91 M`.
  case prefixed(Int)
  /// A probability: three decimals, and `<0.001` under that.
  case probability

  /// Edge cases: NaN is `nan`, infinities are `inf` and `-inf`; minus zero is written as zero.
  public func text(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    switch self {
    case .integer: return Self.grouped(value)
    case .decimals(let digits): return Self.fixed(value, digits)
    case .significant(let digits): return Self.significant(value, digits)
    case .prefixed(let digits): return Self.prefixed(value, digits)
    case .probability: return value < 0.001 ? "<0.001" : Self.fixed(value, 3)
    }
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    let text = String(format: "%.\(max(digits, 0))f", value)
    let isZero = text.allSatisfy { "-0.".contains($0) }
    return isZero && text.hasPrefix("-") ? String(text.dropFirst()) : text
  }

  private static func grouped(_ value: Double) -> String {
    let plain = fixed(value, 0)
    let digits = plain.drop { $0 == "-" }
    var text = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return plain.hasPrefix("-") ? "-" + text : text
  }

  private static func significant(_ value: Double, _ digits: Int) -> String {
    guard value != 0 else { return "0" }
    // The exponent after rounding: 9.996 with three digits is 10.0, not 9.996's own power.
    let scientific = String(format: "%.\(max(digits - 1, 0))e", value)
    let parts = scientific.split(separator: "e")
    guard parts.count == 2, let exponent = Int(parts[1]) else { return scientific }
    if exponent < -4 || exponent >= max(digits, 6) {
      return trimmed(String(parts[0])) + "e\(exponent)"
    }
    return trimmed(fixed(value, max(digits - 1 - exponent, 0)))
  }

  private static func prefixed(_ value: Double, _ digits: Int) -> String {
    let prefixes = ["", " k", " M", " G", " T", " P", " E"]
    var scaled = value
    var step = 0
    while step < prefixes.count - 1 {
      // Rounds first, so that 999,999 becomes 1 M and not 1000 k.
      let rounded = Double(String(format: "%.\(max(digits - 1, 0))e", scaled)) ?? scaled
      if abs(rounded) < 1000 { break }
      scaled /= 1000
      step += 1
    }
    return significant(scaled, digits) + prefixes[step]
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var kept = Substring(text)
    while kept.hasSuffix("0") { kept.removeLast() }
    if kept.hasSuffix(".") { kept.removeLast() }
    return String(kept)
  }
}
