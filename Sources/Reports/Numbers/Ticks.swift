import Foundation

/// The marks of an axis: round numbers inside a range, with labels of equal precision.
///
/// Source: Heckbert 1990, *Nice numbers for graph labels*, Graphics Gems: steps of 1, 2, 2.5 or 5
/// times a power of ten.
package struct Ticks: Equatable, Sendable {
  package let values: [Double]
  package let labels: [String]
  /// The power of ten that every label is to be multiplied by; 0 when labels are plain.
  package let exponent: Int

  /// "×10⁻⁴", or `nil` where labels are plain.
  package var exponentLabel: String? { exponent == 0 ? nil : "×10" + Self.superscript(exponent) }

  /// Marks for a linear axis.
  ///
  /// Edge cases: an empty range gives its one value; the number of marks differs from `count` by
  /// what round steps ask for.
  package init(from low: Double, to high: Double, count: Int = 5, leastStep: Double = 0) {
    let largest = max(abs(low), abs(high))
    guard low.isFinite, high.isFinite, high > low, (high - low) > largest * 1e-12 else {
      let exponent = Self.labelExponent(largest: largest)
      let value = low.isFinite ? low : 0
      self.init(
        values: [value],
        labels: [NumberFormat.significant(3).text(value / pow(10, Double(exponent)))],
        exponent: exponent)
      return
    }
    let step = max(Self.step(span: high - low, count: count), leastStep)
    let first = (low / step - 1e-9).rounded(.up)
    let last = (high / step + 1e-9).rounded(.down)
    let values = stride(from: first, through: max(first, last), by: 1).map { $0 * step }
    let exponent = Self.labelExponent(largest: largest)
    let scale = pow(10, Double(exponent))
    let digits = Self.digits(of: step / scale)
    self.init(
      values: values,
      labels: values.map { value in
        digits == 0 && largest >= 10_000
          ? NumberFormat.integer.text(value / scale)
          : NumberFormat.decimals(digits).text(value / scale)
      },
      exponent: exponent)
  }

  /// Marks at powers of ten, for a logarithmic axis; ranges under two powers also get 2 and 5.
  ///
  /// - Precondition: both ends are positive.
  package init(logarithmicFrom low: Double, to high: Double) {
    precondition(low > 0 && high > 0, "a logarithmic axis needs positive ends")
    let first = Int(log10(low).rounded(.down))
    let last = Int(log10(high).rounded(.up))
    let factors: [Double] = log10(high / low) < 2 ? [1, 2, 5] : [1]
    let every = max(1, (last - first) / 8 + 1)
    let powers = stride(from: first, through: last, by: every).map { pow(10, Double($0)) }
    let marks: [Double] = powers.flatMap { power in factors.map { $0 * power } }
    let range = low * (1 - 1e-9)...high * (1 + 1e-9)
    let values = marks.filter { range.contains($0) }
    self.init(
      values: values, labels: values.map { NumberFormat.significant(3).text($0) }, exponent: 0)
  }

  /// Marks at given values, in order.
  package init(at values: [Double]) {
    self.init(
      values: values, labels: values.map { NumberFormat.significant(6).text($0) }, exponent: 0)
  }

  private init(values: [Double], labels: [String], exponent: Int) {
    self.values = values
    self.labels = labels
    self.exponent = exponent
  }

  private static func step(span: Double, count: Int) -> Double {
    let rough = span / Double(max(count, 1))
    let power = pow(10, log10(rough).rounded(.down))
    let fraction = rough / power
    let nice =
      [1, 2, 2.5, 5, 10].min { abs(log($0 / fraction)) < abs(log($1 / fraction)) } ?? 1
    return nice * power
  }

  /// Plain labels between 0.001 and 100,000; outside that a common power of ten.
  private static func labelExponent(largest: Double) -> Int {
    guard largest > 0, largest.isFinite else { return 0 }
    let exponent = Int(log10(largest).rounded(.down))
    return (-3..<6).contains(exponent) ? 0 : exponent
  }

  /// Decimals that tell multiples of `step` apart.
  private static func digits(of step: Double) -> Int {
    (0..<12).first { digits in
      let scaled = step * pow(10, Double(digits))
      return abs(scaled - scaled.rounded()) < 1e-6 * max(1, scaled)
    } ?? 12
  }

  static func superscript(_ exponent: Int) -> String {
    let digits: [Character] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
    let text = String(abs(exponent)).compactMap(\.wholeNumberValue).map { digits[$0] }
    return (exponent < 0 ? "⁻" : "") + String(text)
  }
}
