import CKernels
import Testing

/// Norms of one row in double precision.
enum NormTwin {
  static func layerNorm(_ x: [Double], gamma: [Double], beta: [Double], eps: Double) -> [Double] {
    let mean = x.reduce(0, +) / Double(x.count)
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
    let rstd = 1 / (variance + eps).squareRoot()
    return x.indices.map { (x[$0] - mean) * rstd * gamma[$0] + beta[$0] }
  }

  static func rmsNorm(_ x: [Double], gamma: [Double], eps: Double) -> [Double] {
    let rstd = 1 / (dot(x, x) / Double(x.count) + eps).squareRoot()
    return x.indices.map { x[$0] * rstd * gamma[$0] }
  }

  static func l2Normalize(_ x: [Double], eps: Double) -> [Double] {
    x.map { [norm = max(dot(x, x).squareRoot(), eps)] in $0 / norm }
  }
}

@Suite struct NormTests {
  static let widths = [1, 7, 8, 13, 64, 577]
  let rows = 5
  let eps: Float = 1e-5

  private func split(_ values: [Float], width: Int) -> [[Double]] {
    stride(from: 0, to: values.count, by: width).map { doubles(Array(values[$0..<$0 + width])) }
  }

  /// A mean of 30 with deviations of 1: one pass in float would lose the variance.
  @Test(arguments: widths) func layerNormEqualsDoublePrecision(width: Int) {
    let x = noise(rows * width, seed: 20).map { 30 + $0 }
    let gamma = noise(width, seed: 21)
    let beta = noise(width, seed: 22)
    let one = [Double](repeating: 1, count: width)
    let zero = [Double](repeating: 0, count: width)
    // The mean is kept as a float: 1e-6 at 30, relative to a deviation of at least 0.3 (or eps alone).
    let tolerance = width == 1 ? 6e-4 : 1e-5
    for (form, kernel) in forms(dk_layer_norm_form) {
      var rstd: [Float] = []
      var mean: [Float] = []
      let y = output(x.count) { y in
        mean = output(rows) { mean in
          rstd = output(rows) { kernel(x, gamma, beta, eps, y, mean, $0, rows, width) }
        }
      }
      let plain = output(x.count) { y in
        _ = output(rows) { mean in
          _ = output(rows) { kernel(x, nil, nil, eps, y, mean, $0, rows, width) }
        }
      }
      let inputs = split(x, width: width)
      expectClose(
        y,
        inputs.flatMap {
          NormTwin.layerNorm($0, gamma: doubles(gamma), beta: doubles(beta), eps: Double(eps))
        }, absolute: tolerance, form)
      expectClose(
        plain,
        inputs.flatMap { NormTwin.layerNorm($0, gamma: one, beta: zero, eps: Double(eps)) },
        absolute: tolerance, form)
      expectClose(
        mean, inputs.map { $0.reduce(0, +) / Double(width) }, relative: 1e-7, form)
      let deviations = inputs.map { row -> Double in
        let mean = row.reduce(0, +) / Double(width)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
        return 1 / (variance + Double(eps)).squareRoot()
      }
      expectClose(rstd, deviations, relative: 1e-6, form)
    }
  }

  @Test(arguments: [7, 8, 13, 64]) func layerNormGradientsEqualFiniteDifferences(width: Int) {
    let x = noise(rows * width, seed: 23, scale: 2)
    let gamma = noise(width, seed: 24)
    let beta = noise(width, seed: 25)
    let dy = noise(rows * width, seed: 26)
    let weights = split(dy, width: width)
    let loss = { (x: [[Double]], gamma: [Double], beta: [Double]) -> Double in
      zip(x, weights).reduce(0) { sum, row in
        let y = NormTwin.layerNorm(row.0, gamma: gamma, beta: beta, eps: Double(self.eps))
        return sum + dot(y, row.1)
      }
    }
    let inputs = split(x, width: width)
    let (g, b) = (doubles(gamma), doubles(beta))
    let expectedX = inputs.indices.flatMap { row in
      numericalGradient(at: inputs[row]) { moved in
        var all = inputs
        all[row] = moved
        return loss(all, g, b)
      }
    }
    let expectedGamma = numericalGradient(at: g) { loss(inputs, $0, b) }
    let expectedBeta = numericalGradient(at: b) { loss(inputs, g, $0) }

    var mean = [Float](repeating: 0, count: rows)
    var rstd = mean
    var y = x
    dk_layer_norm(x, gamma, beta, eps, &y, &mean, &rstd, rows, width)
    for (form, kernel) in forms(dk_layer_norm_backward_form) {
      var dgamma: [Float] = []
      var dbeta: [Float] = []
      let dx = output(x.count) { dx in
        dgamma = output(width, start: 1) { dgamma in
          dbeta = output(width, start: 2) {
            kernel(x, gamma, mean, rstd, dy, dx, dgamma, $0, rows, width, 0)
          }
        }
      }
      expectClose(dx, expectedX, absolute: 5e-6, form)
      expectClose(dgamma, expectedGamma.map { $0 + 1 }, absolute: 5e-6, form)
      expectClose(dbeta, expectedBeta.map { $0 + 2 }, absolute: 5e-6, form)
      let added = output(x.count, start: 1) {
        kernel(x, gamma, mean, rstd, dy, $0, nil, nil, rows, width, 1)
      }
      expectSameBits(added, dx.map { 1 + $0 }, form)
      let withOnes = output(x.count) {
        let ones = [Float](repeating: 1, count: width)
        kernel(x, ones, mean, rstd, dy, $0, nil, nil, rows, width, 0)
      }
      let without = output(x.count) {
        kernel(x, nil, mean, rstd, dy, $0, nil, nil, rows, width, 0)
      }
      expectSameBits(without, withOnes, form)
    }
  }

  @Test(arguments: widths) func rmsNormEqualsDoublePrecision(width: Int) {
    let x = noise(rows * width, seed: 27, scale: 3)
    let gamma = noise(width, seed: 28)
    let expected = split(x, width: width).flatMap {
      NormTwin.rmsNorm($0, gamma: doubles(gamma), eps: Double(eps))
    }
    for (form, kernel) in forms(dk_rms_norm_form) {
      var rstd: [Float] = []
      let y = output(x.count) { y in
        rstd = output(rows) { kernel(x, gamma, eps, y, $0, rows, width) }
      }
      expectClose(y, expected, relative: 3e-7, form)
      let scales = split(x, width: width).map {
        1 / (dot($0, $0) / Double(width) + Double(eps)).squareRoot()
      }
      expectClose(rstd, scales, relative: 1e-7, form)
    }
  }

  @Test(arguments: [7, 8, 13, 64]) func rmsNormGradientsEqualFiniteDifferences(width: Int) {
    let x = noise(rows * width, seed: 29, scale: 2)
    let gamma = noise(width, seed: 30)
    let dy = noise(rows * width, seed: 31)
    let inputs = split(x, width: width)
    let weights = split(dy, width: width)
    let twin = { (row: [Double], gamma: [Double]) in
      NormTwin.rmsNorm(row, gamma: gamma, eps: Double(self.eps))
    }
    let expectedX = inputs.indices.flatMap { row in
      numericalGradient(at: inputs[row]) { dot(twin($0, doubles(gamma)), weights[row]) }
    }
    let expectedGamma = numericalGradient(at: doubles(gamma)) { gamma in
      inputs.indices.reduce(0) { $0 + dot(twin(inputs[$1], gamma), weights[$1]) }
    }
    var rstd = [Float](repeating: 0, count: rows)
    var y = x
    dk_rms_norm(x, gamma, eps, &y, &rstd, rows, width)
    for (form, kernel) in forms(dk_rms_norm_backward_form) {
      var dgamma: [Float] = []
      let dx = output(x.count) { dx in
        dgamma = output(width, start: 1) {
          kernel(x, gamma, rstd, dy, dx, $0, rows, width, 0)
        }
      }
      expectClose(dx, expectedX, absolute: 5e-6, form)
      expectClose(dgamma, expectedGamma.map { $0 + 1 }, absolute: 5e-6, form)
      let added = output(x.count, start: 1) {
        kernel(x, gamma, rstd, dy, $0, nil, rows, width, 1)
      }
      expectSameBits(added, dx.map { 1 + $0 }, form)
    }
  }

  /// The second row is shorter than eps: its divisor is eps, a constant.
  @Test(arguments: [7, 8, 13, 64]) func l2NormalizationAndGradient(width: Int) {
    let rows = 2
    let bound = 0.01
    let x = noise(width, seed: 32) + noise(width, seed: 33, scale: 1e-4)
    let dy = noise(rows * width, seed: 34)
    let inputs = split(x, width: width)
    let weights = split(dy, width: width)
    let expectedX = inputs.indices.flatMap { row in
      numericalGradient(at: inputs[row], step: 1e-7) {
        dot(NormTwin.l2Normalize($0, eps: bound), weights[row])
      }
    }
    for (form, kernel) in forms(dk_l2_normalize_form) {
      var norms: [Float] = []
      let y = output(x.count) { y in
        norms = output(rows) { kernel(x, Float(bound), y, $0, rows, width) }
      }
      expectClose(
        y, inputs.flatMap { NormTwin.l2Normalize($0, eps: bound) }, relative: 3e-7, form)
      expectClose(norms, inputs.map { dot($0, $0).squareRoot() }, relative: 1e-7, form)
      for (form, backward) in forms(dk_l2_normalize_backward_form) {
        let dx = output(x.count) { backward(y, norms, Float(bound), dy, $0, rows, width, 0) }
        expectClose(dx, expectedX, relative: 1e-5, absolute: 5e-6, form)
        let added = output(x.count, start: 1) {
          backward(y, norms, Float(bound), dy, $0, rows, width, 1)
        }
        expectSameBits(added, dx.map { 1 + $0 }, form)
      }
    }
  }
}
