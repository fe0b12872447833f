import Foundation
import Storage

/// Horizontal bars with their 95 % intervals: one metric over all arms.
public struct BarPlot: Figure {
  public struct Bar: Sendable, Equatable {
    public var label: String
    public var value: Double
    /// The 95 % interval, drawn as a whisker.
    public var interval: ClosedRange<Double>?
    /// Grey, for controls.
    public var isMuted: Bool

    public init(
      label: String, value: Double, interval: ClosedRange<Double>? = nil, isMuted: Bool = false
    ) {
      self.label = label
      self.value = value
      self.interval = interval
      self.isMuted = isMuted
    }
  }

  public var title: String
  /// What the bars measure; they start at zero.
  public var axis: String
  public var bars: [Bar]
  public var format: NumberFormat
  public var plotWidth: Int

  public init(
    title: String, axis: String, bars: [Bar], format: NumberFormat = .decimals(3),
    plotWidth: Int = 420
  ) {
    self.title = title
    self.axis = axis
    self.bars = bars
    self.format = format
    self.plotWidth = plotWidth
  }

  public func image(scale: Int) throws -> RGBImage {
    let ruler = try TextRuler()
    let margin = 14.0
    let labels = bars.map { ruler.wrap($0.label, width: 190, .label) }
    let values = bars.map { $0.value.isFinite ? format.text($0.value) : "–" }
    let heights = labels.map { max(Double($0.count) * TextStyle.label.lineHeight + 8, 26) }
    let left = (margin + ruler.width(labels.flatMap(\.self), .label) + 8).rounded(.up)
    let width = Double(plotWidth)
    let valueSpace = ruler.width(values, .tick) + 10
    let heading = ruler.wrap(title, width: left - margin + width + valueSpace, .title)
    let top = (margin + Double(heading.count) * TextStyle.title.lineHeight + 6).rounded()
    let area = CGRect(x: left, y: top, width: width, height: max(heights.reduce(0, +), 20))
    let ends = ends
    let ticks = Ticks(from: ends.lowerBound, to: ends.upperBound, count: Int(width / 70))
    let canvas = try Canvas(
      width: area.maxX + valueSpace + margin,
      height: area.maxY + 7 + TextStyle.tick.lineHeight + 4 + TextStyle.label.lineHeight + margin,
      scale: scale)
    func place(_ value: Double) -> Double {
      let share = (value - ends.lowerBound) / (ends.upperBound - ends.lowerBound)
      return area.minX + area.width * share
    }
    canvas.lines(heading, at: CGPoint(x: margin, y: margin), .title)
    for (value, label) in zip(ticks.values, ticks.labels) {
      let x = place(value)
      canvas.line([CGPoint(x: x, y: area.minY), CGPoint(x: x, y: area.maxY)], .gridLine)
      canvas.line([CGPoint(x: x, y: area.maxY), CGPoint(x: x, y: area.maxY + 4)], .frame)
      canvas.lines([label], at: CGPoint(x: x, y: area.maxY + 6), .tick, anchor: .middle)
    }
    let axisTitle = ticks.exponentLabel.map { "\(axis)  \($0)" } ?? axis
    canvas.lines(
      [axisTitle], at: CGPoint(x: area.midX, y: area.maxY + 7 + TextStyle.tick.lineHeight),
      .label, anchor: .middle)
    var y = area.minY
    for (index, bar) in bars.enumerated() {
      let middle = y + heights[index] / 2
      let textHeight = Double(labels[index].count) * TextStyle.label.lineHeight
      canvas.lines(
        labels[index], at: CGPoint(x: area.minX - 8, y: middle - textHeight / 2), .label,
        anchor: .end)
      let end = draw(bar, at: middle, place: place, on: canvas)
      canvas.text(
        values[index], at: CGPoint(x: end + 6, y: middle + TextStyle.tick.halfDigit), .tick)
      y += heights[index]
    }
    canvas.line(
      [CGPoint(x: place(0), y: area.minY), CGPoint(x: place(0), y: area.maxY)], .frame, width: 1.2)
    return canvas.image
  }

  /// The ends of the axis: zero and every bar and whisker, with space at the far end.
  private var ends: ClosedRange<Double> {
    let reached = bars.flatMap { bar in
      [bar.value] + (bar.interval.map { [$0.lowerBound, $0.upperBound] } ?? [])
    }.filter(\.isFinite)
    let low = min(reached.min() ?? 0, 0)
    let high = max(reached.max() ?? 1, 0)
    let spare = high > low ? (high - low) * 0.04 : 1
    return (low < 0 ? low - spare : 0)...(high > 0 ? high + spare : spare)
  }

  /// Draws bar and whisker, and gives the place where its value may be written.
  private func draw(
    _ bar: Bar, at middle: Double, place: (Double) -> Double, on canvas: Canvas
  ) -> Double {
    guard bar.value.isFinite else { return place(0) }
    let ends = [place(0), place(bar.value)]
    let color = bar.isMuted ? RGBColor(hex: 0xafb8c1) : .series(0)
    canvas.fill(
      CGRect(
        x: min(ends[0], ends[1]), y: middle - 8, width: abs(ends[1] - ends[0]), height: 16), color)
    guard let interval = bar.interval else { return max(ends[0], ends[1]) }
    let (low, high) = (place(interval.lowerBound), place(interval.upperBound))
    for end in [low, high] {
      canvas.line(
        [CGPoint(x: end, y: middle - 4.5), CGPoint(x: end, y: middle + 4.5)], .black, width: 1.2)
    }
    canvas.line([CGPoint(x: low, y: middle), CGPoint(x: high, y: middle)], .black, width: 1.2)
    return max(ends[0], ends[1], high)
  }
}
