import Foundation

/// Statistics of shares, such as the share of right answers.
public enum Proportions {
  /// Wilson's 95 % interval of a share (Wilson 1927), without correction for continuity.
  ///
  /// - Precondition: `count` is positive and `successes` is from 0 to `count`.
  public static func wilson(successes: Int, of count: Int) -> Interval {
    precondition(count > 0 && (0...count).contains(successes))
    let n = Double(count)
    let share = Double(successes) / n
    let z = Spread.normalQuantile
    let scale = 1 + z * z / n
    let center = (share + z * z / (2 * n)) / scale
    let half = z / scale * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    // The ends are 0 and 1 exactly where none or all succeed; rounding would leave 1e-17.
    return Interval(
      lower: successes == 0 ? 0 : center - half, upper: successes == count ? 1 : center + half)
  }

  /// McNemar's exact test of two systems on the same questions (McNemar 1947): two-sided binomial p.
  ///
  /// - Parameters:
  ///   - onlyA: Questions that only `a` answers rightly.
  ///   - onlyB: Questions that only `b` answers rightly.
  public static func mcNemar(onlyA: Int, onlyB: Int) -> Double {
    precondition(onlyA >= 0 && onlyB >= 0)
    let count = onlyA + onlyB
    let fewer = min(onlyA, onlyB)
    if onlyA == onlyB { return 1 }
    func logProbability(_ successes: Int) -> Double {
      lgamma(Double(count + 1)) - lgamma(Double(successes + 1))
        - lgamma(Double(count - successes + 1)) - Double(count) * log(2)
    }
    return min(1, 2 * (0...fewer).reduce(0) { $0 + exp(logProbability($1)) })
  }
}
