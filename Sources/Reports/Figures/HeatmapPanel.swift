import Foundation
import Storage

/// One heatmap with its title and colour bar.
public struct HeatmapPanel: Sendable, Equatable {
  public var title: String
  public var grid: ValueGrid
  /// The values at the two ends of the colours; those of the grid if `nil`.
  public var range: ClosedRange<Float>?

  public init(title: String, grid: ValueGrid, range: ClosedRange<Float>? = nil) {
    self.title = title
    self.grid = grid
    self.range = range
  }

  var shownRange: ClosedRange<Float> { range ?? grid.range }
}

/// A panel laid out at a size: title over picture, colour bar at its right.
struct PanelLayout {
  let panel: HeatmapPanel
  let pictureWidth: Double
  let pictureHeight: Double
  let title: [String]
  let bar: ColorBar
  let barWidth: Double

  static let barGap = 6.0
  private static let titleGap = 5.0

  init(
    _ panel: HeatmapPanel, pictureWidth: Double, pictureHeight: Double, style: HeatmapStyle,
    ruler: TextRuler
  ) {
    self.panel = panel
    self.pictureWidth = pictureWidth
    self.pictureHeight = pictureHeight
    bar = ColorBar(map: style.colorMap, range: panel.shownRange, height: pictureHeight)
    barWidth = bar.width(ruler)
    // A power of ten stands above the bar, on the title's last line.
    title = ruler.wrap(panel.title, width: pictureWidth, .label, maximumLines: 3)
  }

  var width: Double { pictureWidth + Self.barGap + barWidth }

  /// Space over the picture. Panels of one row share the greatest.
  var titleHeight: Double {
    Double(max(title.count, 1)) * TextStyle.label.lineHeight + Self.titleGap
  }

  /// Draws with the picture's top left corner at whole points, so that its pixels are kept.
  func draw(
    on canvas: Canvas, left: Double, top: Double, style: HeatmapStyle, photo: RGBImage?
  ) {
    let textHeight = Double(title.count) * TextStyle.label.lineHeight
    canvas.lines(title, at: CGPoint(x: left, y: top - Self.titleGap - textHeight), .label)
    let picture = panel.grid.picture(
      width: Int(pictureWidth) * canvas.scale, height: Int(pictureHeight) * canvas.scale,
      range: panel.shownRange, style: style, over: photo)
    canvas.draw(picture, at: CGPoint(x: left, y: top))
    bar.draw(
      on: canvas, left: left + pictureWidth + Self.barGap, top: top, height: pictureHeight)
  }
}

extension RGBImage {
  /// Whole points of a picture's height at a width, its sides' ratio kept.
  func height(atWidth width: Double) -> Double {
    guard self.width > 0 else { return width }
    let height = width * Double(self.height) / Double(self.width)
    return min(max(height.rounded(), 1), width * 4)
  }
}

/// A picture and one heatmap beside it: feature magnitude a patch, one attention map.
public struct HeatmapFigure: Figure {
  public var title: String
  public var photo: RGBImage
  public var photoTitle: String
  public var panel: HeatmapPanel
  public var style: HeatmapStyle
  /// Text under the pictures.
  public var note: String?
  /// Width of each picture, in points.
  public var pictureWidth: Int

  /// - Parameter photo: The picture as the encoder saw it: the grid covers all of it.
  public init(
    title: String, photo: RGBImage, photoTitle: String = "Photo", panel: HeatmapPanel,
    style: HeatmapStyle = .magnitude, note: String? = nil, pictureWidth: Int = 280
  ) {
    self.title = title
    self.photo = photo
    self.photoTitle = photoTitle
    self.panel = panel
    self.style = style
    self.note = note
    self.pictureWidth = pictureWidth
  }

  static let margin = 14.0

  public func image(scale: Int) throws -> RGBImage {
    let ruler = try TextRuler()
    let (margin, gap, width) = (Self.margin, 18.0, Double(pictureWidth))
    let height = photo.height(atWidth: width)
    let layout = PanelLayout(
      panel, pictureWidth: width, pictureHeight: height, style: style, ruler: ruler)
    let inner = width + gap + layout.width
    let heading = ruler.wrap(title, width: inner, .title)
    let note = ruler.wrap(self.note ?? "", width: inner, .note)
    let top =
      margin + Double(heading.count) * TextStyle.title.lineHeight + 4 + layout.titleHeight
    let bottom =
      top + height + (note.isEmpty ? 0 : 8 + Double(note.count) * TextStyle.note.lineHeight)
    let canvas = try Canvas(width: inner + 2 * margin, height: bottom + margin, scale: scale)
    canvas.lines(heading, at: CGPoint(x: margin, y: margin), .title)
    let shown = photo.fitted(width: pictureWidth * scale, height: Int(height) * scale)
    canvas.draw(shown, at: CGPoint(x: margin, y: top))
    canvas.lines(
      [photoTitle], at: CGPoint(x: margin, y: top - 5 - TextStyle.label.lineHeight), .label)
    layout.draw(on: canvas, left: margin + width + gap, top: top, style: style, photo: shown)
    canvas.lines(note, at: CGPoint(x: margin, y: top + height + 8), .note)
    return canvas.image
  }
}
