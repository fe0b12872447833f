import Foundation

/// Student's t distribution, for any positive degrees of freedom.
package struct StudentT {
  package let degrees: Double

  package init(degrees: Double) { self.degrees = degrees }

  /// Probability of a value at least `t` away from 0, for `t` ≥ 0: I(ν / (ν + t²); ν/2, 1/2).
  package func twoSidedP(_ t: Double) -> Double {
    if t.isInfinite { return 0 }
    return regularizedBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
  }

  /// The value that a draw stays below with probability `p`, for 0.5 ≤ `p` < 1, by bisection.
  package func quantile(_ p: Double) -> Double {
    var low = 0.0
    var high = 1.0
    let tail = 2 * (1 - p)
    while twoSidedP(high) > tail { high *= 2 }
    while true {
      let middle = (low + high) / 2
      if middle <= low || middle >= high { return middle }
      if twoSidedP(middle) > tail { low = middle } else { high = middle }
    }
  }
}

/// The regularised incomplete beta function I(x; a, b), by its continued fraction.
///
/// Source: Abramowitz & Stegun 26.5.8, evaluated after Lentz (1976).
private func regularizedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  if x <= 0 { return 0 }
  if x >= 1 { return 1 }
  // The fraction converges fast below the mean only.
  if x > (a + 1) / (a + b + 2) { return 1 - regularizedBeta(1 - x, b, a) }
  let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
  let tiny = 1e-300
  func away(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
  var c = 1.0
  var d = 1 / away(1 - (a + b) * x / (a + 1))
  var result = d
  for step in 1...500 {
    let m = Double(step)
    for term in [
      m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
      -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
    ] {
      d = 1 / away(1 + term * d)
      c = away(1 + term / c)
      result *= d * c
    }
    if abs(d * c - 1) < 1e-16 { break }
  }
  return front * result
}
