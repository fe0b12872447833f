import CCairo
import Foundation
import Storage

/// A sheet to draw on, measured in points; each point is `scale` pixels wide and high.
///
/// Shapes and text are Cairo's, with grey antialiasing and no hinting, so that a figure's layout does
/// not depend on its scale and the same calls give the same bytes. Pictures are copied pixel by
/// pixel. Not `Sendable`: one figure draws on it and takes its ``image``.
package final class Canvas {
  package let width: Int
  package let height: Int
  package let scale: Int
  private let surface: OpaquePointer
  private let context: OpaquePointer

  /// Cairo's own limit on a side, in pixels.
  static let maximumSide = 32_767

  /// - Throws: ``FigureError`` if the sheet is larger than Cairo can hold.
  package init(
    width: Double, height: Double, scale: Int, background: RGBColor = .white
  ) throws(FigureError) {
    let pixels = (
      width: width.rounded(.up) * Double(scale), height: height.rounded(.up) * Double(scale)
    )
    guard pixels.width <= Double(Self.maximumSide), pixels.height <= Double(Self.maximumSide) else {
      throw .tooLarge(width: pixels.width, height: pixels.height)
    }
    self.width = max(Int(pixels.width), 1)
    self.height = max(Int(pixels.height), 1)
    self.scale = scale
    guard
      let surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, Int32(self.width), Int32(self.height)),
      let context = cairo_create(surface)
    else { throw .outOfMemory(width: self.width, height: self.height) }
    self.surface = surface
    self.context = context
    guard cairo_status(context) == CAIRO_STATUS_SUCCESS else {
      throw .outOfMemory(width: self.width, height: self.height)
    }
    Self.setFontOptions(context)
    cairo_scale(context, Double(scale), Double(scale))
    setColor(background)
    cairo_paint(context)
  }

  deinit {
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  private static func setFontOptions(_ context: OpaquePointer) {
    guard let options = cairo_font_options_create() else { return }
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_set_font_options(context, options)
    cairo_font_options_destroy(options)
  }

  private func setColor(_ color: RGBColor, opacity: Double = 1) {
    cairo_set_source_rgba(
      context, Double(color.red) / 255, Double(color.green) / 255, Double(color.blue) / 255,
      opacity)
  }
}

// MARK: Shapes

extension Canvas {
  package func fill(_ rectangle: CGRect, _ color: RGBColor, opacity: Double = 1) {
    setColor(color, opacity: opacity)
    cairo_rectangle(
      context, rectangle.minX, rectangle.minY, rectangle.width, rectangle.height)
    cairo_fill(context)
  }

  /// A frame whose line lies inside the rectangle's edge.
  package func frame(_ rectangle: CGRect, _ color: RGBColor, width: Double = 1) {
    let inner = rectangle.insetBy(dx: width / 2, dy: width / 2)
    setColor(color)
    cairo_set_line_width(context, width)
    cairo_set_dash(context, nil, 0, 0)
    cairo_rectangle(context, inner.minX, inner.minY, inner.width, inner.height)
    cairo_stroke(context)
  }

  /// A line through points; fewer than two draw nothing.
  package func line(
    _ points: [CGPoint], _ color: RGBColor, width: Double = 1, dashes: [Double] = [],
    opacity: Double = 1
  ) {
    guard let first = points.first, points.count > 1 else { return }
    setColor(color, opacity: opacity)
    cairo_set_line_width(context, width)
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    cairo_set_line_cap(context, CAIRO_LINE_CAP_BUTT)
    cairo_set_dash(context, dashes, Int32(dashes.count), 0)
    cairo_move_to(context, first.x, first.y)
    for point in points.dropFirst() { cairo_line_to(context, point.x, point.y) }
    cairo_stroke(context)
  }

  package func polygon(_ points: [CGPoint], _ color: RGBColor, opacity: Double = 1) {
    guard let first = points.first, points.count > 2 else { return }
    setColor(color, opacity: opacity)
    cairo_move_to(context, first.x, first.y)
    for point in points.dropFirst() { cairo_line_to(context, point.x, point.y) }
    cairo_close_path(context)
    cairo_fill(context)
  }

  package func disc(at center: CGPoint, radius: Double, _ color: RGBColor, opacity: Double = 1) {
    setColor(color, opacity: opacity)
    cairo_new_sub_path(context)
    cairo_arc(context, center.x, center.y, radius, 0, 2 * Double.pi)
    cairo_fill(context)
  }

  /// Draws with everything outside `rectangle` cut off.
  package func clipped(to rectangle: CGRect, _ draw: () -> Void) {
    cairo_save(context)
    cairo_rectangle(
      context, rectangle.minX, rectangle.minY, rectangle.width, rectangle.height)
    cairo_clip(context)
    draw()
    cairo_restore(context)
  }
}

// MARK: Text

extension Canvas {
  /// One line of text; `point` is on the baseline, at the end that `anchor` names.
  package func text(
    _ text: String, at point: CGPoint, _ style: TextStyle, anchor: TextAnchor = .start,
    quarterTurn: Bool = false
  ) {
    select(style)
    let width = measuredWidth(text)
    let shift =
      switch anchor {
      case .start: 0.0
      case .middle: -width / 2
      case .end: -width
      }
    cairo_save(context)
    cairo_translate(context, point.x, point.y)
    if quarterTurn { cairo_rotate(context, -Double.pi / 2) }
    cairo_move_to(context, shift, 0)
    setColor(style.color)
    cairo_show_text(context, text)
    cairo_new_path(context)
    cairo_restore(context)
  }

  /// Lines of text below one another; `origin` is the top of the first line, at the end that
  /// `anchor` names.
  package func lines(
    _ lines: [String], at origin: CGPoint, _ style: TextStyle, anchor: TextAnchor = .start
  ) {
    for (index, line) in lines.enumerated() {
      let baseline = origin.y + Double(index) * style.lineHeight + style.ascent
      text(line, at: CGPoint(x: origin.x, y: baseline), style, anchor: anchor)
    }
  }

  /// How far text reaches, in points.
  package func width(of text: String, _ style: TextStyle) -> Double {
    select(style)
    return measuredWidth(text)
  }

  private func select(_ style: TextStyle) {
    cairo_select_font_face(
      context, TextStyle.family, style.italic ? CAIRO_FONT_SLANT_ITALIC : CAIRO_FONT_SLANT_NORMAL,
      style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
    cairo_set_font_size(context, style.size)
  }

  private func measuredWidth(_ text: String) -> Double {
    var extents = cairo_text_extents_t()
    cairo_text_extents(context, text, &extents)
    return extents.x_advance
  }
}

// MARK: Pixels

extension Canvas {
  /// Copies a picture, one of its pixels to one of the sheet's, its top left corner at a point.
  ///
  /// What lies outside the sheet is left out.
  package func draw(_ image: RGBImage, at point: CGPoint) {
    let left = Int((point.x * Double(scale)).rounded())
    let top = Int((point.y * Double(scale)).rounded())
    let columns = max(left, 0)..<max(min(left + image.width, width), max(left, 0))
    let rows = max(top, 0)..<max(min(top + image.height, height), max(top, 0))
    withPixels { sheet, stride in
      image.pixels.withUnsafeBufferPointer { pixels in
        for y in rows {
          for x in columns {
            let source = ((y - top) * image.width + (x - left)) * 3
            sheet[y * stride + x] =
              UInt32(pixels[source]) << 16 | UInt32(pixels[source + 1]) << 8
              | UInt32(pixels[source + 2])
          }
        }
      }
    }
    cairo_surface_mark_dirty(surface)
  }

  /// All that has been drawn.
  package var image: RGBImage {
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    withPixels { sheet, stride in
      pixels.withUnsafeMutableBufferPointer { pixels in
        for y in 0..<height {
          for x in 0..<width {
            let color = sheet[y * stride + x]
            let target = (y * width + x) * 3
            pixels[target] = UInt8(truncatingIfNeeded: color >> 16)
            pixels[target + 1] = UInt8(truncatingIfNeeded: color >> 8)
            pixels[target + 2] = UInt8(truncatingIfNeeded: color)
          }
        }
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  /// The sheet's pixels as `0x00RRGGBB`, and how many of them a row takes.
  private func withPixels(_ body: (UnsafeMutablePointer<UInt32>, Int) -> Void) {
    cairo_surface_flush(surface)
    guard let bytes = cairo_image_surface_get_data(surface) else { return }
    let stride = Int(cairo_image_surface_get_stride(surface)) / MemoryLayout<UInt32>.size
    bytes.withMemoryRebound(to: UInt32.self, capacity: stride * height) { body($0, stride) }
  }
}
