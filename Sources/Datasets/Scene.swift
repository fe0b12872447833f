import Tensors

/// A drawing of one to three coloured shapes on a grid of three by three places.
struct Scene: Equatable {
  enum Shape: String, CaseIterable {
    case circle, square, triangle
  }

  enum Color: String, CaseIterable {
    case red, green, blue, yellow, purple, orange

    var components: (Int, Int, Int) {
      switch self {
      case .red: (214, 40, 40)
      case .green: (40, 160, 60)
      case .blue: (45, 80, 215)
      case .yellow: (240, 215, 40)
      case .purple: (140, 50, 170)
      case .orange: (245, 135, 25)
      }
    }
  }

  enum Size: String, CaseIterable {
    case small, large

    /// Circumradius in sides of a place.
    var radius: Double {
      switch self {
      case .small: 0.24
      case .large: 0.43
      }
    }
  }

  struct Object: Equatable {
    let shape: Shape
    let color: Color
    let size: Size
    /// 0 at the top, 2 at the bottom.
    let row: Int
    /// 0 at the left, 2 at the right.
    let column: Int
  }

  /// In reading order: from the top, then from the left. No two share a place.
  let objects: [Object]

  /// What the scene shows, as text that is equal for scenes that show the same.
  var facts: String {
    objects.map {
      "\($0.size) \($0.color) \($0.shape) \($0.row)\($0.column)"
    }.joined(separator: ", ")
  }

  /// Draws lots for a scene.
  init(maximumObjects: Int, from stream: inout RandomStream) {
    // One, two and three objects are drawn 3 : 4 : 3.
    let lot = stream.integer(below: 10)
    let count = min(lot < 3 ? 1 : lot < 7 ? 2 : 3, maximumObjects)
    let places = stream.permutation(9).prefix(count).sorted()
    var objects: [Object] = []
    for place in places {
      objects.append(
        Object(
          shape: Shape.allCases[stream.integer(below: Shape.allCases.count)],
          color: Color.allCases[stream.integer(below: Color.allCases.count)],
          size: Size.allCases[stream.integer(below: Size.allCases.count)],
          row: place / 3, column: place % 3))
    }
    self.objects = objects
  }

  init(objects: [Object]) { self.objects = objects }
}
