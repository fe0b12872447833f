import Foundation
import Storage

/// Lines over a common axis: the loss curves of several arms and seeds.
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
    public var stroke: Stroke
    /// Lines of one group share a colour (training and validation of an arm); the name if `nil`.
    public var colorGroup: String?
    /// A disc on each point, for lines of few points.
    public var showsPoints: Bool
    /// Thin and pale, for a line that is only the background of a smoother one.
    public var isFaint: Bool

    public init(
      name: String, points: [PlotPoint], stroke: Stroke = .solid, colorGroup: String? = nil,
      showsPoints: Bool = false, isFaint: Bool = false
    ) {
      self.name = name
      self.points = points
      self.stroke = stroke
      self.colorGroup = colorGroup
      self.showsPoints = showsPoints
      self.isFaint = isFaint
    }

    var group: String { colorGroup ?? name }
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
    let colors = GroupColors(series.map(\.group))
    var legend: [PlotFrame.Entry] = []
    for line in series where !legend.contains(where: { $0.name == line.name }) {
      legend.append(
        .init(
          name: line.name, color: colors[line.group],
          mark: .line(dashes: line.stroke.dashes, isFaint: line.isFaint)))
    }
    let frame = PlotFrame(
      title: title, xAxis: xAxis, yAxis: yAxis, points: series.flatMap(\.points),
      legend: legend, plotSize: CGSize(width: plotWidth, height: plotHeight),
      ruler: try TextRuler())
    let canvas = try Canvas(width: frame.size.width, height: frame.size.height, scale: scale)
    frame.draw(on: canvas)
    canvas.clipped(to: frame.area) {
      for line in series.filter(\.isFaint) + series.filter({ !$0.isFaint }) {
        draw(line, colors[line.group], in: frame, on: canvas)
      }
    }
    return canvas.image
  }

  private func draw(
    _ line: Series, _ color: RGBColor, in frame: PlotFrame, on canvas: Canvas
  ) {
    let (width, opacity) = line.isFaint ? (0.8, 0.35) : (1.8, 1)
    let places = line.points.map(frame.place)
    for run in places.split(separator: nil) {
      let points = run.compactMap(\.self)
      if points.count == 1 || line.showsPoints {
        for point in points { canvas.disc(at: point, radius: 2.6, color, opacity: opacity) }
      }
      canvas.line(points, color, width: width, dashes: line.stroke.dashes, opacity: opacity)
    }
  }
}

/// Colours of groups, in the order in which they first appear.
struct GroupColors {
  private let places: [String: Int]

  init(_ groups: [String]) {
    var places: [String: Int] = [:]
    for group in groups where places[group] == nil { places[group] = places.count }
    self.places = places
  }

  subscript(group: String) -> RGBColor { .series(places[group] ?? 0) }
}

/// Points in groups of a colour: features by concept, cost against score.
public struct ScatterPlot: Figure {
  public struct Group: Sendable, Equatable {
    public var name: String
    public var points: [PlotPoint]
    /// Written beside each point; none if empty.
    public var labels: [String]

    public init(name: String, points: [PlotPoint], labels: [String] = []) {
      self.name = name
      self.points = points
      self.labels = labels
    }
  }

  public var title: String
  public var xAxis: PlotAxis
  public var yAxis: PlotAxis
  public var groups: [Group]
  public var plotWidth: Int
  public var plotHeight: Int

  public init(
    title: String, xAxis: PlotAxis, yAxis: PlotAxis, groups: [Group], plotWidth: Int = 400,
    plotHeight: Int = 340
  ) {
    self.title = title
    self.xAxis = xAxis
    self.yAxis = yAxis
    self.groups = groups
    self.plotWidth = plotWidth
    self.plotHeight = plotHeight
  }

  public func image(scale: Int) throws -> RGBImage {
    let ruler = try TextRuler()
    let colors = GroupColors(groups.map(\.name))
    let frame = PlotFrame(
      title: title, xAxis: xAxis, yAxis: yAxis, points: groups.flatMap(\.points),
      legend: groups.map { .init(name: $0.name, color: colors[$0.name], mark: .disc) },
      plotSize: CGSize(width: plotWidth, height: plotHeight), ruler: ruler)
    let canvas = try Canvas(width: frame.size.width, height: frame.size.height, scale: scale)
    frame.draw(on: canvas)
    canvas.clipped(to: frame.area) {
      for group in groups {
        let places = group.points.map(frame.place)
        for case let place? in places {
          canvas.disc(at: place, radius: 3.4, colors[group.name], opacity: 0.75)
        }
        for case (let place?, let label) in zip(places, group.labels) {
          // At the right edge the label goes to the left of its point.
          let fits = place.x + 7 + ruler.width(label, .tick) < frame.area.maxX
          canvas.text(
            label, at: CGPoint(x: place.x + (fits ? 6 : -6), y: place.y + TextStyle.tick.halfDigit),
            .tick, anchor: fits ? .start : .end)
        }
      }
    }
    return canvas.image
  }
}
