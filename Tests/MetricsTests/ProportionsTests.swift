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
