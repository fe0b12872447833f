import Foundation
import Metrics
import TestSupport
import Testing

private struct NestedFixture: Decodable {
  struct Resampled: Decodable {
    let ci95: [Double]
    let lowerWithin: [Double]
    let upperWithin: [Double]
    let standardErrorWithin: [Double]
  }
  struct Test: Decodable {
    let t: Double
    let df: Double
    let p: Double
    let ci95: [Double]
    let standardError: Double
  }
  struct Dataset: Decodable {
    let a: [[Double]]
    let b: [[Double]]
    let meanA: Double
    let difference: Double
    let pairedTItems: Test
    let pairedTSeeds: Test
    let bootstrap: [String: Resampled]
  }
  let resamples: Int
  let datasets: [String: Dataset]

  static func load() throws -> Self {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let url = Fixtures.folder("stats-nested").appending(path: "stats.json")
    return try decoder.decode(Self.self, from: Data(contentsOf: url))
  }
}

/// The plain bootstrap, before any widening, against NumPy; differences are b less a there.
@Suite struct NestedStatisticsParityTests {
  @Test(arguments: ["zero", "small", "large"])
  func bootstrapsOfItemsAndSeedsAgreeWithNumPy(name: String) throws {
    let fixture = try NestedFixture.load()
    let data = try #require(fixture.datasets[name])
    let a = scores(data.a)
    let b = scores(data.b)
    #expect(abs(a.value - data.meanA) < 1e-12)
    #expect(abs(b.value - a.value - data.difference) < 1e-12)
    let seeds = data.a.count
    let bootstrap = Bootstrap(resamples: fixture.resamples)
    func drawn(_ system: NestedScores, images: Bool) -> [Double] {
      bootstrap.values(
        of: [system], drawing: images ? .images : [], threads: 2, progress: { _ in })[0]
    }
    func difference(
      images: Bool, _ slotA: Bootstrap.SeedSlot?, _ slotB: Bootstrap.SeedSlot?
    ) -> [Double] {
      zip(
        bootstrap.means(drawn(b, images: images), seeds: seeds, drawnBy: slotB),
        bootstrap.means(drawn(a, images: images), seeds: seeds, drawnBy: slotA)
      ).map { $0 - $1 }
    }
    let draws = [
      "items": difference(images: true, nil, nil),
      "seeds": difference(images: false, .a, .a),
      "items_and_seeds": difference(images: true, .a, .a),
      "items_and_independent_seeds": difference(images: true, .a, .b),
    ]
    for (level, values) in draws {
      let expected = try #require(data.bootstrap[level])
      let interval = Interval(percentilesOf: values)
      #expect(
        (expected.lowerWithin[0]...expected.lowerWithin[1]).contains(interval.lower),
        "\(level): lower end \(interval.lower)")
      #expect(
        (expected.upperWithin[0]...expected.upperWithin[1]).contains(interval.upper),
        "\(level): upper end \(interval.upper)")
      let error = variance(values).squareRoot()
      #expect(
        (expected.standardErrorWithin[0]...expected.standardErrorWithin[1]).contains(error),
        "\(level): standard error \(error)")
    }
  }

  /// Of five seeds and 60 items the bootstrap with separate seeds is wide enough as it is.
  @Test(arguments: ["zero", "small", "large"])
  func theIntervalOfADifferenceIsThatOfItemsAndIndependentSeeds(name: String) throws {
    let fixture = try NestedFixture.load()
    let data = try #require(fixture.datasets[name])
    let expected = try #require(data.bootstrap["items_and_independent_seeds"])
    let result = compare(
      scores(data.b), scores(data.a), resamples: fixture.resamples, trials: 1000)
    #expect((expected.lowerWithin[0]...expected.lowerWithin[1]).contains(result.ci95.lower))
    #expect((expected.upperWithin[0]...expected.upperWithin[1]).contains(result.ci95.upper))
  }

  /// Randomisation over images is the permutation form of the paired t test over items: the two
  /// p-values differ by the t distribution's distance from the permutation's and by R trials.
  @Test(arguments: ["zero", "small", "large"])
  func randomisationAgreesWithThePairedTTestOverItems(name: String) throws {
    let data = try #require(try NestedFixture.load().datasets[name])
    let trials = 20_000
    let result = compare(scores(data.b), scores(data.a), resamples: 10, trials: trials)
    let p = data.pairedTItems.p
    let deviation = (p * (1 - p) / Double(trials)).squareRoot()
    #expect(abs(result.pImages - p) < 4 * deviation + 0.05 * p + 1 / Double(trials))
  }

  private func variance(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
  }
}
