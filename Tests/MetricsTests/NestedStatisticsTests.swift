import Foundation
import Metrics
import Testing

/// Simulations with a known answer. Bounds are four binomial standard deviations of the number of
/// simulations about 95 and 5 %.
@Suite struct NestedStatisticsTests {
  static let simulations = 400

  /// Four standard deviations of a share of 0.05 or 0.95.
  static let slack = 4 * (0.05 * 0.95 / Double(simulations)).squareRoot()

  static let pairs: [SimulatedPair] = [0, 0.035, 0.15].flatMap { effect in
    [
      SimulatedPair(effect: effect, seeds: 1, seedDeviation: 0),
      SimulatedPair(effect: effect, seeds: 2),
      SimulatedPair(effect: effect, images: 40, seeds: 3, seedDeviation: 0.08),
      SimulatedPair(effect: effect, seeds: 5),
      SimulatedPair(effect: effect, seeds: 1, folds: 5, seedDeviation: 0, foldDeviation: 0.03),
      SimulatedPair(effect: effect, seeds: 3, folds: 4, foldDeviation: 0.03),
    ]
  }

  @Test(arguments: pairs)
  func intervalsCoverTheTrueDifferenceAndTestsHoldTheirSize(pair: SimulatedPair) {
    var covered = 0
    var rejected = 0
    for number in 0..<Self.simulations {
      let (a, b) = pair.draw(number)
      let result = compare(a, b, resamples: 300, trials: 199, seed: UInt64(number))
      if result.ci95.contains(pair.effect) { covered += 1 }
      if result.p <= 0.05 { rejected += 1 }
    }
    let coverage = Double(covered) / Double(Self.simulations)
    let share = Double(rejected) / Double(Self.simulations)
    #expect(abs(coverage - 0.95) <= Self.slack, "covered \(coverage)")
    if pair.effect == 0 { #expect(abs(share - 0.05) <= Self.slack, "rejected \(share)") }
    // Of two seeds, a seed that stands out by 0.08, or few folds, no test can be so sure.
    if pair.effect == 0.15, pair.seeds != 2, pair.seedDeviation < 0.08, pair.foldDeviation == 0 {
      #expect(share > 0.9, "found \(share)")
    }
  }

  /// Why p is not that of randomisation alone.
  @Test func randomisationAloneCallsDifferentRunsDifferentSystems() {
    let pair = SimulatedPair(images: 100, seeds: 3, seedDeviation: 0.08)
    let rejected = (0..<Self.simulations).count { number in
      let (a, b) = pair.draw(number)
      return compare(a, b, resamples: 2, trials: 199, seed: UInt64(number)).pImages <= 0.05
    }
    #expect(Double(rejected) / Double(Self.simulations) > 0.4)
  }

  @Test func theSmallestDetectableDifferenceIsFoundFourTimesInFive() {
    let error = (2 * (0.06 * 0.06 + 0.12 * 0.12) / 60).squareRoot()
    let pair = SimulatedPair(
      effect: (1.959964 + 0.841621) * error, seeds: 1, seedDeviation: 0)
    var found = 0
    var sum = 0.0
    for number in 0..<Self.simulations {
      let (a, b) = pair.draw(number)
      let result = compare(a, b, resamples: 300, trials: 1, seed: UInt64(number))
      if !result.ci95.contains(0) { found += 1 }
      sum += result.smallestDetectable
    }
    let share = Double(found) / Double(Self.simulations)
    #expect(abs(share - 0.8) <= 4 * (0.16 / Double(Self.simulations)).squareRoot())
    #expect(abs(sum / Double(Self.simulations) / pair.effect - 1) < 0.03)
  }

  /// The plain loop that single runs were resampled by before there were seeds and folds.
  @Test func oneSeedWithoutFoldsIsThePlainBootstrapBitForBit() {
    let values = normals(37, seed: 3)
    let random = CounterRandom(seed: 9, purpose: 1)
    let means = (0..<200).map { resample in
      var sum = 0.0
      for draw in 0..<37 {
        sum += values[random.integer(UInt64(resample * 37 + draw), below: 37)]
      }
      return sum / 37
    }
    let estimate = Bootstrap(resamples: 200, seed: 9).estimate(of: scores(values))
    #expect(estimate.ci95 == Interval(percentilesOf: means))
    let sameFold = Bootstrap(resamples: 200, seed: 9).estimate(
      of: scores([values], folds: Array(repeating: 7, count: 37)))
    #expect(sameFold == estimate)
  }

  /// Where all images of a fold are alike, drawing within it changes nothing.
  @Test func foldsAreDrawnAsWholes() {
    let folds = [0, 0, 1, 1, 1, 2]
    let values = [1.0, 1, 5, 5, 5, 9]
    let drawn = Bootstrap(resamples: 500).values(
      of: [scores([values], folds: folds)], drawing: [.images, .folds], threads: 1,
      progress: { _ in })[0]
    // A resample is decided by how often each fold was drawn.
    var possible: [Double] = []
    for a in 0...3 {
      for b in 0...(3 - a) {
        let c = 3 - a - b
        possible.append(Double(2 * a + 15 * b + 9 * c) / Double(2 * a + 3 * b + c))
      }
    }
    #expect(drawn.allSatisfy { value in possible.contains { abs($0 - value) < 1e-12 } })
    #expect(possible.allSatisfy { value in drawn.contains { abs($0 - value) < 1e-12 } })
  }

  @Test func corpusLevelBLEUIsTheMeanOverSeedsOfEachSeedsSummedCounts() throws {
    let references = [["a dog runs on the green grass"], ["two men on a red bench"], ["a cat"]]
    func bleu(_ candidates: [String]) throws -> MetricScores {
      let set = try CaptionSet(
        ids: ["a", "b", "c"], candidates: candidates, references: references)
      return BLEU().scores(for: set)[0]
    }
    let one = try bleu(["a dog runs on the grass", "two men sit on a red bench", "a dog"])
    let two = try bleu(["a dog", "two men on a bench", "a black cat"])
    let nested = NestedScores(seeds: [one, two])
    #expect(abs(nested.value - (one.corpus + two.corpus) / 2) < 1e-15)
    let result = compare(nested, NestedScores(one), resamples: 100, trials: 99)
    #expect(abs(result.difference - (two.corpus - one.corpus) / 2) < 1e-12)
    #expect(result.ci95.lower < result.difference && result.difference < result.ci95.upper)
    // Equal runs in one system and not in the other must not move its columns.
    let twice = compare(NestedScores(seeds: [one, one]), nested, resamples: 100, trials: 99)
    #expect(abs(twice.difference + result.difference) < 1e-12)
    #expect(abs(twice.pImages - result.pImages) < 1e-12)
  }

  @Test func spreadBetweenSeedsAndFoldsIsTheirSampleDeviation() throws {
    let nested = scores([[1, 2, 3, 4], [3, 4, 5, 8]], folds: [1, 1, 0, 0])
    let estimate = Bootstrap(resamples: 50).estimate(of: nested)
    #expect(estimate.perSeed == [2.5, 5])
    #expect(estimate.perFold == [5, 2.5])
    #expect(abs(try #require(estimate.seedDeviation) - 2.5 / 2.0.squareRoot()) < 1e-12)
    #expect(abs(try #require(estimate.foldDeviation) - 2.5 / 2.0.squareRoot()) < 1e-12)
    #expect(Bootstrap(resamples: 50).estimate(of: scores([1, 2])).seedDeviation == nil)
  }

  @Test func systemsMayHaveDifferentNumbersOfSeeds() {
    let (a, b) = SimulatedPair(effect: 1, seeds: 3).draw(1)
    let fewer = NestedScores(seeds: Array(b.seeds.dropLast()))
    let result = compare(a, fewer, resamples: 300, trials: 299)
    #expect(abs(result.difference - 1) < 0.2)
    #expect(result.verdict(pHolm: result.p) == .aBeatsB)
  }

  @Test func aClaimNeedsIntervalAndCorrectedP() {
    let (a, b) = SimulatedPair(effect: 1, seeds: 1).draw(1)
    let better = compare(a, b, resamples: 300, trials: 299)
    #expect(better.verdict(pHolm: 0.049) == .aBeatsB)
    #expect(better.verdict(pHolm: 0.05) == .undecided)
    #expect(compare(b, a, resamples: 300, trials: 299).verdict(pHolm: 0.01) == .bBeatsA)
    #expect(compare(a, a, resamples: 300, trials: 299).verdict(pHolm: 0.01) == .undecided)
    func loss(_ scores: NestedScores) -> NestedScores {
      NestedScores(
        MetricScores(name: "nll", meanOf: scores.seeds[0].perImage, lowerIsBetter: true))
    }
    let worse = compare(loss(a), loss(b), resamples: 300, trials: 299)
    #expect(worse.verdict(pHolm: 0.01) == .bBeatsA)
  }
}
