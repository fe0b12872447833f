import Foundation
import Storage

/// Points in groups of a colour and a mark: features by concept, cost against score.
public struct ScatterPlot: Figure {
  public struct Group: Sendable, Equatable {
    public var name: String
    public var points: [PlotPoint]
    /// Written beside each point; none if empty.
    public var labels: [String]
    /// Small and grey behind the others, without a colour of its own: the words that features lie among.
    public var isMuted: Bool

    public init(
      name: String, points: [PlotPoint], labels: [String] = [], isMuted: Bool = false
    ) {
      self.name = name
      self.points = points
      self.labels = labels
      self.isMuted = isMuted
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
    let styles = GroupStyles(coloredGroups)
    return try image(scale: scale, styles: styles, legend: legend(styles), headingLines: 0)
  }

  /// What takes a colour, in order.
  var coloredGroups: [String] { groups.filter { !$0.isMuted }.map(\.name) }

  func legend(_ styles: GroupStyles) -> [PlotLegend.Entry] {
    groups.map { group in
      group.isMuted
        ? .init(name: group.name, color: .frame, mark: .point(.disc, radius: 2.4))
        : .init(
          name: group.name, color: styles.color(group.name),
          mark: .point(styles.mark(group.name), radius: 4))
    }
  }

  /// - Parameter headingLines: Lines of space for the title, at least, so that plots in a row line up.
  func image(
    scale: Int, styles: GroupStyles, legend: [PlotLegend.Entry], headingLines: Int
  ) throws -> RGBImage {
    let ruler = try TextRuler()
    let frame = PlotFrame(
      title: title, xAxis: xAxis, yAxis: yAxis, points: groups.flatMap(\.points),
      legend: legend, plotSize: CGSize(width: plotWidth, height: plotHeight),
      headingLines: headingLines, ruler: ruler)
    let canvas = try Canvas(width: frame.size.width, height: frame.size.height, scale: scale)
    frame.draw(on: canvas)
    canvas.clipped(to: frame.area) {
      for group in groups.filter(\.isMuted) + groups.filter({ !$0.isMuted }) {
        for case let place? in group.points.map(frame.place) {
          if group.isMuted {
            canvas.disc(at: place, radius: 2, .frame, opacity: 0.7)
          } else {
            canvas.draw(
              styles.mark(group.name), at: place, radius: 3.4, styles.color(group.name),
              opacity: 0.75)
          }
        }
      }
      drawLabels(in: frame, ruler, on: canvas)
    }
    return canvas.image
  }

  /// Each label right, left, above or below its point, where it covers no other label and no point; else where it
  /// covers no label; else right of it all the same, since a name is never left out.
  private func drawLabels(in frame: PlotFrame, _ ruler: TextRuler, on canvas: Canvas) {
    guard groups.contains(where: { !$0.labels.isEmpty }) else { return }
    var taken: [CGRect] = []
    let points = groups.flatMap(\.points).compactMap(frame.place).map { place in
      CGRect(x: place.x - 3, y: place.y - 3, width: 6, height: 6)
    }
    for group in groups {
      for case (let place?, let label) in zip(group.points.map(frame.place), group.labels) {
        let size = CGSize(width: ruler.width(label, .tick), height: TextStyle.tick.size)
        let middle = place.y - size.height / 2
        let choices = [
          CGPoint(x: place.x + 6, y: middle), CGPoint(x: place.x - 6 - size.width, y: middle),
          CGPoint(x: place.x - size.width / 2, y: place.y - 5 - size.height),
          CGPoint(x: place.x - size.width / 2, y: place.y + 5),
        ].map { CGRect(origin: $0, size: size) }.filter { frame.area.contains($0) }
        let apart = choices.filter { choice in !taken.contains { $0.intersects(choice) } }
        let free = apart.first { choice in !points.contains { $0.intersects(choice) } }
        guard let box = free ?? apart.first ?? choices.first else { continue }
        taken.append(box)
        var style = TextStyle.tick
        if group.isMuted { style.color = .muted }
        canvas.text(
          label, at: CGPoint(x: box.minX, y: box.midY + style.halfDigit), style)
      }
    }
  }
}
