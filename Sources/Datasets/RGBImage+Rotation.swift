import Foundation
import Storage

/// How a pixel between others is worked out.
public enum RotationFilter: String, Sendable {
  case nearest
  case bilinear
}

extension RGBImage {
  /// The picture turned counter-clockwise about its middle, of the same size, black where it has nothing.
  ///
  /// Equal in every byte to Pillow's `Image.rotate(angle, resample)`: an affine map whose sines are rounded to
  /// 15 digits; nearest in 16-bit fixed point, bilinear in double precision, cut to whole numbers; whole
  /// and half turns, and quarter turns of a square, move pixels only. Source: Pillow's `Image.py`, `Geometry.c`.
  public func rotated(byDegrees angle: Double, _ filter: RotationFilter) -> RGBImage {
    var angle = angle.truncatingRemainder(dividingBy: 360)
    if angle < 0 { angle += 360 }
    if angle == 0 { return self }
    if angle == 180 { return moved { (width - 1 - $0, height - 1 - $1) } }
    if width == height, angle == 90 { return moved { (width - 1 - $1, $0) } }
    if width == height, angle == 270 { return moved { ($1, height - 1 - $0) } }
    let map = AffineMap(degrees: angle, width: width, height: height)
    switch filter {
    case .nearest: return nearest(map)
    case .bilinear: return bilinear(map)
    }
  }

  /// Each pixel from the column and row that `source` gives.
  private func moved(_ source: (_ column: Int, _ row: Int) -> (Int, Int)) -> RGBImage {
    var result = RGBImage(width: width, height: height)
    for row in 0..<height {
      for column in 0..<width {
        let (x, y) = source(column, row)
        result[x: column, y: row] = self[x: x, y: y]
      }
    }
    return result
  }

  private func nearest(_ map: AffineMap) -> RGBImage {
    func fixed(_ value: Double) -> Int { Int((value * 65_536 + 0.5).rounded(.down)) }
    var result = RGBImage(width: width, height: height)
    let (a, b, d, e) = (fixed(map.a), fixed(map.b), fixed(map.d), fixed(map.e))
    let (startX, startY) = (
      fixed(map.c + map.a * 0.5 + map.b * 0.5), fixed(map.f + map.d * 0.5 + map.e * 0.5)
    )
    for row in 0..<height {
      for column in 0..<width {
        let x = (startX + column * a + row * b) >> 16
        let y = (startY + column * d + row * e) >> 16
        if x >= 0, x < width, y >= 0, y < height { result[x: column, y: row] = self[x: x, y: y] }
      }
    }
    return result
  }

  private func bilinear(_ map: AffineMap) -> RGBImage {
    var values = [UInt8](repeating: 0, count: pixels.count)
    for row in 0..<height {
      for column in 0..<width {
        let (x, y) = map.applied(Double(column) + 0.5, Double(row) + 0.5)
        guard x >= 0, x < Double(width), y >= 0, y < Double(height) else { continue }
        let (left, top) = ((x - 0.5).rounded(.down), (y - 0.5).rounded(.down))
        let (dx, dy) = (x - 0.5 - left, y - 0.5 - top)
        let columns = [Int(left), Int(left) + 1].map { max(0, min(width - 1, $0)) }
        let upper = max(0, min(height - 1, Int(top)))
        // Below the last row there is none; Pillow takes the upper one then.
        let lower = Int(top) + 1 < height ? max(0, Int(top) + 1) : upper
        for channel in 0..<3 {
          func line(_ y: Int) -> Double {
            let first = Double(pixels[(y * width + columns[0]) * 3 + channel])
            return first + (Double(pixels[(y * width + columns[1]) * 3 + channel]) - first) * dx
          }
          let above = line(upper)
          values[(row * width + column) * 3 + channel] = UInt8(above + (line(lower) - above) * dy)
        }
      }
    }
    return RGBImage(width: width, height: height, pixels: values)
  }
}

/// Where a pixel of the result comes from: x' = a·x + b·y + c, y' = d·x + e·y + f.
private struct AffineMap {
  let a, b, d, e: Double
  var c = 0.0
  var f = 0.0

  /// Turns about the middle.
  init(degrees: Double, width: Int, height: Int) {
    let angle = -degrees * Double.pi / 180
    // The 15 digits of the exact value: in binary, 45 degrees would come out one too high.
    func rounded(_ value: Double) -> Double { Double(String(format: "%.15f", value)) ?? value }
    (a, b) = (rounded(cos(angle)), rounded(sin(angle)))
    (d, e) = (rounded(-sin(angle)), rounded(cos(angle)))
    let (x, y) = (Double(width) / 2, Double(height) / 2)
    (c, f) = applied(-x, -y)
    c += x
    f += y
  }

  func applied(_ x: Double, _ y: Double) -> (Double, Double) {
    (a * x + b * y + c, d * x + e * y + f)
  }
}
