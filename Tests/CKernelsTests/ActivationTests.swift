import CKernels
import Foundation
import Testing

/// The activations of `kernels.h` in double precision.
enum Activation: CaseIterable {
  case geluErf, geluTanh, quickGELU, silu, relu, tanh, sigmoid

  var kind: Int32 {
    switch self {
    case .geluErf: Int32(DK_GELU_ERF)
    case .geluTanh: Int32(DK_GELU_TANH)
    case .quickGELU: Int32(DK_QUICK_GELU)
    case .silu: Int32(DK_SILU)
    case .relu: Int32(DK_RELU)
    case .tanh: Int32(DK_TANH)
    case .sigmoid: Int32(DK_SIGMOID)
    }
  }

  func callAsFunction(_ x: Double) -> Double {
    switch self {
    case .geluErf: 0.5 * x * erfc(-x / 2.0.squareRoot())
    case .geluTanh: x * sigmoid(2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))
    case .quickGELU: x * sigmoid(1.702 * x)
    case .silu: x * sigmoid(x)
    case .relu: max(x, 0)
    case .tanh: Foundation.tanh(x)
    case .sigmoid: sigmoid(x)
    }
  }

  /// Largest relative error allowed on `grid`: the sigmoid of a large product carries the rounding of
  /// that product, so the two forms that have one are less exact in their negative tails.
  var relativeTolerance: Double {
    switch self {
    case .geluTanh, .quickGELU: 5e-6
    default: 6e-7
    }
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}

@Suite struct ActivationTests {
  /// Steps of 1e-3 over the range where float32 sees any shape, and a fine patch around zero.
  let grid: [Float] =
    (-6_000...6_000).map { Float($0) * 1e-3 } + (-1_000...1_000).map { Float($0) * 1e-8 }

  @Test(arguments: Activation.allCases) func valuesEqualDoublePrecision(activation: Activation) {
    let expected = grid.map { activation(Double($0)) }
    for (form, kernel) in forms(dk_activation_form) {
      let y = output(grid.count) { kernel(activation.kind, grid, $0, grid.count) }
      expectClose(y, expected, relative: activation.relativeTolerance, form)
      let inPlace = onCopy(of: grid) { kernel(activation.kind, $0, $0, grid.count) }
      expectSameBits(inPlace, y, form)
    }
  }

  /// The exact GELU keeps its relative error where x·P(X ≤ x) is 1e-30.
  @Test func exactGELUHoldsInItsTail() {
    let x = (0...700).map { -5 - Float($0) * 0.01 }
    let expected = x.map { Activation.geluErf(Double($0)) }
    for (form, kernel) in forms(dk_activation_form) {
      let y = output(x.count) { kernel(Activation.geluErf.kind, x, $0, x.count) }
      expectClose(y, expected, relative: 2e-6, absolute: 2e-38, form)
    }
  }

  @Test(arguments: Activation.allCases) func gradientsEqualFiniteDifferences(activation: Activation)
  {
    let x = grid.filter { activation != .relu || abs($0) > 1e-4 }
    let dy = noise(x.count, seed: 11)
    let h = 1e-5
    let expected = zip(x, dy).map { x, dy in
      Double(dy) * (activation(Double(x) + h) - activation(Double(x) - h)) / (2 * h)
    }
    for (form, kernel) in forms(dk_activation_backward_form) {
      let dx = output(x.count) { kernel(activation.kind, x, dy, $0, x.count, 0) }
      expectClose(dx, expected, absolute: 4e-7, form)
      let added = output(x.count, start: 1) { kernel(activation.kind, x, dy, $0, x.count, 1) }
      expectSameBits(added, dx.map { 1 + $0 }, form)
    }
  }

  @Test(arguments: Activation.allCases) func limitsAreReachedAndNaNPasses(activation: Activation) {
    let x: [Float] = [-.infinity, -1e30, -200, 200, 1e30, .infinity, .nan]
    let low: Float = activation == .tanh ? -1 : 0
    let isBounded = activation == .tanh || activation == .sigmoid
    let high: [Float] = isBounded ? [1, 1, 1] : [200, 1e30, .infinity]
    let ones = [Float](repeating: 1, count: x.count)
    for (form, kernel) in forms(dk_activation_form) {
      let y = output(x.count) { kernel(activation.kind, x, $0, x.count) }
      #expect(Array(y.prefix(6)) == [low, low, low] + high, "\(form)")
      #expect(y[6].isNaN, "\(form)")
    }
    for (form, kernel) in forms(dk_activation_backward_form) {
      let dx = output(x.count) { kernel(activation.kind, x, ones, $0, x.count, 0) }
      let slope = isBounded ? 0.0 : 1
      expectClose(Array(dx.prefix(6)), [0, 0, 0, slope, slope, slope], absolute: 1e-31, form)
      #expect(dx[6].isNaN || activation == .relu, "\(form)")
    }
  }

  @Test(arguments: lengths) func swigluIsSiluTimesUp(n: Int) {
    let gate = noise(n, seed: 12, scale: 6)
    let up = noise(n, seed: 13)
    let dy = noise(n, seed: 14)
    let value = { (g: Double, u: Double) in Activation.silu(g) * u }
    let expected = zip(doubles(gate), doubles(up)).map(value)
    let h = 1e-5
    let gradients = (0..<n).map { i in
      let (g, u, d) = (Double(gate[i]), Double(up[i]), Double(dy[i]))
      return (
        gate: d * (value(g + h, u) - value(g - h, u)) / (2 * h), up: d * Activation.silu(g)
      )
    }
    for (form, kernel) in forms(dk_swiglu_form) {
      expectClose(output(n) { kernel(gate, up, $0, n) }, expected, relative: 6e-7, form)
    }
    for (form, kernel) in forms(dk_swiglu_backward_form) {
      var dup: [Float] = []
      let dgate = output(n) { dgate in
        dup = output(n) { kernel(gate, up, dy, dgate, $0, n) }
      }
      expectClose(dgate, gradients.map(\.gate), absolute: 4e-7, form)
      expectClose(dup, gradients.map(\.up), relative: 6e-7, form)
      var upInPlace: [Float] = []
      let gateInPlace = onCopy(of: gate) { gate in
        upInPlace = onCopy(of: up) { kernel(gate, $0, dy, gate, $0, n) }
      }
      expectSameBits(gateInPlace, dgate, form)
      expectSameBits(upInPlace, dup, form)
    }
  }
}

@Suite struct ExponentialTests {
  /// Results that would leave the normal range are 0.
  @Test func expEqualsDoublePrecision() {
    let x = (-105_000...89_000).map { Float($0) * 1e-3 }
    let expected = x.map { value -> Double in
      let e = exp(Double(value))
      return e > Double(Float.greatestFiniteMagnitude) ? .infinity : e
    }
    for (form, kernel) in forms(dk_exp_form) {
      let y = output(x.count) { kernel(x, $0, x.count) }
      expectClose(y, expected, relative: 1.3e-7, absolute: 1.7e-38, form)
      expectSameBits(onCopy(of: x) { kernel($0, $0, x.count) }, y, form)
    }
  }

  @Test func expHasItsLimits() {
    let x: [Float] = [-.infinity, .infinity, .nan, 0, -0.0, -1e38, 1e38, 88.72, 88.73]
    for (form, kernel) in forms(dk_exp_form) {
      let y = output(x.count) { kernel(x, $0, x.count) }
      #expect(y[0] == 0 && y[1] == .infinity && y[2].isNaN, "\(form)")
      #expect(y[3] == 1 && y[4] == 1 && y[5] == 0 && y[6] == .infinity, "\(form)")
      #expect(y[7].isFinite && y[8] == .infinity, "\(form)")
    }
  }
}
