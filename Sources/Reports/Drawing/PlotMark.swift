import Foundation

/// The shape of a point, so that groups are told apart without colour too.
enum PlotMark: Sendable, Equatable, CaseIterable {
  case disc
  case square
  case triangle
  case diamond
  case hollow
  case cross

  /// Corners of a filled shape about the origin, for a disc of radius 1 of about the same area.
  fileprivate var corners: [(x: Double, y: Double)] {
    switch self {
    case .square: [(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)]
    case .triangle: [(0, -1.35), (1.2, 0.8), (-1.2, 0.8)]
    case .diamond: [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]
    case .disc, .hollow, .cross: []
    }
  }
}

extension Canvas {
  func draw(
    _ mark: PlotMark, at center: CGPoint, radius: Double, _ color: RGBColor, opacity: Double = 1
  ) {
    switch mark {
    case .disc: disc(at: center, radius: radius, color, opacity: opacity)
    case .hollow:
      disc(at: center, radius: radius * 1.15, color, opacity: opacity)
      disc(at: center, radius: radius * 0.55, .white)
    case .cross:
      let arm = radius * 1.05
      for turn in [1.0, -1] {
        line(
          [
            CGPoint(x: center.x - arm, y: center.y - turn * arm),
            CGPoint(x: center.x + arm, y: center.y + turn * arm),
          ], color, width: radius * 0.62, opacity: opacity)
      }
    case .square, .triangle, .diamond:
      polygon(
        mark.corners.map {
          CGPoint(x: center.x + $0.x * radius, y: center.y + $0.y * radius)
        }, color, opacity: opacity)
    }
  }
}

/// Colour and mark of each group, in the order in which they first appear. Marks come round after six groups,
/// colours after seven, so 42 groups differ.
struct GroupStyles {
  private let places: [String: Int]

  init(_ groups: [String]) {
    var places: [String: Int] = [:]
    for group in groups where places[group] == nil { places[group] = places.count }
    self.places = places
  }

  func color(_ group: String) -> RGBColor { .series(places[group] ?? 0) }

  func mark(_ group: String) -> PlotMark {
    PlotMark.allCases[(places[group] ?? 0) % PlotMark.allCases.count]
  }
}
