import CKernels
import Foundation
import Testing

@Suite struct AdamTests {
  /// Ten updates against the same in double.
  @Test(arguments: lengths, [true, false])
  func tenUpdatesEqualDoublePrecision(n: Int, isDecoupled: Bool) {
    let (rate, beta1, beta2, decay) = (1e-2, 0.9, 0.999, 0.1)
    let (eps, gradientScale): (Float, Float) = (1e-8, 0.5)
    let kernels =
      isDecoupled ? forms(dk_adamw_form) : forms(dk_adam_form)
    for (form, kernel) in kernels {
      var m = [Float](repeating: 0, count: n)
      var v = m
      var p = noise(n, seed: 60)
      var (mTwin, vTwin, pTwin) = (doubles(m), doubles(v), doubles(p))
      for step in 1...10 {
        let gradient = noise(n, seed: 61 + UInt64(step), scale: 3)
        let bias1 = 1 - pow(beta1, Double(step))
        let bias2 = 1 - pow(beta2, Double(step))
        p = onCopy(of: p) { p in
          m = onCopy(of: m) { m in
            v = onCopy(of: v) { v in
              kernel(
                p, gradient, m, v, n, gradientScale, rate, beta1, beta2, eps, decay, bias1, bias2)
            }
          }
        }
        for i in 0..<n {
          let scaled = Double(gradient[i]) * Double(gradientScale)
          let g = isDecoupled ? scaled : scaled + decay * pTwin[i]
          mTwin[i] += (1 - beta1) * (g - mTwin[i])
          vTwin[i] = beta2 * vTwin[i] + (1 - beta2) * g * g
          if isDecoupled { pTwin[i] *= 1 - rate * decay }
          let denominator = vTwin[i].squareRoot() / bias2.squareRoot() + Double(eps)
          pTwin[i] -= rate / bias1 * mTwin[i] / denominator
        }
      }
      expectClose(m, mTwin, absolute: 2e-7, form)
      expectClose(v, vTwin, relative: 2e-6, form)
      expectClose(p, pTwin, absolute: 1e-6, form)
    }
  }

  @Test func zeroGradientOnlyDecays() {
    let p = noise(9, seed: 80)
    var (m, v) = ([Float](repeating: 0, count: 9), [Float](repeating: 0, count: 9))
    let zero = m
    let after = onCopy(of: p) {
      dk_adamw($0, zero, &m, &v, 9, 1, 0.5, 0.9, 0.999, 1e-8, 0.5, 0.1, 0.001)
    }
    expectSameBits(after, p.map { $0 * 0.75 })
  }
}
