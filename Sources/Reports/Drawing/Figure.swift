import Foundation
import Storage

/// A picture that is drawn from data: a plot, an attention grid, a heatmap.
public protocol Figure: Sendable {
  /// Draws the figure, each point `scale` pixels wide and high.
  ///
  /// The same figure gives the same pixels every time on one machine; text follows the installed
  /// version of its font.
  ///
  /// - Throws: ``FigureError`` if it is larger than Cairo can hold.
  func image(scale: Int) throws -> RGBImage
}

extension Figure {
  /// Writes the figure as PNG, two pixels a point unless asked otherwise.
  public func writePNG(to url: URL, scale: Int = 2) throws {
    try image(scale: scale).writePNG(to: url)
  }
}

/// Why a figure cannot be drawn.
public enum FigureError: Error, CustomStringConvertible, Equatable {
  case tooLarge(width: Double, height: Double)
  case outOfMemory(width: Int, height: Int)

  public var description: String {
    switch self {
    case .tooLarge(let width, let height):
      "A figure of \(Int(width.rounded()))×\(Int(height.rounded())) pixels is too large: a side "
        + "has at most \(Canvas.maximumSide). Draw fewer panels, or at a smaller scale."
    case .outOfMemory(let width, let height):
      "There is not enough memory for a figure of \(width)×\(height) pixels."
    }
  }
}

/// Figures next to one another, tops aligned.
public struct FigureRow: Figure {
  public var figures: [any Figure]
  /// Space between two figures, in points.
  public var gap: Int

  public init(_ figures: [any Figure], gap: Int = 8) {
    self.figures = figures
    self.gap = gap
  }

  public func image(scale: Int) throws -> RGBImage {
    let images = try figures.map { try $0.image(scale: scale) }
    let width = images.map(\.width).reduce(0, +) + max(images.count - 1, 0) * gap * scale
    let height = images.map(\.height).max() ?? 0
    let points = (width: Double(width) / Double(scale), height: Double(height) / Double(scale))
    let canvas = try Canvas(width: points.width, height: points.height, scale: scale)
    var left = 0
    for image in images {
      canvas.draw(image, at: CGPoint(x: Double(left) / Double(scale), y: 0))
      left += image.width + gap * scale
    }
    return canvas.image
  }
}
