import Foundation
import Storage

/// Plots in rows that share colours, marks and one legend at their right.
public struct PlotGrid: Figure {
  public enum Panel: Sendable {
    case lines(LinePlot)
    case scatter(ScatterPlot)
    /// An empty place.
    case empty
  }

  public var title: String
  public var rows: [[Panel]]
  /// Text under the plots: what a band is, how a point was made.
  public var note: String?

  public init(title: String, rows: [[Panel]], note: String? = nil) {
    self.title = title
    self.rows = rows
    self.note = note
  }

  public func image(scale: Int) throws -> RGBImage {
    let ruler = try TextRuler()
    let (margin, gap) = (PlotFrame.margin, 6.0)
    let panels = rows.flatMap(\.self)
    let styles = GroupStyles(panels.flatMap(\.groups))
    var entries: [PlotLegend.Entry] = []
    for entry in panels.flatMap({ $0.legend(styles) })
    where !entries.contains(where: { $0.name == entry.name }) {
      entries.append(entry)
    }
    // One entry says nothing that the title could not.
    let legend = PlotLegend(entries.count > 1 ? entries : [], ruler: ruler)
    let images = try rows.map { row in
      let lines = row.map { $0.headingLines(ruler) }.max() ?? 0
      return try row.map { try $0.image(scale: scale, styles: styles, headingLines: lines) }
    }
    let columns = images.map(\.count).max() ?? 0
    func points(_ pixels: Int) -> Double { Double(pixels) / Double(scale) }
    let widths = (0..<columns).map { column in
      images.map { $0.indices.contains(column) ? points($0[column].width) : 0 }.max() ?? 0
    }
    let heights = images.map { $0.map { points($0.height) }.max() ?? 0 }
    let plots = widths.reduce(0, +) + gap * Double(max(columns - 1, 0))
    let inner = max(plots, 120) + (legend.size.width > 0 ? legend.size.width : 0)
    let heading = ruler.wrap(title, width: inner, .title)
    let note = ruler.wrap(self.note ?? "", width: inner - margin, .note)
    let top = margin + Double(heading.count) * TextStyle.title.lineHeight
    let bottom =
      top
      + max(
        heights.reduce(0, +) + gap * Double(max(heights.count - 1, 0)),
        margin + legend.size.height)
    let noteHeight = Double(note.count) * TextStyle.note.lineHeight
    let canvas = try Canvas(
      width: inner + 2 * margin, height: bottom + noteHeight + margin, scale: scale)
    canvas.lines(heading, at: CGPoint(x: margin, y: margin), .title)
    var y = top.rounded()
    for (row, height) in zip(images, heights) {
      var x = 0.0
      for (image, width) in zip(row, widths) {
        canvas.draw(image, at: CGPoint(x: x, y: y))
        x += width + gap
      }
      y += height + gap
    }
    legend.draw(on: canvas, at: CGPoint(x: plots + 2, y: top.rounded() + margin + 20))
    canvas.lines(note, at: CGPoint(x: margin, y: bottom), .note)
    return canvas.image
  }
}

extension PlotGrid.Panel {
  fileprivate var groups: [String] {
    switch self {
    case .lines(let plot): plot.groups
    case .scatter(let plot): plot.coloredGroups
    case .empty: []
    }
  }

  fileprivate func legend(_ styles: GroupStyles) -> [PlotLegend.Entry] {
    switch self {
    case .lines(let plot): plot.legend(styles)
    case .scatter(let plot): plot.legend(styles)
    case .empty: []
    }
  }

  /// Lines that the title takes over the plot.
  fileprivate func headingLines(_ ruler: TextRuler) -> Int {
    switch self {
    case .lines(let plot): ruler.wrap(plot.title, width: Double(plot.plotWidth), .title).count
    case .scatter(let plot): ruler.wrap(plot.title, width: Double(plot.plotWidth), .title).count
    case .empty: 0
    }
  }

  fileprivate func image(
    scale: Int, styles: GroupStyles, headingLines: Int
  ) throws -> RGBImage {
    switch self {
    case .lines(let plot):
      try plot.image(scale: scale, styles: styles, legend: [], headingLines: headingLines)
    case .scatter(let plot):
      try plot.image(scale: scale, styles: styles, legend: [], headingLines: headingLines)
    case .empty: RGBImage(width: 0, height: 0, pixels: [])
    }
  }
}
