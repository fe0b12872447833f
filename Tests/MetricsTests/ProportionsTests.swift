import Metrics
import Testing

/// Values of scipy 1.17.
@Suite struct ProportionsTests {
  @Test(arguments: [
    (0, 10, 0.0, 0.27753279986288926), (3, 10, 0.10779126740630102, 0.6032218525388546),
    (87, 100, 0.7901964855992357, 0.9224283257275948), (10, 10, 0.7224672001371109, 1),
    (512, 1000, 0.48103255440609083, 0.5428756033902556),
  ])
  func wilsonsIntervalAgreesWithScipy(successes: Int, count: Int, lower: Double, upper: Double) {
    let interval = Proportions.wilson(successes: successes, of: count)
    #expect(abs(interval.lower - lower) < 1e-12)
    #expect(abs(interval.upper - upper) < 1e-12)
  }

  @Test(arguments: [
    (0, 0, 1.0), (5, 5, 1), (1, 9, 0.021484375), (10, 25, 0.016673847800120715), (0, 6, 0.03125),
    (360, 300, 0.02157234823197109),
  ])
  func mcNemarsExactTestAgreesWithScipysBinomialTest(onlyA: Int, onlyB: Int, p: Double) {
    #expect(abs(Proportions.mcNemar(onlyA: onlyA, onlyB: onlyB) - p) < 1e-11 * p)
  }

  @Test(arguments: [
    (0.75, 10, 0.44218142427854984, 0.9190521757900056),
    (0.8333333333333334, 40, 0.6900089677569106, 0.9182432981115651),
  ])
  func wilsonsIntervalOfAMeanShareAgreesWithStatsmodels(
    share: Double, count: Int, lower: Double, upper: Double
  ) {
    let interval = Proportions.wilson(share: share, of: count)
    #expect(abs(interval.lower - lower) < 1e-12 && abs(interval.upper - upper) < 1e-12)
  }

  private func share(_ successes: [Int], of trials: [Int]) -> MetricScores {
    MetricScores(name: "accuracy", successes: successes, of: trials)
  }

  @Test func wilsonsIntervalIsNotNarrowedBySeedsOrQuestionsOnOneImage() throws {
    let one = share([1, 1, 0, 1], of: [1, 1, 1, 1])
    let expected = Proportions.wilson(successes: 3, of: 4)
    #expect(Proportions.wilson(NestedScores(one)) == expected)
    #expect(Proportions.wilson(NestedScores(seeds: [one, one, one])) == expected)
    let questions = share([5, 5, 0, 5, 0], of: [5, 5, 5, 5, 0])
    #expect(Proportions.wilson(NestedScores(questions)) == expected)
    #expect(Proportions.wilson(NestedScores(MetricScores(name: "nll", meanOf: [1, 2]))) == nil)
  }

  @Test func mcNemarsTestOfOneRunCountsImagesThatOneOfBothAnswersRightly() {
    let a = NestedScores(share([1, 1, 1, 1, 1, 1, 0, 0, 1], of: [1, 1, 1, 1, 1, 1, 1, 1, 1]))
    let b = NestedScores(share([0, 0, 0, 0, 0, 0, 0, 1, 1], of: [1, 1, 1, 1, 1, 1, 1, 1, 1]))
    let test = Proportions.mcNemar(a, b)
    #expect(test.aBetter == 6 && test.bBetter == 1)
    #expect(abs(test.p - 0.125) < 1e-14, "scipy.stats.binomtest(1, 7).pvalue")
    #expect(Proportions.mcNemar(b, a).p == test.p)
  }

  @Test func mcNemarsTestTakesAnImageOnceHoweverManySeedsAndQuestionsItHas() {
    // Image by image the share of right answers: a better, b better, equal by another way, not asked.
    let a = NestedScores(seeds: [
      share([3, 0, 1, 0], of: [3, 3, 3, 0]), share([3, 0, 2, 0], of: [3, 3, 3, 0]),
    ])
    let b = NestedScores(seeds: [
      share([1, 1, 1, 0], of: [3, 3, 3, 0]), share([1, 0, 1, 0], of: [3, 3, 3, 0]),
      share([1, 0, 2, 0], of: [3, 3, 3, 0]), share([3, 0, 2, 0], of: [3, 3, 3, 0]),
    ])
    let test = Proportions.mcNemar(a, b)
    #expect(test.aBetter == 1 && test.bBetter == 1 && test.p == 1)
  }

  @Test(arguments: [
    (2.0, 1.0, 0.2951672353008665), (2.5, 2.7, 0.09707941444293468),
    (0.3, 59, 0.7652316086778882), (6, 4, 0.0038825370469605107),
    (1.2, 1000.5, 0.23042341032776117),
  ])
  func studentsTAgreesWithScipy(t: Double, degrees: Double, p: Double) {
    #expect(abs(StudentT(degrees: degrees).twoSidedP(t) - p) < 1e-10 * p)
  }

  @Test(arguments: [
    (1.0, 12.706204736174694), (2.5, 3.5746548420036817), (59, 2.000995378088267),
    (1e5, 1.9599877075346095),
  ])
  func quantilesOfStudentsTAgreeWithScipy(degrees: Double, t: Double) {
    #expect(abs(StudentT(degrees: degrees).quantile(0.975) - t) < 1e-9 * t)
  }
}
