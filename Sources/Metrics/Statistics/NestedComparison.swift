/// What a paired comparison of two systems on one metric says.
public struct NestedComparison: Sendable, Equatable {
  public let metric: String
  /// Value of `a` less that of `b`, each the mean over its seeds.
  public let difference: Double
  /// Bootstrap interval of the difference over images, seeds and folds; see ``Bootstrap``.
  public let ci95: Interval
  public let standardError: Double
  /// The larger of the two below: a difference must stand out from both images and runs.
  public let p: Double
  /// Two-sided p of paired approximate randomisation over images, (c + 1) / (R + 1).
  ///
  /// It takes the runs as they are and knows nothing of the spread between seeds and folds.
  public let pImages: Double
  /// Two-sided p of Student's t with the variance over images, seeds and folds; `nil` where there is
  /// one seed and one fold.
  public let pRuns: Double?
  /// The smallest true difference that this comparison would have shown with probability 0.8:
  /// (z₀.₉₇₅ + z₀.₈) · ``standardError``, with a larger first quantile where few seeds ask for it.
  public let smallestDetectable: Double
  public let lowerIsBetter: Bool

  /// Standard normal quantile at 0.8.
  static let powerQuantile = 0.8416212335729143

  /// What may be claimed, given p after Holm's correction over the family of comparisons.
  public func verdict(pHolm: Double) -> ComparisonVerdict {
    guard pHolm < 0.05, !ci95.contains(0) else { return .undecided }
    return (difference > 0) != lowerIsBetter ? .aBeatsB : .bBeatsA
  }
}

/// What a comparison lets one claim: "a beats b" only where the interval excludes 0 *and* p (Holm) is
/// below 0.05.
public enum ComparisonVerdict: String, Sendable {
  case aBeatsB
  case bBeatsA
  case undecided
}
