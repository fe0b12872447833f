import Configuration
import Storage
import Tensors

extension ExampleSet.Part {
  /// The name of a drawing of this part: `scene-train-000012`.
  func id(_ name: String, _ index: Int) -> Identifier {
    let number = String(repeating: "0", count: max(0, 6 - "\(index)".count)) + "\(index)"
    return Identifier("\(name)-\(rawValue)-\(number)")
  }
}

extension RGBImage {
  /// Draws a square picture with normal noise: each value plus noise, clamped to 0…1, rounded to 8 bits.
  ///
  /// - Parameters:
  ///   - side: Pixels.
  ///   - noise: Standard deviation of the noise, of its own for each pixel and channel.
  ///   - key: Of the noise.
  ///   - color: Red, green and blue in 0…1 of the pixel in a column and a row, both from 0.
  static func drawn(
    side: Int, noise: Double, key: RandomKey,
    color: (_ column: Int, _ row: Int) -> (Float, Float, Float)
  ) -> RGBImage {
    var values = [Float](repeating: 0, count: side * side * 3)
    values.withUnsafeMutableBufferPointer {
      RandomStream.fillNormal($0, key: key, deviation: Float(noise))
    }
    for row in 0..<side {
      for column in 0..<side {
        let start = (row * side + column) * 3
        let (red, green, blue) = color(column, row)
        values[start] += red
        values[start + 1] += green
        values[start + 2] += blue
      }
    }
    let pixels = values.map { UInt8((max(0, min(1, $0)) * 255).rounded()) }
    return RGBImage(width: side, height: side, pixels: pixels)
  }
}
