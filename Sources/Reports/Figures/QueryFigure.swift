import Foundation
import Storage

/// Every query or latent of one projector on its own, a small heatmap each.
public struct QueryFigure: Figure {
  /// What the colours of a panel span.
  public enum Scale: Sendable, Equatable {
    /// From the least to the greatest value of all panels, with one colour bar.
    case shared
    /// From each panel's own least to its own greatest value, printed under it.
    case own
  }

  public var title: String
  public var photo: RGBImage
  /// Grids in order; labels count from 0 as the model's rows do.
  public var grids: [ValueGrid]
  public var scale: Scale
  public var style: HeatmapStyle
  /// "query", "latent": what the labels call a panel.
  public var unit: String
  public var note: String?
  public var columns: Int
  /// Width of a panel, in points.
  public var panelWidth: Int

  public init(
    title: String, photo: RGBImage, grids: [ValueGrid], scale: Scale = .shared,
    style: HeatmapStyle = .attention, unit: String = "query", note: String? = nil,
    columns: Int = 8, panelWidth: Int = 104
  ) {
    self.title = title
    self.photo = photo
    self.grids = grids
    self.scale = scale
    self.style = style
    self.unit = unit
    self.note = note
    self.columns = columns
    self.panelWidth = panelWidth
  }

  public func image(scale pixels: Int) throws -> RGBImage {
    let ruler = try TextRuler()
    let (margin, gap, width) = (16.0, 8.0, Double(panelWidth))
    let height = photo.height(atWidth: width)
    let label = TextStyle.tick
    let columns = max(min(self.columns, grids.count), 1)
    let rows = (grids.count + columns - 1) / columns
    let common = ValueGrid.commonRange(of: grids)
    let endsStyle = TextStyle(9, color: .muted)
    let endsHeight = scale == .own ? endsStyle.lineHeight : 0
    let step = (x: width + gap, y: height + label.lineHeight + endsHeight + gap)
    let gridHeight = Double(max(rows, 1)) * step.y - gap
    let barHeight = min(max(gridHeight - label.lineHeight, 40), 320).rounded()
    let bar = ColorBar(map: style.colorMap, range: common, height: barHeight)
    let barWidth = scale == .shared ? bar.width(ruler) + 12 : 0
    let inner = max(Double(columns) * step.x - gap + barWidth, 360)
    let heading = ruler.wrap(title, width: inner, .title)
    let statement = ruler.wrap(scaleStatement + (note.map { " " + $0 } ?? ""), width: inner, .note)
    let top =
      (margin + Double(heading.count) * TextStyle.title.lineHeight + 2
      + Double(statement.count) * TextStyle.note.lineHeight + 10).rounded()
    let canvas = try Canvas(
      width: inner + 2 * margin, height: top + gridHeight + margin, scale: pixels)
    canvas.lines(heading, at: CGPoint(x: margin, y: margin), .title)
    canvas.lines(
      statement,
      at: CGPoint(
        x: margin, y: margin + Double(heading.count) * TextStyle.title.lineHeight + 2), .note)
    let shown = photo.fitted(width: panelWidth * pixels, height: Int(height) * pixels)
    for (index, grid) in grids.enumerated() {
      let left = margin + Double(index % columns) * step.x
      let panelTop = top + Double(index / columns) * step.y + label.lineHeight + endsHeight
      canvas.text(
        "\(unit) \(index)", at: CGPoint(x: left, y: panelTop - 3.5 - endsHeight), label)
      if scale == .own {
        canvas.text(Self.ends(of: grid), at: CGPoint(x: left, y: panelTop - 3.5), endsStyle)
      }
      let picture = grid.picture(
        width: panelWidth * pixels, height: Int(height) * pixels,
        range: scale == .shared ? common : grid.range, style: style, over: shown)
      canvas.draw(picture, at: CGPoint(x: left, y: panelTop))
    }
    if scale == .shared {
      bar.draw(
        on: canvas, left: margin + Double(columns) * step.x - gap + 12,
        top: top + label.lineHeight, height: barHeight)
    }
    return canvas.image
  }

  private var scaleStatement: String {
    switch scale {
    case .shared: "All panels share one scale."
    case .own:
      "Each panel has its own scale, from its least to its greatest value, printed above it."
    }
  }

  /// "0.0097 – 0.018": the ends of a panel's own scale.
  private static func ends(of grid: ValueGrid) -> String {
    let format = NumberFormat.significant(2)
    let range = grid.range
    return format.text(Double(range.lowerBound)) + " – " + format.text(Double(range.upperBound))
  }
}
