import CCairo
import Foundation

/// How text is set: DejaVu Sans at a size in points.
package struct TextStyle: Hashable, Sendable {
  package var size: Double
  package var bold: Bool
  package var italic: Bool
  package var color: RGBColor

  static let family = "DejaVu Sans"

  package init(
    _ size: Double, bold: Bool = false, italic: Bool = false, color: RGBColor = .black
  ) {
    self.size = size
    self.bold = bold
    self.italic = italic
    self.color = color
  }

  /// From the top of a line to its baseline.
  var ascent: Double { size * 0.95 }
  /// From line to line.
  var lineHeight: Double { (size * 1.28).rounded() }
  /// Half the height of a digit: a baseline this far below a tick's place centres the label on it.
  var halfDigit: Double { size * 0.36 }

  package static let title = TextStyle(15, bold: true)
  package static let heading = TextStyle(12.5, bold: true)
  package static let body = TextStyle(12)
  package static let label = TextStyle(11)
  package static let tick = TextStyle(10, color: RGBColor(hex: 0x24292f))
  package static let note = TextStyle(10.5, color: .muted)
}

package enum TextAnchor: Sendable {
  case start
  case middle
  case end
}

/// Measures and breaks text before there is a sheet to draw it on.
package struct TextRuler {
  private let canvas: Canvas

  package init() throws(FigureError) {
    canvas = try Canvas(width: 1, height: 1, scale: 1)
  }

  package func width(_ text: String, _ style: TextStyle) -> Double {
    canvas.width(of: text, style)
  }

  /// The widest of several texts; 0 for none.
  func width(_ texts: [String], _ style: TextStyle) -> Double {
    texts.map { width($0, style) }.max() ?? 0
  }

  /// Breaks text into lines no wider than `width`, at spaces, and inside a word that is wider than a
  /// line.
  ///
  /// Edge cases: line breaks in the text are kept; empty text has no lines; text past
  /// `maximumLines` ends in "…".
  package func wrap(
    _ text: String, width: Double, _ style: TextStyle, maximumLines: Int = .max
  ) -> [String] {
    var lines: [String] = []
    for paragraph in text.split(whereSeparator: \.isNewline) {
      var line = ""
      for word in paragraph.split(separator: " ") {
        let longer = line.isEmpty ? String(word) : line + " " + word
        if self.width(longer, style) <= width {
          line = longer
          continue
        }
        if !line.isEmpty { lines.append(line) }
        line = String(word)
        while self.width(line, style) > width, line.count > 1 {
          let fits = prefix(of: line, fitting: width, style)
          lines.append(fits)
          line.removeFirst(fits.count)
        }
      }
      if !line.isEmpty { lines.append(line) }
    }
    guard lines.count > maximumLines else { return lines }
    var kept = Array(lines.prefix(max(maximumLines, 1)))
    var last = kept.removeLast()
    while self.width(last + "…", style) > width, last.count > 1 { last.removeLast() }
    kept.append(last + "…")
    return kept
  }

  /// The longest start of `text` that fits, at least one character.
  private func prefix(of text: String, fitting width: Double, _ style: TextStyle) -> String {
    var low = 1
    var high = text.count
    while low < high {
      let middle = (low + high + 1) / 2
      if self.width(String(text.prefix(middle)), style) <= width {
        low = middle
      } else {
        high = middle - 1
      }
    }
    return String(text.prefix(low))
  }
}

/// The fonts that figures are set in, and what sets them.
public enum FigureFonts {
  /// Cairo's version, as it runs.
  public static var cairoVersion: String { String(cString: cairo_version_string()) }

  /// Whether Cairo finds DejaVu Sans; without it figures use another font, with other widths.
  public static var isInstalled: Bool {
    // DejaVu Sans' "m" is 1995 of 2048 units wide, wider than in any common sans serif.
    guard let ruler = try? TextRuler() else { return false }
    return abs(ruler.width("m", TextStyle(2048)) - 1995) < 2
  }
}
