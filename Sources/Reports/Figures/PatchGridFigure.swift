import Foundation
import Storage

/// A picture cut into patches, each with its number: what a token of an encoder sees.
public struct PatchGridFigure: Figure {
  public var title: String
  /// As the encoder sees it: the patches cover all of it.
  public var photo: RGBImage
  public var rows: Int
  public var columns: Int
  /// Number of the patch at the top left; others follow row by row.
  public var firstNumber: Int
  public var note: String?
  /// Width of the picture, in points; more where the numbers need it.
  public var pictureWidth: Int

  public init(
    title: String, photo: RGBImage, rows: Int, columns: Int, firstNumber: Int = 0,
    note: String? = nil, pictureWidth: Int = 420
  ) {
    precondition(rows > 0 && columns > 0, "a grid of \(rows)×\(columns) patches")
    self.title = title
    self.photo = photo
    self.rows = rows
    self.columns = columns
    self.firstNumber = firstNumber
    self.note = note
    self.pictureWidth = pictureWidth
  }

  /// Numbers smaller than this can't be read.
  private static let leastText = 6.0

  public func image(scale: Int) throws -> RGBImage {
    let ruler = try TextRuler()
    let margin = 14.0
    let last = String(firstNumber + rows * columns - 1)
    let textWidth = ruler.width(last, TextStyle(1, bold: true))
    let ratio = photo.height(atWidth: 1000) / 1000
    // Width of a patch that holds its number at the least size, and height likewise.
    let leastSide = max(
      Self.leastText * (textWidth + 0.4) * Double(columns),
      Self.leastText * 1.3 * Double(rows) / ratio)
    let width = max(Double(pictureWidth), leastSide).rounded(.up)
    let height = (width * ratio).rounded()
    let (cellWidth, cellHeight) = (width / Double(columns), height / Double(rows))
    let size = min(cellWidth / (textWidth + 0.4), cellHeight / 1.3, 12)
    let heading = ruler.wrap(title, width: width, .title)
    let note = ruler.wrap(self.note ?? "", width: width, .note)
    let top = (margin + Double(heading.count) * TextStyle.title.lineHeight + 6).rounded()
    let noteHeight = note.isEmpty ? 0 : 8 + Double(note.count) * TextStyle.note.lineHeight
    let canvas = try Canvas(
      width: width + 2 * margin, height: top + height + noteHeight + margin, scale: scale)
    canvas.lines(heading, at: CGPoint(x: margin, y: margin), .title)
    let shown = photo.fitted(width: Int(width) * scale, height: Int(height) * scale)
    canvas.draw(shown, at: CGPoint(x: margin, y: top))
    let area = CGRect(x: margin, y: top, width: width, height: height)
    canvas.clipped(to: area) {
      drawLines(on: canvas, area)
      drawNumbers(on: canvas, area, TextStyle(size, bold: true, color: .white))
    }
    canvas.lines(note, at: CGPoint(x: margin, y: top + height + 8), .note)
    return canvas.image
  }

  /// White on black, so that they show on any picture.
  private func drawLines(on canvas: Canvas, _ area: CGRect) {
    for (color, width, opacity) in [(RGBColor.black, 2.0, 0.45), (.white, 0.8, 0.9)] {
      for row in 0...rows {
        let y = area.minY + area.height * Double(row) / Double(rows)
        canvas.line(
          [CGPoint(x: area.minX, y: y), CGPoint(x: area.maxX, y: y)], color, width: width,
          opacity: opacity)
      }
      for column in 0...columns {
        let x = area.minX + area.width * Double(column) / Double(columns)
        canvas.line(
          [CGPoint(x: x, y: area.minY), CGPoint(x: x, y: area.maxY)], color, width: width,
          opacity: opacity)
      }
    }
  }

  private func drawNumbers(on canvas: Canvas, _ area: CGRect, _ style: TextStyle) {
    let (width, height) = (area.width / Double(columns), area.height / Double(rows))
    for place in 0..<rows * columns {
      let center = CGPoint(
        x: area.minX + width * (Double(place % columns) + 0.5),
        y: area.minY + height * (Double(place / columns) + 0.5))
      let text = String(firstNumber + place)
      let half = canvas.width(of: text, style) / 2
      canvas.fill(
        CGRect(
          x: center.x - half - 1, y: center.y - style.size * 0.5, width: 2 * half + 2,
          height: style.size), .black, opacity: 0.55)
      canvas.text(
        text, at: CGPoint(x: center.x, y: center.y + style.halfDigit), style, anchor: .middle)
    }
  }
}
