import Foundation
import Metrics

/// One run without folds.
func scores(_ values: [Double]) -> NestedScores {
  NestedScores(MetricScores(name: "m", meanOf: values))
}

/// One system of several runs: `[seed][image]`.
func scores(_ values: [[Double]], folds: [Int]? = nil) -> NestedScores {
  NestedScores(seeds: values.map { MetricScores(name: "m", meanOf: $0) }, folds: folds)
}

extension Bootstrap {
  func estimate(of scores: NestedScores, threads: Int = 1) -> Estimate {
    resample([scores], threads: threads).estimates[0]
  }
}

func compare(
  _ a: NestedScores, _ b: NestedScores, resamples: Int, trials: Int, seed: UInt64 = 0
) -> NestedComparison {
  let bootstrap = Bootstrap(resamples: resamples, seed: seed)
  return PairedTest(trials: trials).compare(
    bootstrap.resample([a], threads: 1), bootstrap.resample([b], threads: 1), threads: 1)[0]
}

/// Standard normal values by Box and Muller from the counter.
func normals(_ count: Int, seed: UInt64) -> [Double] {
  let random = CounterRandom(seed: seed, purpose: 99)
  return (0..<count).map { index in
    let u = (Double(random.bits(UInt64(2 * index)) >> 11) + 0.5) / 0x1p53
    let v = Double(random.bits(UInt64(2 * index + 1)) >> 11) / 0x1p53
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }
}

/// Two systems whose true difference, a less b, is known: the model of `fixtures/stats-nested`.
///
/// score = image (0.2, shared) + effect (a only) + image by system (0.06) + seed by system
/// + fold by system + noise (0.12), in brackets the standard deviations.
struct SimulatedPair {
  var effect = 0.0
  var images = 60
  var seeds = 5
  var folds = 1
  var seedDeviation = 0.02
  var foldDeviation = 0.0

  func draw(_ number: Int) -> (a: NestedScores, b: NestedScores) {
    let cells = images + 2 * (images + seeds + folds + seeds * images)
    var values = normals(cells, seed: UInt64(number))[...]
    func take(_ count: Int, _ deviation: Double) -> [Double] {
      defer { values = values.dropFirst(count) }
      return values.prefix(count).map { $0 * deviation }
    }
    let shared = take(images, 0.2)
    func system(_ effect: Double) -> NestedScores {
      let own = take(images, 0.06)
      let bySeed = take(seeds, seedDeviation)
      let byFold = take(folds, foldDeviation)
      return scores(
        bySeed.map { seed in
          zip(0..<images, take(images, 0.12)).map { image, noise in
            0.5 + shared[image] + effect + own[image] + seed + byFold[image % folds] + noise
          }
        }, folds: folds == 1 ? nil : (0..<images).map { $0 % folds })
    }
    return (system(effect), system(0))
  }
}
