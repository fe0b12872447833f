import Storage
import Tensors

extension Scene {
  /// Draws the scene: a square picture of `side` pixels.
  ///
  /// Background, exact position inside each place, a tint and a little noise are drawn from `stream`.
  func drawn(side: Int, from stream: inout RandomStream) -> RGBImage {
    let backgrounds = [(235, 235, 230), (200, 205, 210), (60, 62, 66), (25, 25, 30)]
    let background = backgrounds[stream.integer(below: backgrounds.count)]
    var canvas = Canvas(side: side, background: background)
    let place = Double(side) / 3
    for object in objects {
      // Keeps the circumscribed circle inside its place, so that objects never touch.
      let free = 0.5 - object.size.radius - 0.03
      let x = Double(object.column) + 0.5 + (Double(stream.uniform()) * 2 - 1) * free
      let y = Double(object.row) + 0.5 + (Double(stream.uniform()) * 2 - 1) * free
      let tint = (0..<3).map { _ in stream.integer(below: 25) - 12 }
      let (red, green, blue) = object.color.components
      canvas.fill(
        object.shape, x: x * place, y: y * place, radius: object.size.radius * place,
        color: (red + tint[0], green + tint[1], blue + tint[2]))
    }
    return canvas.image(noise: 5, from: &stream)
  }
}

/// Pixels while they are painted, `[side, side, 3]` in 0…255.
private struct Canvas {
  let side: Int
  private var values: [Double]

  init(side: Int, background: (Int, Int, Int)) {
    self.side = side
    let color = [Double(background.0), Double(background.1), Double(background.2)]
    values = (0..<(side * side)).flatMap { _ in color }
  }

  /// Blends a shape in by the share of each pixel that it covers, measured on 4 × 4 points.
  mutating func fill(
    _ shape: Scene.Shape, x: Double, y: Double, radius: Double, color: (Int, Int, Int)
  ) {
    let columns = max(0, Int(x - radius) - 1)..<min(side, Int(x + radius) + 2)
    for row in max(0, Int(y - radius) - 1)..<min(side, Int(y + radius) + 2) {
      for column in columns {
        var covered = 0
        for point in 0..<16 {
          let dx = (Double(column) + (Double(point % 4) + 0.5) / 4 - x) / radius
          let dy = (Double(row) + (Double(point / 4) + 0.5) / 4 - y) / radius
          if shape.contains(dx, dy) { covered += 1 }
        }
        let share = Double(covered) / 16
        let start = (row * side + column) * 3
        for (channel, value) in [color.0, color.1, color.2].enumerated() {
          values[start + channel] += (Double(value) - values[start + channel]) * share
        }
      }
    }
  }

  func image(noise: Int, from stream: inout RandomStream) -> RGBImage {
    let pixels = values.map { value in
      let noisy = Int(value.rounded()) + stream.integer(below: 2 * noise + 1) - noise
      return UInt8(max(0, min(255, noisy)))
    }
    return RGBImage(width: side, height: side, pixels: pixels)
  }
}

extension Scene.Shape {
  /// Whether a point lies inside the shape whose circumscribed circle is the unit circle; y points
  /// down, a triangle stands on its base.
  fileprivate func contains(_ x: Double, _ y: Double) -> Bool {
    switch self {
    case .circle: return x * x + y * y <= 0.81
    case .square: return abs(x) <= 0.707 && abs(y) <= 0.707
    case .triangle: return y <= 0.5 && abs(x) * 3.0.squareRoot() <= y + 1
    }
  }
}
