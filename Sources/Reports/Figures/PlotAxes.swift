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

  public init(
    _ label: String, scale: Scale = .linear, range: ClosedRange<Double>? = nil,
    isCount: Bool = false
  ) {
    self.label = label
    self.scale = scale
    self.range = range
    self.isCount = isCount
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
    switch scale {
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

/// The frame that line and scatter plots share: title, axes, grid and legend.
struct PlotFrame {
  /// One line of the legend.
  struct Entry: Equatable {
    enum Mark: Equatable {
      case line(dashes: [Double], isFaint: Bool)
      case disc
    }

    let name: String
    let color: RGBColor
    let mark: Mark
  }

  let xAxis: PlotAxis
  let yAxis: PlotAxis
  let xEnds: ClosedRange<Double>
  let yEnds: ClosedRange<Double>
  /// Where data is drawn, in points.
  let area: CGRect
  let size: CGSize
  private let xTicks: Ticks
  private let yTicks: Ticks
  private let heading: [String]
  private let legend: [(entry: Entry, lines: [String])]
  private let legendLeft: Double
  private let yLabelLeft: Double

  private static let margin = 14.0
  private static let sample = 24.0
  private static let legendWidth = 170.0

  init(
    title: String, xAxis: PlotAxis, yAxis: PlotAxis, points: [PlotPoint], legend: [Entry],
    plotSize: CGSize, ruler: TextRuler
  ) {
    self.xAxis = xAxis
    self.yAxis = yAxis
    xEnds = xAxis.ends(for: points.map(\.x))
    yEnds = yAxis.ends(for: points.map(\.y))
    xTicks = xAxis.ticks(xEnds, count: max(Int(plotSize.width / 70), 2))
    yTicks = yAxis.ticks(yEnds, count: max(Int(plotSize.height / 45), 2))
    self.legend = legend.map { entry in
      (entry, ruler.wrap(entry.name, width: Self.legendWidth, .label, maximumLines: 3))
    }
    let legendText = self.legend.map { ruler.width($0.lines, .label) }.max() ?? 0
    let legendSpace = legend.isEmpty ? 0 : 16 + Self.sample + 6 + legendText

    yLabelLeft = Self.margin
    let left =
      (Self.margin + TextStyle.label.lineHeight + 4 + ruler.width(yTicks.labels, .tick) + 7)
      .rounded(.up)
    // The last label of the horizontal axis may reach past the plot by half its width.
    let overhang = max(ruler.width(xTicks.labels, .tick) / 2, 4)
    heading = ruler.wrap(
      title, width: left - Self.margin + plotSize.width + legendSpace, .title)
    let top =
      Self.margin + Double(heading.count) * TextStyle.title.lineHeight
      + (yTicks.exponent == 0 ? 6 : 18)
    area = CGRect(
      x: left, y: top.rounded(), width: plotSize.width, height: plotSize.height)
    legendLeft = area.maxX + 16
    let right = area.maxX + max(legendSpace, overhang) + Self.margin
    let axisHeight = 7 + TextStyle.tick.lineHeight + 4 + TextStyle.label.lineHeight
    let legendHeight =
      self.legend.map { Double($0.lines.count) * TextStyle.label.lineHeight + 4 }.reduce(0, +)
    size = CGSize(
      width: right.rounded(.up),
      height: (max(area.maxY + axisHeight, area.minY + legendHeight) + Self.margin).rounded(.up))
  }

  /// Where a point lies on the sheet; `nil` where an axis cannot show it.
  func place(_ point: PlotPoint) -> CGPoint? {
    guard xAxis.holds(point.x), yAxis.holds(point.y) else { return nil }
    return CGPoint(
      x: area.minX + area.width * xAxis.share(point.x, in: xEnds),
      y: area.maxY - area.height * yAxis.share(point.y, in: yEnds))
  }

  /// Everything but the data.
  func draw(on canvas: Canvas) {
    canvas.lines(heading, at: CGPoint(x: Self.margin, y: Self.margin), .title)
    for (value, label) in zip(xTicks.values, xTicks.labels) {
      let x = Self.crisp(area.minX + area.width * xAxis.share(value, in: xEnds))
      canvas.line([CGPoint(x: x, y: area.minY), CGPoint(x: x, y: area.maxY)], .gridLine)
      canvas.line([CGPoint(x: x, y: area.maxY), CGPoint(x: x, y: area.maxY + 4)], .frame)
      canvas.lines([label], at: CGPoint(x: x, y: area.maxY + 6), .tick, anchor: .middle)
    }
    for (value, label) in zip(yTicks.values, yTicks.labels) {
      let y = Self.crisp(area.maxY - area.height * yAxis.share(value, in: yEnds))
      canvas.line([CGPoint(x: area.minX, y: y), CGPoint(x: area.maxX, y: y)], .gridLine)
      canvas.line([CGPoint(x: area.minX - 4, y: y), CGPoint(x: area.minX, y: y)], .frame)
      canvas.text(
        label, at: CGPoint(x: area.minX - 7, y: y + TextStyle.tick.halfDigit), .tick,
        anchor: .end)
    }
    canvas.frame(area.insetBy(dx: -1, dy: -1), .frame)
    let labelTop = area.maxY + 7 + TextStyle.tick.lineHeight
    canvas.lines(
      [title(of: xAxis, xTicks)], at: CGPoint(x: area.midX, y: labelTop), .label, anchor: .middle)
    canvas.text(
      title(of: yAxis, yTicks),
      at: CGPoint(x: yLabelLeft + TextStyle.label.ascent, y: area.midY), .label, anchor: .middle,
      quarterTurn: true)
    drawLegend(on: canvas)
  }

  /// Moves a thin line onto whole pixels.
  private static func crisp(_ place: Double) -> Double { place.rounded(.down) + 0.5 }

  private func title(of axis: PlotAxis, _ ticks: Ticks) -> String {
    ticks.exponentLabel.map { "\(axis.label)  \($0)" } ?? axis.label
  }

  private func drawLegend(on canvas: Canvas) {
    var top = area.minY
    for (entry, lines) in legend {
      let middle = top + TextStyle.label.lineHeight / 2
      switch entry.mark {
      case .line(let dashes, let isFaint):
        canvas.line(
          [
            CGPoint(x: legendLeft, y: middle), CGPoint(x: legendLeft + Self.sample, y: middle),
          ], entry.color, width: isFaint ? 1 : 2, dashes: dashes, opacity: isFaint ? 0.6 : 1)
      case .disc:
        canvas.disc(
          at: CGPoint(x: legendLeft + Self.sample / 2, y: middle), radius: 4, entry.color)
      }
      canvas.lines(lines, at: CGPoint(x: legendLeft + Self.sample + 6, y: top), .label)
      top += Double(lines.count) * TextStyle.label.lineHeight + 4
    }
  }
}
