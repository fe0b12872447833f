import Foundation
import Storage

/// Where each projector looked in one picture, and what it said.
///
/// At the left the photo and its ground truth; at the right a row for each arm: its heatmaps (raw
/// attention, gradient-weighted attention) over the photo, each with its own scale, and its caption.
public struct AttentionFigure: Figure {
  /// One projector's row.
  public struct Arm: Sendable, Equatable {
    /// "Q-Former, 32 queries".
    public var title: String
    /// Heatmaps from left to right; none for a projector without attention.
    public var panels: [HeatmapPanel]
    public var caption: String?
    /// What a reader should know of this row: "mean over 12 heads and 32 queries".
    public var note: String?

    public init(
      title: String, panels: [HeatmapPanel], caption: String? = nil, note: String? = nil
    ) {
      self.title = title
      self.panels = panels
      self.caption = caption
      self.note = note
    }
  }

  public var title: String
  public var photo: RGBImage
  public var groundTruth: [String]
  public var arms: [Arm]
  public var style: HeatmapStyle
  /// Text under everything.
  public var note: String?
  /// Width of the photo and of each heatmap, in points.
  public var pictureWidth: Int

  /// - Parameter photo: The picture as the encoder saw it (resized and cropped): grids cover all of it.
  public init(
    title: String, photo: RGBImage, groundTruth: [String], arms: [Arm],
    style: HeatmapStyle = .attention, note: String? = nil, pictureWidth: Int = 224
  ) {
    self.title = title
    self.photo = photo
    self.groundTruth = groundTruth
    self.arms = arms
    self.style = style
    self.note = note
    self.pictureWidth = pictureWidth
  }

  public func image(scale: Int) throws -> RGBImage {
    let layout = Layout(self, ruler: try TextRuler())
    let canvas = try Canvas(width: layout.width, height: layout.height, scale: scale)
    layout.draw(self, on: canvas)
    return canvas.image
  }
}

extension AttentionFigure {
  fileprivate struct Row {
    let top: Double
    let title: [String]
    let note: [String]
    let panels: [PanelLayout]
    let caption: [String]
    let pictureTop: Double
    let captionTop: Double
    let bottom: Double
  }

  fileprivate struct Layout {
    let margin = 16.0
    let columnGap = 26.0
    let panelGap = 16.0
    let rowGap = 18.0
    let pictureWidth: Double
    let pictureHeight: Double
    let heading: [String]
    let photoTop: Double
    let truth: [String]
    let rows: [Row]
    let footer: [String]
    let footerTop: Double
    let armsLeft: Double
    let columns: [Double]
    let width: Double
    let height: Double

    init(_ figure: AttentionFigure, ruler: TextRuler) {
      pictureWidth = Double(figure.pictureWidth)
      pictureHeight = figure.photo.height(atWidth: pictureWidth)
      armsLeft = margin + pictureWidth + columnGap
      let (pictureWidth, pictureHeight) = (pictureWidth, pictureHeight)
      let panels = figure.arms.map { arm in
        arm.panels.map {
          PanelLayout(
            $0, pictureWidth: pictureWidth, pictureHeight: pictureHeight, style: figure.style,
            ruler: ruler)
        }
      }
      // Columns are as wide as their widest panel, so that rows line up.
      let count = max(panels.map(\.count).max() ?? 0, 1)
      let widths = (0..<count).map { column in
        panels.compactMap { $0.indices.contains(column) ? $0[column].width : nil }.max()
          ?? pictureWidth
      }
      let (left, gap) = (armsLeft, panelGap)
      columns = widths.indices.map { left + widths[..<$0].reduce(0, +) + Double($0) * gap }
      let armsWidth = widths.reduce(0, +) + Double(count - 1) * panelGap
      width = (armsLeft + armsWidth + margin).rounded(.up)

      heading = ruler.wrap(figure.title, width: width - 2 * margin, .title)
      let top = margin + Double(heading.count) * TextStyle.title.lineHeight + 10
      // The photo's top stands level with the first row's text.
      photoTop = top + TextStyle.heading.lineHeight
      truth = figure.groundTruth.flatMap { text in
        ruler.wrap("• " + text, width: pictureWidth, .body)
      }
      var y = top
      rows = zip(figure.arms, panels).map { arm, panels in
        let row = Row(arm, panels: panels, top: y, width: armsWidth, ruler: ruler)
        y = row.bottom + 18
        return row
      }
      let truthBottom =
        photoTop + pictureHeight + 8 + TextStyle.heading.lineHeight
        + Double(truth.count) * TextStyle.body.lineHeight
      footer = ruler.wrap(figure.note ?? "", width: width - 2 * margin, .note)
      footerTop = max(truthBottom, rows.last?.bottom ?? top).rounded() + (footer.isEmpty ? 0 : 12)
      height = footerTop + Double(footer.count) * TextStyle.note.lineHeight + margin
    }

    func draw(_ figure: AttentionFigure, on canvas: Canvas) {
      canvas.lines(heading, at: CGPoint(x: margin, y: margin), .title)
      let photo = figure.photo.fitted(
        width: Int(pictureWidth) * canvas.scale, height: Int(pictureHeight) * canvas.scale)
      canvas.lines(
        ["Photo"], at: CGPoint(x: margin, y: photoTop - TextStyle.heading.lineHeight), .heading)
      canvas.draw(photo, at: CGPoint(x: margin, y: photoTop))
      if !truth.isEmpty {
        let top = photoTop + pictureHeight + 8
        canvas.lines(["Ground truth"], at: CGPoint(x: margin, y: top), .heading)
        canvas.lines(
          truth, at: CGPoint(x: margin, y: top + TextStyle.heading.lineHeight), .body)
      }
      for (index, row) in rows.enumerated() {
        if index > 0 {
          let y = row.top - rowGap / 2
          canvas.line(
            [CGPoint(x: armsLeft, y: y), CGPoint(x: width - margin, y: y)], .gridLine)
        }
        canvas.lines(row.title, at: CGPoint(x: armsLeft, y: row.top), .heading)
        canvas.lines(
          row.note,
          at: CGPoint(
            x: armsLeft, y: row.top + Double(row.title.count) * TextStyle.heading.lineHeight),
          .note)
        for (panel, left) in zip(row.panels, columns) {
          panel.draw(
            on: canvas, left: left.rounded(), top: row.pictureTop, style: figure.style,
            photo: photo)
        }
        canvas.lines(row.caption, at: CGPoint(x: armsLeft, y: row.captionTop), .body)
      }
      canvas.lines(footer, at: CGPoint(x: margin, y: footerTop), .note)
    }
  }
}

extension AttentionFigure.Row {
  init(
    _ arm: AttentionFigure.Arm, panels: [PanelLayout], top: Double, width: Double,
    ruler: TextRuler
  ) {
    self.top = top
    self.panels = panels
    title = ruler.wrap(arm.title, width: width, .heading)
    note = ruler.wrap(arm.note ?? "", width: width, .note)
    caption =
      arm.caption.map {
        ruler.wrap("“" + ($0.isEmpty ? "(empty caption)" : $0) + "”", width: width, .body)
      } ?? []
    let textBottom =
      top + Double(title.count) * TextStyle.heading.lineHeight
      + Double(note.count) * TextStyle.note.lineHeight
    let titles = panels.map(\.titleHeight).max() ?? 0
    pictureTop = (textBottom + (panels.isEmpty ? 0 : titles + 4)).rounded()
    captionTop = pictureTop + (panels.first?.pictureHeight ?? 0) + 8
    bottom = captionTop + Double(caption.count) * TextStyle.body.lineHeight
  }
}
