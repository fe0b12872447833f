import Foundation
import Storage

/// Lines over a common axis: the loss curves of several arms and seeds, scores over token budgets.
public struct LinePlot: Figure {
  public enum Stroke: Sendable, Equatable, CaseIterable {
    case solid
    case dashed
    case dotted

    var dashes: [Double] {
      switch self {
      case .solid: []
      case .dashed: [6, 3]
      case .dotted: [1.5, 2.5]
      }
    }
  }

  /// One line. Lines of one name share a legend entry (several seeds of an arm).
  public struct Series: Sendable, Equatable {
    public var name: String
    /// In order; a value that is not finite breaks the line.
    public var points: [PlotPoint]
    /// For each point its interval, drawn as a band with whiskers; none if empty.
    public var intervals: [ClosedRange<Double>?]
    public var stroke: Stroke
    /// Lines of one group share a colour (training and validation of an arm); the name if `nil`.
    public var colorGroup: String?
    /// A mark on each point; where there are many, on some.
    public var showsPoints: Bool
    /// Thin and pale, for a line that is only the background of a smoother one.
    public var isFaint: Bool
    /// Grey and without a colour of its own, for what is no arm: chance.
    public var isMuted: Bool

    public init(
      name: String, points: [PlotPoint], intervals: [ClosedRange<Double>?] = [],
      stroke: Stroke = .solid, colorGroup: String? = nil, showsPoints: Bool = false,
      isFaint: Bool = false, isMuted: Bool = false
    ) {
      self.name = name
      self.points = points
      self.intervals = intervals
      self.stroke = stroke
      self.colorGroup = colorGroup
      self.showsPoints = showsPoints
      self.isFaint = isFaint
      self.isMuted = isMuted
    }

    var group: String { colorGroup ?? name }

    /// Points and the ends of their intervals: what the axes must hold.
    var reach: [PlotPoint] {
      points
        + zip(points, intervals).flatMap { point, interval in
          interval.map { [PlotPoint(point.x, $0.lowerBound), PlotPoint(point.x, $0.upperBound)] }
            ?? []
        }
    }
  }

  public var title: String
  public var xAxis: PlotAxis
  public var yAxis: PlotAxis
  public var series: [Series]
  /// Size of the area inside the axes, in points.
  public var plotWidth: Int
  public var plotHeight: Int

  public init(
    title: String, xAxis: PlotAxis, yAxis: PlotAxis, series: [Series], plotWidth: Int = 480,
    plotHeight: Int = 300
  ) {
    self.title = title
    self.xAxis = xAxis
    self.yAxis = yAxis
    self.series = series
    self.plotWidth = plotWidth
    self.plotHeight = plotHeight
  }

  public func image(scale: Int) throws -> RGBImage {
    let styles = GroupStyles(groups)
    return try image(scale: scale, styles: styles, legend: legend(styles), headingLines: 0)
  }

  /// What takes a colour, in order.
  var groups: [String] { series.filter { !$0.isMuted }.map(\.group) }

  func legend(_ styles: GroupStyles) -> [PlotLegend.Entry] {
    var legend: [PlotLegend.Entry] = []
    for line in series where !legend.contains(where: { $0.name == line.name }) {
      legend.append(
        .init(
          name: line.name, color: color(of: line, styles),
          mark: .line(
            dashes: line.stroke.dashes, isFaint: line.isFaint,
            line.showsPoints && !line.isMuted ? styles.mark(line.group) : nil)))
    }
    return legend
  }

  private func color(of line: Series, _ styles: GroupStyles) -> RGBColor {
    line.isMuted ? .muted : styles.color(line.group)
  }

  /// - Parameter headingLines: Lines of space for the title, at least, so that plots in a row line up.
  func image(
    scale: Int, styles: GroupStyles, legend: [PlotLegend.Entry], headingLines: Int
  ) throws -> RGBImage {
    let frame = PlotFrame(
      title: title, xAxis: xAxis, yAxis: yAxis, points: series.flatMap(\.reach),
      legend: legend, plotSize: CGSize(width: plotWidth, height: plotHeight),
      headingLines: headingLines, ruler: try TextRuler())
    let canvas = try Canvas(width: frame.size.width, height: frame.size.height, scale: scale)
    frame.draw(on: canvas)
    canvas.clipped(to: frame.area) {
      for line in series { drawBand(line, color(of: line, styles), in: frame, on: canvas) }
      for line in series.filter(\.isFaint) + series.filter({ !$0.isFaint }) {
        draw(
          line, color(of: line, styles), styles.mark(line.group), in: frame, on: canvas)
      }
    }
    return canvas.image
  }

  private func draw(
    _ line: Series, _ color: RGBColor, _ mark: PlotMark, in frame: PlotFrame, on canvas: Canvas
  ) {
    let (width, opacity) = line.isFaint ? (0.8, 0.35) : line.isMuted ? (1.2, 1) : (1.8, 1)
    let places = line.points.map(frame.place)
    for run in places.split(separator: nil) {
      let points = run.compactMap(\.self)
      canvas.line(points, color, width: width, dashes: line.stroke.dashes, opacity: opacity)
      guard points.count == 1 || line.showsPoints else { continue }
      for place in stride(from: 0, to: points.count, by: max(points.count / 12, 1)) {
        canvas.draw(mark, at: points[place], radius: 3, color, opacity: opacity)
      }
    }
  }

  /// Intervals as whiskers, with a pale band from one to the next.
  private func drawBand(
    _ line: Series, _ color: RGBColor, in frame: PlotFrame, on canvas: Canvas
  ) {
    let ends = zip(line.points, line.intervals).map { point, interval -> (CGPoint, CGPoint)? in
      guard let interval, let low = frame.place(PlotPoint(point.x, interval.lowerBound)),
        let high = frame.place(PlotPoint(point.x, interval.upperBound))
      else { return nil }
      return (low, high)
    }
    for run in ends.split(whereSeparator: { $0 == nil }) {
      let pairs = run.compactMap(\.self)
      canvas.polygon(pairs.map(\.0) + pairs.reversed().map(\.1), color, opacity: 0.13)
    }
    for case (let low, let high)? in ends {
      canvas.line([low, high], color, width: 1, opacity: 0.7)
      for end in [low, high] {
        canvas.line(
          [CGPoint(x: end.x - 3, y: end.y), CGPoint(x: end.x + 3, y: end.y)], color, width: 1,
          opacity: 0.7)
      }
    }
  }
}
