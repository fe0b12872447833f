import CKernels
import Foundation
import Testing

@Suite struct RotaryTests {
  let rows = 4
  let positions: [Int32] = [3, 0, 6, 1]

  /// Angles in double, the rotation in double: transformers' `rotate_half`.
  private func twin(
    _ x: [Float], heads: Int, headDim: Int, direction: Double, _ angle: (Int, Int) -> Double
  ) -> [Double] {
    let half = headDim / 2
    var y = doubles(x)
    for r in 0..<rows {
      for h in 0..<heads {
        for i in 0..<half {
          let (first, second) = (
            (r * heads + h) * headDim + i, (r * heads + h) * headDim + half + i
          )
          let (a, b) = (Double(x[first]), Double(x[second]))
          let theta = angle(Int(positions[r]), i) * direction
          y[first] = a * cos(theta) - b * sin(theta)
          y[second] = b * cos(theta) + a * sin(theta)
        }
      }
    }
    return y
  }

  @Test(arguments: [(1, 2), (3, 6), (2, 16), (9, 64), (2, 26)])
  func rotationEqualsDoublePrecisionAndTurnsBack(heads: Int, headDim: Int) {
    let half = headDim / 2
    let angle = { (position: Int, i: Int) in
      Double(position) * pow(10_000, -Double(2 * i) / Double(headDim))
    }
    let places = (0..<7).flatMap { position in (0..<half).map { (position, $0) } }
    let cosines = places.map { Float(cos(angle($0.0, $0.1))) }
    let sines = places.map { Float(sin(angle($0.0, $0.1))) }
    let x = noise(rows * heads * headDim, seed: 50)
    for (form, kernel) in forms(dk_rotary_form) {
      let y = output(x.count) {
        kernel(x, $0, rows, heads, headDim, positions, cosines, sines, 1, 0)
      }
      let expected = twin(x, heads: heads, headDim: headDim, direction: 1, angle)
      expectClose(y, expected, absolute: 2.5e-7, form)
      let back = output(x.count) {
        kernel(x, $0, rows, heads, headDim, positions, cosines, sines, -1, 0)
      }
      let expectedBack = twin(x, heads: heads, headDim: headDim, direction: -1, angle)
      expectClose(back, expectedBack, absolute: 2.5e-7, form)
      let inPlace = onCopy(of: x) {
        kernel($0, $0, rows, heads, headDim, positions, cosines, sines, 1, 0)
      }
      expectSameBits(inPlace, y, form)
      let restored = onCopy(of: y) {
        kernel($0, $0, rows, heads, headDim, positions, cosines, sines, -1, 0)
      }
      expectClose(restored, doubles(x), absolute: 4e-7, form)
      let added = output(x.count, start: 1) {
        kernel(x, $0, rows, heads, headDim, positions, cosines, sines, 1, 1)
      }
      expectSameBits(added, y.map { 1 + $0 }, form)
    }
  }
}
