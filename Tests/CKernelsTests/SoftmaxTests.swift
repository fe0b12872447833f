import CKernels
import Foundation
import Testing

/// softmax(scale · s) of one row in double precision, and the log of its denominator.
func softmaxTwin(_ s: [Double], scale: Double = 1) -> (p: [Double], logSumExp: Double) {
  let largest = s.map { $0 * scale }.max() ?? -.infinity
  let total = s.reduce(0) { $0 + exp($1 * scale - largest) }
  let logSumExp = largest + log(total)
  return (s.map { exp($0 * scale - logSumExp) }, logSumExp)
}

@Suite struct SoftmaxTileTests {
  let columns = 37
  let ld = 41
  let visible: [Int32] = [0, 1, 5, 8, 17, 36, 37]
  let scale: Float = 0.125
  var rows: Int { visible.count }

  /// The visible prefix of each row in double, padded to `columns` with zeros by `row`.
  private func rowwise(_ tile: [Float], _ row: (Int, [Double]) -> [Double]) -> [Double] {
    visible.indices.flatMap { r -> [Double] in
      let seen = doubles(Array(tile[r * ld..<r * ld + Int(visible[r])]))
      let values = row(r, seen)
      return values + Array(repeating: 0, count: columns - values.count)
    }
  }

  private func trimmed(_ tile: [Float]) -> [Float] {
    (0..<rows).flatMap { tile[$0 * ld..<$0 * ld + columns] }
  }

  private func margins(_ tile: [Float]) -> [Float] {
    (0..<rows).flatMap { tile[$0 * ld + columns..<($0 + 1) * ld] }
  }

  @Test(arguments: [1, 30, 800] as [Float])
  func probabilitiesEqualDoublePrecision(spread: Float) {
    let scores = noise(rows * ld, seed: 40, scale: spread)
    let expected = rowwise(scores) { softmaxTwin($1, scale: Double(scale)).p }
    for (form, kernel) in forms(dk_softmax_tile_form) {
      var logSumExp: [Float] = []
      let p = onCopy(of: scores) { p in
        logSumExp = output(rows) { kernel(p, rows, columns, ld, visible, scale, $0) }
      }
      // Rounding of scale · s - max grows with the spread of the scores.
      let tolerance = 4e-7 + 1e-7 * Double(spread * scale)
      expectClose(trimmed(p), expected, relative: tolerance, absolute: 2e-38, form)
      expectSameBits(margins(p), margins(scores), form)
      let sums = visible.indices.map { r -> Double in
        let seen = scores[r * ld..<r * ld + Int(visible[r])]
        return softmaxTwin(doubles(Array(seen)), scale: Double(scale)).logSumExp
      }
      #expect(logSumExp[0] == -.infinity)
      expectClose(
        Array(logSumExp.dropFirst()), Array(sums.dropFirst()), relative: 2e-7, absolute: 2e-7, form)

      for (form, again) in forms(dk_softmax_tile_again_form) {
        let repeated = onCopy(of: scores) {
          again($0, rows, columns, ld, visible, scale, logSumExp)
        }
        expectClose(trimmed(repeated), expected, relative: 2 * tolerance, absolute: 2e-38, form)
        expectSameBits(margins(repeated), margins(scores), form)
      }
    }
  }

  @Test func withoutVisibilityEveryColumnCounts() {
    let scores = noise(rows * ld, seed: 41, scale: 9)
    let all = [Int32](repeating: Int32(columns), count: rows)
    for (form, kernel) in forms(dk_softmax_tile_form) {
      expectSameBits(
        onCopy(of: scores) { kernel($0, rows, columns, ld, nil, scale, nil) },
        onCopy(of: scores) { kernel($0, rows, columns, ld, all, scale, nil) }, form)
    }
  }

  @Test func negativeScaleAndMaskedScores() {
    let scores: [Float] = [3, -.infinity, 1, 2, -1]
    let hidden = scores.map { $0 == -.infinity ? Float.infinity : -$0 }
    for (form, kernel) in forms(dk_softmax_tile_form) {
      let p = onCopy(of: scores) { kernel($0, 1, 5, 5, nil, 1, nil) }
      #expect(p[1] == 0, "\(form)")
      expectClose(p, softmaxTwin(doubles(scores)).p, relative: 4e-7, form)
      expectSameBits(onCopy(of: hidden) { kernel($0, 1, 5, 5, nil, -1, nil) }, p, form)
      let unknown = onCopy(of: [1, .nan, 2]) { kernel($0, 1, 3, 3, nil, 1, nil) }
      #expect(unknown.allSatisfy { $0.isNaN }, "\(form)")
    }
  }

  /// d loss / d scores for loss = p · w, with delta = Σ p w from dk_row_dots.
  @Test func gradientEqualsFiniteDifferences() {
    let scores = noise(rows * ld, seed: 42, scale: 8)
    let weights = noise(rows * ld, seed: 43)
    let expected = rowwise(scores) { r, seen in
      let w = doubles(Array(weights[r * ld..<r * ld + seen.count]))
      return numericalGradient(at: seen) { dot(softmaxTwin($0, scale: Double(scale)).p, w) }
    }
    var p = scores
    dk_softmax_tile(&p, rows, columns, ld, visible, scale, nil)
    for (form, dots) in forms(dk_row_dots_form) {
      let delta = output(rows) { dots(p, ld, weights, ld, $0, rows, columns) }
      for (form, kernel) in forms(dk_softmax_tile_backward_form) {
        let ds = onCopy(of: weights) { kernel(p, $0, rows, columns, ld, visible, delta, scale) }
        expectClose(trimmed(ds), expected, absolute: 2e-7, form)
        expectSameBits(margins(ds), margins(weights), form)
      }
      let products = (0..<rows).map { r in
        dot(
          doubles(Array(p[r * ld..<r * ld + columns])),
          doubles(Array(weights[r * ld..<r * ld + columns])))
      }
      expectClose(delta, products, absolute: 3e-7, form)
    }
  }
}

@Suite struct CrossEntropyTests {
  @Test(arguments: [1, 2, 7, 8, 255, 256, 257, 1_000, 49_152], [1, 20, 300] as [Float])
  func lossAndGradientEqualDoublePrecision(n: Int, spread: Float) {
    let logits = noise(n, seed: 44, scale: spread)
    let scale: Float = 0.25
    let (p, logSumExp) = softmaxTwin(doubles(logits))
    for (form, kernel) in forms(dk_cross_entropy_row_form) {
      for target in Set([0, n / 2, n - 1]) {
        let loss = logSumExp - Double(logits[target])
        var plain = 0.0
        let kept = onCopy(of: logits) { plain = kernel($0, n, Int32(target), scale, 0) }
        expectSameBits(kept, logits, form)
        #expect(abs(plain - loss) <= 2e-7 * max(1, Double(spread) / 10), "\(form)")

        var trained = 0.0
        let gradient = onCopy(of: logits) { trained = kernel($0, n, Int32(target), scale, 1) }
        #expect(trained == plain, "\(form)")
        var expected = p
        expected[target] -= 1
        // Rounding of x - max grows with the spread of the logits.
        let tolerance = 4e-7 + 1e-7 * Double(spread)
        expectClose(
          gradient, expected.map { $0 * Double(scale) }, relative: tolerance, absolute: 1e-8, form)
      }
    }
  }

  @Test func gradientEqualsFiniteDifferences() {
    let logits = noise(19, seed: 45, scale: 3)
    let expected = numericalGradient(at: doubles(logits)) {
      softmaxTwin($0).logSumExp - $0[11]
    }
    let gradient = onCopy(of: logits) { _ = dk_cross_entropy_row($0, 19, 11, 1, 1) }
    expectClose(gradient, expected, absolute: 2e-7)
  }
}
