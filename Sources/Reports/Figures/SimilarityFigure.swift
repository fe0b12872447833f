import Foundation
import Storage

/// Matrices of similarities between images and texts, side by side with one scale: before and after training.
public struct SimilarityFigure: Figure {
  public struct Matrix: Sendable, Equatable {
    public var title: String
    /// Rows are images, columns texts; matched pairs stand on the diagonal.
    public var values: ValueGrid

    public init(title: String, values: ValueGrid) {
      self.title = title
      self.values = values
    }
  }

  public var title: String
  /// All of one shape.
  public var matrices: [Matrix]
  /// Names of rows and columns; none if empty.
  public var images: [String]
  public var texts: [String]
  /// What a value is: "cosine similarity".
  public var unit: String
  public var note: String?
  /// Side of a matrix, in points.
  public var side: Int

  /// - Precondition: matrices have one shape; there are as many names as rows and columns, or none.
  public init(
    title: String, matrices: [Matrix], images: [String] = [], texts: [String] = [],
    unit: String = "cosine similarity", note: String? = nil, side: Int = 300
  ) {
    let shapes = matrices.map { [$0.values.rows, $0.values.columns] }
    precondition(shapes.allSatisfy { $0 == shapes[0] }, "matrices of different shapes")
    if let shape = shapes.first {
      precondition(images.isEmpty || images.count == shape[0], "a name for each image")
      precondition(texts.isEmpty || texts.count == shape[1], "a name for each text")
    }
    self.title = title
    self.matrices = matrices
    self.images = images
    self.texts = texts
    self.unit = unit
    self.note = note
    self.side = side
  }

  public func image(scale: Int) throws -> RGBImage {
    let ruler = try TextRuler()
    let layout = Layout(self, ruler)
    let canvas = try Canvas(
      width: layout.size.width, height: layout.size.height, scale: scale)
    let margin = Layout.margin
    canvas.lines(layout.heading, at: CGPoint(x: margin, y: margin), .title)
    let style = HeatmapStyle(colorMap: .viridis, interpolation: .nearest, opacity: 1)
    for (place, matrix) in matrices.enumerated() {
      let left = layout.left(of: place)
      let lines = layout.titles[place]
      let textHeight = Double(lines.count) * TextStyle.label.lineHeight
      canvas.lines(lines, at: CGPoint(x: left, y: layout.top - 5 - textHeight), .label)
      let picture = matrix.values.picture(
        width: Int(layout.matrix.width) * scale, height: Int(layout.matrix.height) * scale,
        range: layout.range, style: style)
      canvas.draw(picture, at: CGPoint(x: left, y: layout.top))
      canvas.frame(
        CGRect(origin: CGPoint(x: left, y: layout.top), size: layout.matrix), .frame)
      layout.drawColumnNames(on: canvas, left: left)
    }
    layout.drawRowNames(on: canvas)
    layout.bar.draw(
      on: canvas, left: layout.barLeft, top: layout.top, height: layout.matrix.height)
    canvas.text(
      unit,
      at: CGPoint(
        x: layout.barLeft + layout.barWidth + 4 + TextStyle.label.ascent,
        y: layout.top + layout.matrix.height / 2), .label, anchor: .middle, quarterTurn: true)
    canvas.lines(layout.key, at: CGPoint(x: margin, y: layout.keyTop), .label)
    canvas.lines(layout.note, at: CGPoint(x: margin, y: layout.noteTop), .note)
    return canvas.image
  }

  /// Where everything goes.
  fileprivate struct Layout {
    static let margin = 14.0
    private static let gap = 22.0
    /// Names longer than this are numbers, explained under the matrices.
    private static let longest = 170.0

    let heading: [String]
    let titles: [[String]]
    let range: ClosedRange<Float>
    let bar: ColorBar
    let barWidth: Double
    let matrix: CGSize
    let top: Double
    /// What rows and columns are called; empty for nothing.
    let rowNames: [String]
    let columnNames: [String]
    let key: [String]
    let note: [String]
    let size: CGSize
    let keyTop: Double
    let noteTop: Double
    private let rowSpace: Double
    private let count: Int

    init(_ figure: SimilarityFigure, _ ruler: TextRuler) {
      let first = figure.matrices.first?.values
      let (rows, columns) = (first?.rows ?? 1, first?.columns ?? 1)
      let cell = (Double(figure.side) / Double(max(rows, columns))).rounded(.down)
      let side = max(cell, 1)
      let matrix = CGSize(width: side * Double(columns), height: side * Double(rows))
      self.matrix = matrix
      count = max(figure.matrices.count, 1)
      let named = side >= TextStyle.tick.lineHeight - 1
      func isLong(_ names: [String]) -> Bool {
        names.contains { ruler.width($0, .tick) > Self.longest }
      }
      func shown(_ names: [String], _ letter: String) -> [String] {
        guard named else { return [] }
        return isLong(names) ? names.indices.map { "\(letter)\($0 + 1)" } : names
      }
      rowNames = shown(figure.images, "I")
      columnNames = shown(figure.texts, "T")
      rowSpace = rowNames.isEmpty ? 0 : (ruler.width(rowNames, .tick) + 6).rounded(.up)
      let columnSpace = columnNames.isEmpty ? 0 : ruler.width(columnNames, .tick) + 8
      range = ValueGrid.commonRange(of: figure.matrices.map(\.values))
      bar = ColorBar(map: .viridis, range: range, height: matrix.height)
      barWidth = bar.width(ruler)
      titles = figure.matrices.map { ruler.wrap($0.title, width: matrix.width, .label) }
      let inner =
        rowSpace + matrix.width * Double(count) + Self.gap * Double(count) + barWidth + 4
        + TextStyle.label.lineHeight
      heading = ruler.wrap(figure.title, width: inner, .title)
      let titleHeight = Double(titles.map(\.count).max() ?? 0) * TextStyle.label.lineHeight
      top =
        (Self.margin + Double(heading.count) * TextStyle.title.lineHeight + 8 + titleHeight + 5)
        .rounded()
      func entries(_ names: [String], _ letter: String) -> [String] {
        guard named, isLong(names) else { return [] }
        return names.enumerated().flatMap { place, name in
          ruler.wrap("\(letter)\(place + 1)  \(name)", width: inner, .label)
        }
      }
      key = entries(figure.images, "I") + entries(figure.texts, "T")
      note = ruler.wrap(figure.note ?? "", width: inner, .note)
      keyTop = top + matrix.height + columnSpace + 8
      noteTop = keyTop + Double(key.count) * TextStyle.label.lineHeight + (key.isEmpty ? 0 : 6)
      size = CGSize(
        width: inner + 2 * Self.margin,
        height: noteTop + Double(note.count) * TextStyle.note.lineHeight + Self.margin)
    }

    func left(of place: Int) -> Double {
      Self.margin + rowSpace + Double(place) * (matrix.width + Self.gap)
    }

    var barLeft: Double { left(of: count) - Self.gap + 10 }

    func drawRowNames(on canvas: Canvas) {
      let height = matrix.height / Double(max(rowNames.count, 1))
      for (row, name) in rowNames.enumerated() {
        let y = top + height * (Double(row) + 0.5) + TextStyle.tick.halfDigit
        canvas.text(name, at: CGPoint(x: left(of: 0) - 5, y: y), .tick, anchor: .end)
      }
    }

    func drawColumnNames(on canvas: Canvas, left: Double) {
      let width = matrix.width / Double(max(columnNames.count, 1))
      for (column, name) in columnNames.enumerated() {
        let x = left + width * (Double(column) + 0.5) + TextStyle.tick.halfDigit
        canvas.text(
          name, at: CGPoint(x: x, y: top + matrix.height + 5), .tick, anchor: .end,
          quarterTurn: true)
      }
    }
  }
}
