import Foundation

/// The scale beside a heatmap: its colours, and round values at their places.
struct ColorBar {
  let map: ColorMap
  let range: ClosedRange<Float>
  let ticks: Ticks

  /// Width of the strip of colours, in points.
  static let stripWidth = 11.0
  private static let tickLength = 3.0
  private static let labelGap = 3.0

  init(map: ColorMap, range: ClosedRange<Float>, height: Double) {
    self.map = map
    self.range = range
    ticks = Ticks(
      from: Double(range.lowerBound), to: Double(range.upperBound),
      count: min(max(Int(height / 40), 2), 6))
  }

  /// Strip, tick marks and the widest label, in points.
  func width(_ ruler: TextRuler) -> Double {
    let labels = ticks.labels + (ticks.exponentLabel.map { [$0] } ?? [])
    let label = ruler.width(labels, .tick)
    return (Self.stripWidth + Self.tickLength + Self.labelGap + label).rounded(.up)
  }

  /// Draws the bar; the power of ten, if labels share one, stands above it.
  func draw(on canvas: Canvas, left: Double, top: Double, height: Double) {
    let strip = CGRect(x: left, y: top, width: Self.stripWidth, height: height)
    let steps = Int(height) * canvas.scale
    for step in 0..<steps {
      // From the top down; a range without extent is one colour, as in the heatmap.
      let isFlat = range.lowerBound == range.upperBound
      let share = isFlat ? 0 : (Float(steps - step) - 0.5) / Float(steps)
      let row = CGRect(
        x: strip.minX, y: top + Double(step) / Double(canvas.scale), width: strip.width,
        height: 1 / Double(canvas.scale))
      canvas.fill(row, map[share])
    }
    canvas.frame(strip, .frame, width: 0.75)
    for (value, label) in zip(ticks.values, ticks.labels) {
      let extent = Double(range.upperBound - range.lowerBound)
      let share = extent > 0 ? (value - Double(range.lowerBound)) / extent : 0
      let y = top + height * (1 - share)
      canvas.line(
        [CGPoint(x: strip.maxX, y: y), CGPoint(x: strip.maxX + Self.tickLength, y: y)], .frame,
        width: 0.75)
      canvas.text(
        label,
        at: CGPoint(
          x: strip.maxX + Self.tickLength + Self.labelGap, y: y + TextStyle.tick.halfDigit),
        .tick)
    }
    if let exponent = ticks.exponentLabel {
      canvas.text(exponent, at: CGPoint(x: strip.minX, y: top - 5), .tick)
    }
  }
}
