import Foundation

/// One axis of a plot.
public struct PlotAxis: Sendable, Equatable {
  public enum Scale: Sendable, Equatable {
    case linear
    /// Powers of ten; values that are not positive are left out.
    case logarithmic
  }

  /// What the axis measures, its unit included: "Training time (s)".
  public var label: String
  public var scale: Scale
  /// The ends; taken from the data, with some space, if `nil`.
  public var range: ClosedRange<Double>?
  /// Whether marks on a linear axis stand at whole numbers only: epochs, updates.
  public var isCount: Bool
  /// Where marks stand; round values if `nil`. Values that were measured at: token budgets, image sizes.
  public var marks: [Double]?

  public init(
    _ label: String, scale: Scale = .linear, range: ClosedRange<Double>? = nil,
    isCount: Bool = false, marks: [Double]? = nil
  ) {
    self.label = label
    self.scale = scale
    self.range = range
    self.isCount = isCount
    self.marks = marks
  }

  func holds(_ value: Double) -> Bool { value.isFinite && (scale == .linear || value > 0) }

  /// The ends for some data: given ends, or the data's with 4 % to spare.
  func ends(for values: [Double]) -> ClosedRange<Double> {
    if let range, range.lowerBound < range.upperBound, holds(range.lowerBound) { return range }
    let shown = values.filter(holds)
    guard let low = shown.min(), let high = shown.max() else {
      return scale == .linear ? 0...1 : 1...10
    }
    switch scale {
    case .linear:
      let spare = high > low ? (high - low) * 0.04 : max(abs(high) * 0.1, 1e-12)
      return low - spare...high + spare
    case .logarithmic:
      let factor = high > low ? pow(high / low, 0.04) : 2
      return low / factor...high * factor
    }
  }

  /// Where a value lies between the ends, 0 to 1.
  func share(_ value: Double, in ends: ClosedRange<Double>) -> Double {
    switch scale {
    case .linear: (value - ends.lowerBound) / (ends.upperBound - ends.lowerBound)
    case .logarithmic: log(value / ends.lowerBound) / log(ends.upperBound / ends.lowerBound)
    }
  }

  func ticks(_ ends: ClosedRange<Double>, count: Int) -> Ticks {
    if let marks { return Ticks(at: marks.filter { holds($0) && ends.contains($0) }) }
    return switch scale {
    case .linear:
      Ticks(
        from: ends.lowerBound, to: ends.upperBound, count: count, leastStep: isCount ? 1 : 0)
    case .logarithmic: Ticks(logarithmicFrom: ends.lowerBound, to: ends.upperBound)
    }
  }
}

/// A point of a plot, in the units of its axes.
public struct PlotPoint: Sendable, Equatable {
  public var x: Double
  public var y: Double

  public init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }
}
