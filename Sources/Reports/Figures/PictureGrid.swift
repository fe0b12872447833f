import Foundation
import Storage

/// Pictures in rows, each with coloured lines of text under it: captions before and after training,
/// questions with right and wrong answers.
public struct PictureGrid: Figure {
  public enum Role: Sendable, Equatable {
    /// Black: what people wrote.
    case groundTruth
    /// Red: before training, or wrong.
    case before
    /// Green: after training, or right.
    case after
    /// Green, with a tick.
    case right
    /// Red, with a cross.
    case wrong
    /// Grey: anything else.
    case remark

    var color: RGBColor {
      switch self {
      case .groundTruth: .black
      case .before, .wrong: .before
      case .after, .right: .after
      case .remark: .muted
      }
    }

    /// Before the label, so that right and wrong are told apart without colour.
    var mark: String? {
      switch self {
      case .right: "✓"
      case .wrong: "✗"
      case .groundTruth, .before, .after, .remark: nil
      }
    }
  }

  public struct Line: Sendable, Equatable {
    public var role: Role
    /// Printed before the text in bold: "before", "mlp". The colour must not carry the meaning alone.
    public var label: String
    public var text: String

    public init(_ role: Role, _ label: String, _ text: String) {
      self.role = role
      self.label = label
      self.text = text
    }

    /// What stands before the text: "✓ mlp: "; empty if nothing does.
    package var lead: String {
      let parts = [role.mark ?? "", label].filter { !$0.isEmpty }
      return parts.isEmpty ? "" : parts.joined(separator: " ") + (label.isEmpty ? " " : ": ")
    }
  }

  public struct Picture: Sendable, Equatable {
    public var image: RGBImage
    /// Over the picture: its name in the data set.
    public var title: String
    public var lines: [Line]
    /// The colour of a frame around the picture; none if `nil`.
    public var frame: Role?

    public init(image: RGBImage, title: String, lines: [Line], frame: Role? = nil) {
      self.image = image
      self.title = title
      self.lines = lines
      self.frame = frame
    }
  }

  public var title: String
  public var pictures: [Picture]
  public var columns: Int
  /// Side of the square that each picture fits in, in points.
  public var pictureSide: Int

  public init(title: String, pictures: [Picture], columns: Int = 4, pictureSide: Int = 210) {
    self.title = title
    self.pictures = pictures
    self.columns = columns
    self.pictureSide = pictureSide
  }

  public func image(scale: Int) throws -> RGBImage {
    let ruler = try TextRuler()
    let (margin, gap, side) = (16.0, 18.0, Double(pictureSide))
    let columns = max(min(self.columns, pictures.count), 1)
    let cells = pictures.map { Cell($0, side: side, ruler: ruler) }
    let rows = stride(from: 0, to: cells.count, by: columns).map {
      Array(cells[$0..<min($0 + columns, cells.count)])
    }
    let heights = rows.map { RowHeights($0) }
    let width = Double(columns) * (side + gap) - gap
    let heading = ruler.wrap(title, width: width, .title)
    let top = (margin + Double(heading.count) * TextStyle.title.lineHeight + 8).rounded()
    let total = heights.map(\.all).reduce(0, +) + Double(max(rows.count - 1, 0)) * gap
    let canvas = try Canvas(width: width + 2 * margin, height: top + total + margin, scale: scale)
    canvas.lines(heading, at: CGPoint(x: margin, y: margin), .title)
    var y = top
    for (row, height) in zip(rows, heights) {
      for (index, cell) in row.enumerated() {
        cell.draw(
          on: canvas, left: margin + Double(index) * (side + gap), top: y, heights: height)
      }
      y += height.all + gap
    }
    return canvas.image
  }

  /// A picture with its text broken into lines.
  fileprivate struct Cell {
    let picture: Picture
    let size: (width: Double, height: Double)
    let title: [String]
    /// A lead that leaves no room beside it has lines of its own.
    let texts: [(line: Line, lead: [String], indent: Double, lines: [String])]

    init(_ picture: Picture, side: Double, ruler: TextRuler) {
      self.picture = picture
      let longest = Double(max(picture.image.width, picture.image.height, 1))
      size = (
        max((side * Double(picture.image.width) / longest).rounded(), 1),
        max((side * Double(picture.image.height) / longest).rounded(), 1)
      )
      title = ruler.wrap(picture.title, width: side, .note)
      texts = picture.lines.map { line in
        let lead = ruler.wrap(line.lead, width: side, Self.labelStyle(line))
        let width = ruler.width(line.lead, Self.labelStyle(line))
        let text = line.text.isEmpty ? "(empty)" : line.text
        guard width > 0, width < side - 30 else {
          return (line, lead, 0, lead.map { _ in "" } + ruler.wrap(text, width: side, .label))
        }
        return (
          line, lead, width, Self.wrap(text, indent: width, width: side, ruler: ruler)
        )
      }
    }

    static func labelStyle(_ line: Line) -> TextStyle {
      TextStyle(11, bold: true, color: line.role.color)
    }

    /// Lines whose first is shorter by `indent`.
    private static func wrap(
      _ text: String, indent: Double, width: Double, ruler: TextRuler
    ) -> [String] {
      let words = text.split(whereSeparator: \.isWhitespace)
      var first = ""
      var taken = 0
      for word in words {
        let longer = first.isEmpty ? String(word) : first + " " + word
        guard ruler.width(longer, .label) <= width - indent else { break }
        (first, taken) = (longer, taken + 1)
      }
      let rest = words.dropFirst(taken).joined(separator: " ")
      return [first] + ruler.wrap(rest, width: width, .label)
    }

    var titleHeight: Double { Double(title.count) * TextStyle.note.lineHeight + 3 }
    var textHeight: Double {
      texts.map { Double($0.lines.count) * TextStyle.label.lineHeight + 3 }.reduce(0, +)
    }

    func draw(on canvas: Canvas, left: Double, top: Double, heights: RowHeights) {
      canvas.lines(title, at: CGPoint(x: left, y: top), .note)
      let shown = picture.image.fitted(
        width: Int(size.width) * canvas.scale, height: Int(size.height) * canvas.scale)
      let corner = CGPoint(x: left, y: top + heights.title)
      canvas.draw(shown, at: corner)
      if let frame = picture.frame {
        canvas.frame(
          CGRect(origin: corner, size: CGSize(width: size.width, height: size.height)),
          frame.color, width: 3)
      }
      var y = top + heights.title + heights.picture + 6
      for (line, lead, indent, lines) in texts {
        var style = TextStyle.label
        style.color = line.role.color
        canvas.lines(lead, at: CGPoint(x: left, y: y), Self.labelStyle(line))
        for (index, text) in lines.enumerated() {
          let shift = index == 0 ? indent : 0
          canvas.lines([text], at: CGPoint(x: left + shift, y: y), style)
          y += TextStyle.label.lineHeight
        }
        y += 3
      }
    }
  }

  /// Heights that the cells of one row share, so that pictures and texts line up.
  fileprivate struct RowHeights {
    let title: Double
    let picture: Double
    let text: Double

    init(_ row: [Cell]) {
      title = row.map(\.titleHeight).max() ?? 0
      picture = row.map(\.size.height).max() ?? 0
      text = row.map(\.textHeight).max() ?? 0
    }

    var all: Double { title + picture + 6 + text }
  }
}
