/// How uncertain a value or a difference is, with the small numbers of seeds and folds counted in.
///
/// A percentile bootstrap of n seeds has (n − 1) / n of their variance and takes a normal quantile
/// where few seeds need Student's t: from three seeds it covered 72 to 91 % in simulations, from two
/// 64 to 84 %. So the variance is estimated anew, without bias, from its parts:
///
///     V = images + Σ max(0, seeds − noise) + max(0, folds − images)
///
/// - *images*: bootstrap variance, images drawn within folds, seeds and folds as they are.
/// - *seeds*, for each system: sample variance of its seeds' corpus values, divided by their number.
///   *noise* is the part of it that comes from the draw of images, which *images* holds already: the
///   bootstrap variance of a seed's distance from the mean of seeds.
/// - *folds*: bootstrap variance, folds drawn as wholes, times K / (K − 1); *images* is a part of it.
///
/// V has ν degrees of freedom after Satterthwaite (1946), at least 1. The percentile interval is
/// widened about the observed value until it is as wide as ±t(ν)·√V, and left as it is where it is as
/// wide already: crossing counts noise between images and seeds three times where once is due (Owen
/// 2007), so with five and more seeds it is often wide enough, and covers up to 99 %. With one seed
/// and one fold there is nothing to add: the interval is that over images and says nothing of
/// another run. A fold's spread from one seed holds that of its run.
///
/// A resample in which a share has no trial (no question of its kind was drawn) says nothing and is left out.
struct Spread {
  /// V.
  let variance: Double
  /// ν; infinite where only images vary.
  let degrees: Double

  /// The spread of `a`, or of its difference from `b`.
  init(a: ResampledScores, b: ResampledScores?, metric: Int) {
    let systems = [a, b].compactMap(\.self)
    func means(_ values: KeyPath<ResampledScores, [[Double]]>) -> [Double] {
      let each = systems.map { system in
        system.bootstrap.means(
          system[keyPath: values][metric], seeds: system.scores[metric].seeds.count, drawnBy: nil)
      }
      let values = each.count == 1 ? each[0] : zip(each[0], each[1]).map { $0 - $1 }
      return values.filter(\.isFinite)
    }
    let scores = a.scores[metric]
    let images = Metrics.variance(means(\.images))
    var total = images
    // Σ of squared parts, each by its degrees of freedom.
    var weighted = images * images / Double(max(1, scores.images - 1))
    var isNested = false
    for system in systems {
      let nested = system.scores[metric]
      let count = Double(nested.seeds.count)
      guard nested.seeds.count > 1 else { continue }
      isNested = true
      let deviation = Summaries.meanAndDeviation(nested.perSeed).deviation
      let seeds = deviation * deviation / count
      total += max(0, seeds - Self.noise(system.images[metric], seeds: nested.seeds.count))
      weighted += seeds * seeds / (count - 1)
    }
    if scores.folds.count > 1 {
      isNested = true
      let count = Double(scores.folds.count)
      let folds = Metrics.variance(means(\.folds)) * count / (count - 1)
      total += max(0, folds - images)
      weighted += folds * folds / (count - 1)
    }
    variance = total
    degrees = isNested && weighted > 0 ? max(1, total * total / weighted) : .infinity
  }

  /// Variance that the draw of images gives to the mean of the seeds' own deviations.
  private static func noise(_ values: [Double], seeds: Int) -> Double {
    var columns = [[Double]](repeating: [], count: seeds)
    for start in stride(from: 0, to: values.count, by: seeds) {
      let row = values[start..<start + seeds]
      guard row.allSatisfy(\.isFinite) else { continue }
      let center = mean(row)
      for (seed, value) in row.enumerated() { columns[seed].append(value - center) }
    }
    let sum = columns.reduce(0) { $0 + Metrics.variance($1) }
    return sum / Double(seeds - 1) / Double(seeds)
  }

  /// Standard normal quantile at 0.975.
  static let normalQuantile = 1.959963984540054

  /// The percentile interval of `drawn`, widened where it must be, the standard error, and how many
  /// standard errors an estimate must be from 0 to be told from it.
  func interval(
    of drawn: [Double], about value: Double
  ) -> (ci95: Interval, standardError: Double, critical: Double) {
    let drawn = drawn.filter(\.isFinite)
    let plain = Interval(percentilesOf: drawn)
    let plainError = Metrics.variance(drawn).squareRoot()
    guard degrees.isFinite, plainError > 0 else { return (plain, plainError, Self.normalQuantile) }
    let needed = StudentT(degrees: degrees).quantile(0.975) * variance.squareRoot()
    let factor = max(1, needed / (Self.normalQuantile * plainError))
    let standardError = max(plainError, variance.squareRoot())
    return (
      plain.widened(by: factor, about: value), standardError,
      factor * Self.normalQuantile * plainError / standardError
    )
  }

  /// Two-sided p of Student's t for a difference; `nil` where only images vary.
  func p(of difference: Double) -> Double? {
    guard degrees.isFinite else { return nil }
    if difference == 0 { return 1 }
    return StudentT(degrees: degrees).twoSidedP(abs(difference) / variance.squareRoot())
  }
}
