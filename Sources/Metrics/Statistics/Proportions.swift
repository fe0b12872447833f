import Foundation

/// Statistics of shares, such as the share of right answers.
public enum Proportions {
  /// Wilson's 95 % interval of a share (Wilson 1927), without correction for continuity.
  ///
  /// - Precondition: `count` is positive and `successes` is from 0 to `count`.
  public static func wilson(successes: Int, of count: Int) -> Interval {
    precondition(count > 0 && (0...count).contains(successes))
    return wilson(share: Double(successes) / Double(count), of: count)
  }

  /// The same of a share that is a mean, over seeds or over questions on one image.
  ///
  /// - Precondition: `count` is positive and `share` is from 0 to 1.
  public static func wilson(share: Double, of count: Int) -> Interval {
    precondition(count > 0 && (0...1).contains(share))
    let n = Double(count)
    let z = Spread.normalQuantile
    let scale = 1 + z * z / n
    let center = (share + z * z / (2 * n)) / scale
    let half = z / scale * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    // The ends are 0 and 1 exactly where none or all succeed; rounding would leave 1e-17.
    return Interval(
      lower: share == 0 ? 0 : center - half, upper: share == 1 ? 1 : center + half)
  }

  /// Wilson's interval of one system's share: its mean over seeds, of as many trials as there are images with
  /// a trial; `nil` for a metric that is no share.
  ///
  /// Several seeds, and several questions on one image, are not trials of their own: they do not narrow it. It
  /// says nothing of another run; that is what the bootstrap's interval is for (``Estimate/ci95``), which in turn
  /// has no width where all answers are right.
  public static func wilson(_ scores: NestedScores) -> Interval? {
    guard scores.seeds[0].rule == .share else { return nil }
    let images = scores.perImage.count(where: \.isFinite)
    guard images > 0, scores.value.isFinite else { return nil }
    return wilson(share: min(max(scores.value, 0), 1), of: images)
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

  /// McNemar's exact test of two systems, whatever the seeds, folds and questions an image.
  ///
  /// Each image is one trial: it goes to the system that does better on it, in the mean over its questions and
  /// over the system's seeds; images on which both do equally well count for neither, nor do those without a
  /// trial. With one seed and one question an image this is McNemar's test; else it is the sign test over images,
  /// since answers on one image and of one run are not independent. With folds an image has been tested once a
  /// seed, as without. It takes the runs as they are: of another run it says nothing (``NestedComparison/pRuns``).
  ///
  /// - Precondition: both are of the same images in the same order.
  public static func mcNemar(_ a: NestedScores, _ b: NestedScores) -> McNemarTest {
    precondition(a.images == b.images, "different images")
    var test = McNemarTest(aBetter: 0, bBetter: 0)
    for (left, right) in zip(a.perImage, b.perImage) where left.isFinite && right.isFinite {
      // Means of thirds differ in their last bits.
      guard abs(left - right) > 1e-9 else { continue }
      if (left > right) != a.lowerIsBetter { test.aBetter += 1 } else { test.bBetter += 1 }
    }
    return test
  }
}

/// How many images each of two systems does better on.
public struct McNemarTest: Sendable, Equatable {
  public internal(set) var aBetter: Int
  public internal(set) var bBetter: Int

  /// Two-sided and exact.
  public var p: Double { Proportions.mcNemar(onlyA: aBetter, onlyB: bBetter) }
}
