/// An interval of values, from a resampling procedure.
public struct Interval: Sendable, Equatable {
  public let lower: Double
  public let upper: Double

  public init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  /// The same, its ends held within what values there can be.
  func clamped(to range: ClosedRange<Double>?) -> Interval {
    guard let range else { return self }
    return Interval(
      lower: min(max(lower, range.lowerBound), range.upperBound),
      upper: min(max(upper, range.lowerBound), range.upperBound))
  }

  public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }

  /// The percentile interval that holds `level` of the values, quantiles interpolated linearly.
  public init(percentilesOf values: [Double], level: Double = 0.95) {
    let sorted = values.sorted()
    lower = quantile(of: sorted, (1 - level) / 2)
    upper = quantile(of: sorted, (1 + level) / 2)
  }

  /// The interval with both ends `factor` times as far from `center`; itself for a factor of 1.
  func widened(by factor: Double, about center: Double) -> Self {
    if factor == 1 { return self }
    return Self(
      lower: center + factor * (lower - center), upper: center + factor * (upper - center))
  }
}

/// Quantile of sorted values with linear interpolation, as NumPy's default.
private func quantile(of sorted: [Double], _ fraction: Double) -> Double {
  guard !sorted.isEmpty else { return .nan }
  let position = fraction * Double(sorted.count - 1)
  let below = Int(position)
  let above = min(below + 1, sorted.count - 1)
  return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
}
