import Foundation
import Metrics
import Testing

private struct StatisticsFixture: Decodable {
  struct Case: Decodable {
    let a: [Double]
    let b: [Double]
    let meanCI: [Double]
    let differenceCI: [Double]
    let standardError: Double
    let differenceError: Double
    let p: Double
  }
  struct Holm: Decodable {
    let p: [Double]
    let adjusted: [Double]
  }
  let cases: [Case]
  let holm: Holm

  /// Made with scipy and committed here; it has no counterpart among the shared fixtures.
  static func load() throws -> Self {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/metrics/statistics.json")
    return try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
  }
}

@Suite struct StatisticsParityTests {
  /// Both are Monte Carlo: bounds agree to a twentieth of a standard error.
  @Test func bootstrapIntervalsAgreeWithScipy() throws {
    for example in try StatisticsFixture.load().cases {
      let interval = Bootstrap(resamples: 100_000).estimate(of: scores(example.a)).ci95
      #expect(abs(interval.lower - example.meanCI[0]) < 0.05 * example.standardError)
      #expect(abs(interval.upper - example.meanCI[1]) < 0.05 * example.standardError)
    }
  }

  @Test func pairedDifferencesAgreeWithScipy() throws {
    for example in try StatisticsFixture.load().cases {
      let result = compare(
        scores(example.a), scores(example.b), resamples: 100_000, trials: 100_000)
      #expect(abs(result.ci95.lower - example.differenceCI[0]) < 0.05 * example.differenceError)
      #expect(abs(result.ci95.upper - example.differenceCI[1]) < 0.05 * example.differenceError)
      let deviation = (example.p * (1 - example.p) / 100_000).squareRoot()
      #expect(abs(result.p - example.p) < 5 * deviation + 2e-5, "p of \(example.a.count) pairs")
    }
  }

  @Test func holmEqualsTheDefinition() throws {
    let example = try StatisticsFixture.load().holm
    let worst = largestDifference(Summaries.holm(example.p), example.adjusted)
    #expect(worst < 1e-15)
  }
}

@Suite struct StatisticsTests {
  @Test func ninetyFivePercentIntervalsCoverTheTrueMean() {
    let draws = 1000
    let images = 100
    let covered = (0..<draws).count { draw in
      let values = normals(images, seed: UInt64(draw)).map { exp($0 / 3) }
      let interval = Bootstrap(resamples: 1000, seed: UInt64(draw)).estimate(
        of: scores(values), threads: 1
      ).ci95
      return interval.contains(exp(1.0 / 18))
    }
    let coverage = Double(covered) / Double(draws)
    #expect((0.93...0.97).contains(coverage), "covered \(coverage)")
  }

  @Test func ninetyFivePercentIntervalsCoverTheTrueDifference() {
    let draws = 1000
    let images = 100
    let covered = (0..<draws).count { draw in
      let common = normals(images, seed: UInt64(3 * draw))
      let a = zip(common, normals(images, seed: UInt64(3 * draw + 1))).map { $0 + $1 + 0.1 }
      let b = zip(common, normals(images, seed: UInt64(3 * draw + 2))).map { $0 + $1 }
      return compare(scores(a), scores(b), resamples: 1000, trials: 1, seed: UInt64(draw))
        .ci95.contains(0.1)
    }
    let coverage = Double(covered) / Double(draws)
    #expect((0.93...0.97).contains(coverage), "covered \(coverage)")
  }

  /// Under the hypothesis of no difference p is uniform: 5 % of tests are below 0.05.
  @Test func pValuesAreUniformWithoutADifference() {
    let draws = 1000
    let below = (0..<draws).count { draw in
      let a = normals(50, seed: UInt64(2 * draw))
      let b = normals(50, seed: UInt64(2 * draw + 1))
      return compare(scores(a), scores(b), resamples: 1, trials: 999, seed: UInt64(draw)).p <= 0.05
    }
    #expect((30...72).contains(below), "\(below) of 1000 below 0.05")
  }

  @Test func resultsDependOnTheSeedButNotOnThreads() throws {
    let values = normals(300, seed: 5)
    let one = Bootstrap(resamples: 500, seed: 1).estimate(of: scores(values), threads: 1).ci95
    let three = Bootstrap(resamples: 500, seed: 1).estimate(of: scores(values), threads: 3).ci95
    let other = Bootstrap(resamples: 500, seed: 2).estimate(of: scores(values), threads: 1).ci95
    #expect(one == three)
    #expect(one != other)
  }

  @Test func equalSystemsHaveNoDifference() {
    let values = normals(20, seed: 1)
    let result = compare(scores(values), scores(values), resamples: 100, trials: 100)
    #expect(result.difference == 0)
    #expect(result.p == 1)
    #expect(result.ci95 == Interval(lower: 0, upper: 0))
  }

  @Test func corpusLevelBLEUIsResampledFromItsCounts() throws {
    let set = try CaptionSet(
      ids: ["a", "b"], candidates: ["a dog runs on the grass", "two men sit on a red bench"],
      references: [["a dog runs on the green grass"], ["two men on a red bench"]])
    let bleu = try #require(BLEU().scores(for: set).last)
    let interval = Bootstrap(resamples: 2000).estimate(of: NestedScores(bleu)).ci95
    // With two images a resample is one of them twice, or both.
    #expect(abs(interval.lower - (bleu.perImage.min() ?? 0)) < 1e-9)
    #expect(abs(interval.upper - (bleu.perImage.max() ?? 0)) < 1e-9)
    #expect(interval.contains(bleu.corpus))
  }

  @Test func deviationOverSeedsIsTheSampleDeviation() {
    let (mean, deviation) = Summaries.meanAndDeviation([1, 2, 4])
    #expect(abs(mean - 7.0 / 3) < 1e-15)
    #expect(abs(deviation - (7.0 / 3).squareRoot()) < 1e-15)
    #expect(Summaries.meanAndDeviation([2]).deviation == 0)
  }
}
