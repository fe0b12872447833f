import Foundation

/// The frame that line and scatter plots share: title, axes, grid and legend.
struct PlotFrame {
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
  private let legend: PlotLegend
  private let legendLeft: Double
  private let yLabelLeft: Double

  static let margin = 14.0

  /// - Parameter headingLines: Lines of space for the title, at least.
  init(
    title: String, xAxis: PlotAxis, yAxis: PlotAxis, points: [PlotPoint],
    legend: [PlotLegend.Entry], plotSize: CGSize, headingLines: Int, ruler: TextRuler
  ) {
    self.xAxis = xAxis
    self.yAxis = yAxis
    xEnds = xAxis.ends(for: points.map(\.x))
    yEnds = yAxis.ends(for: points.map(\.y))
    xTicks = xAxis.ticks(xEnds, count: max(Int(plotSize.width / 70), 2))
    yTicks = yAxis.ticks(yEnds, count: max(Int(plotSize.height / 45), 2))
    self.legend = PlotLegend(legend, ruler: ruler)
    let legendSpace = legend.isEmpty ? 0 : 16 + self.legend.size.width

    yLabelLeft = Self.margin
    let left =
      (Self.margin + TextStyle.label.lineHeight + 4 + ruler.width(yTicks.labels, .tick) + 7)
      .rounded(.up)
    // The last label of the horizontal axis may reach past the plot by half its width.
    let overhang = max(ruler.width(xTicks.labels, .tick) / 2, 4)
    heading = ruler.wrap(
      title, width: left - Self.margin + plotSize.width + legendSpace, .title)
    let top =
      Self.margin + Double(max(heading.count, headingLines)) * TextStyle.title.lineHeight
      + (yTicks.exponent == 0 ? 6 : 18)
    area = CGRect(
      x: left, y: top.rounded(), width: plotSize.width, height: plotSize.height)
    legendLeft = area.maxX + 16
    let right = area.maxX + max(legendSpace, overhang) + Self.margin
    let axisHeight = 7 + TextStyle.tick.lineHeight + 4 + TextStyle.label.lineHeight
    size = CGSize(
      width: right.rounded(.up),
      height: (max(area.maxY + axisHeight, area.minY + self.legend.size.height) + Self.margin)
        .rounded(.up))
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
    var taken = -Double.infinity
    for (value, label) in zip(xTicks.values, xTicks.labels) {
      let x = Self.crisp(area.minX + area.width * xAxis.share(value, in: xEnds))
      canvas.line([CGPoint(x: x, y: area.minY), CGPoint(x: x, y: area.maxY)], .gridLine)
      canvas.line([CGPoint(x: x, y: area.maxY), CGPoint(x: x, y: area.maxY + 4)], .frame)
      // Marks that stand close keep every label that does not run into the last one.
      let half = canvas.width(of: label, .tick) / 2
      guard x - half > taken + 4 else { continue }
      taken = x + half
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
    legend.draw(on: canvas, at: CGPoint(x: legendLeft, y: area.minY))
  }

  /// Moves a thin line onto whole pixels.
  private static func crisp(_ place: Double) -> Double { place.rounded(.down) + 0.5 }

  private func title(of axis: PlotAxis, _ ticks: Ticks) -> String {
    ticks.exponentLabel.map { "\(axis.label)  \($0)" } ?? axis.label
  }
}

/// Names of what is drawn, each beside its line or mark.
struct PlotLegend {
  struct Entry: Equatable {
    enum Mark: Equatable {
      case line(dashes: [Double], isFaint: Bool, PlotMark?)
      case point(PlotMark, radius: Double)
    }

    let name: String
    let color: RGBColor
    let mark: Mark
  }

  /// Zero for no entry.
  let size: CGSize
  private let entries: [(entry: Entry, lines: [String])]

  private static let sample = 24.0
  private static let textWidth = 180.0
  private static let gap = 4.0

  init(_ entries: [Entry], ruler: TextRuler) {
    self.entries = entries.map { ($0, ruler.wrap($0.name, width: Self.textWidth, .label)) }
    let text = self.entries.map { ruler.width($0.lines, .label) }.max() ?? 0
    size = CGSize(
      width: entries.isEmpty ? 0 : Self.sample + 6 + text,
      height: self.entries.reduce(0) {
        $0 + Double($1.lines.count) * TextStyle.label.lineHeight + Self.gap
      })
  }

  /// Draws from the top left corner down.
  func draw(on canvas: Canvas, at corner: CGPoint) {
    var top = corner.y
    for (entry, lines) in entries {
      let middle = CGPoint(
        x: corner.x + Self.sample / 2, y: top + TextStyle.label.lineHeight / 2)
      switch entry.mark {
      case .line(let dashes, let isFaint, let mark):
        canvas.line(
          [
            CGPoint(x: corner.x, y: middle.y),
            CGPoint(x: corner.x + Self.sample, y: middle.y),
          ], entry.color, width: isFaint ? 1 : 2, dashes: dashes, opacity: isFaint ? 0.6 : 1)
        if let mark { canvas.draw(mark, at: middle, radius: 3, entry.color) }
      case .point(let mark, let radius):
        canvas.draw(mark, at: middle, radius: radius, entry.color)
      }
      canvas.lines(lines, at: CGPoint(x: corner.x + Self.sample + 6, y: top), .label)
      top += Double(lines.count) * TextStyle.label.lineHeight + Self.gap
    }
  }
}
