import Foundation

/// METEOR 1.5's tuned weights for English, task "rank".
package struct METEORParameters: Sendable, Equatable {
  package var alpha = 0.85
  package var beta = 0.2
  package var gamma = 0.6
  package var delta = 0.75
  /// Weight of each stage that may run: exact, stem, synonym, paraphrase.
  package var stageWeights = [1.0, 0.6, 0.8, 0.6]

  package init() {}
}

/// The sufficient statistics of METEOR and the score that follows from them.
///
/// Layout: length of candidate and reference, function words of each; then for each stage the content
/// words matched in candidate and reference and the function words matched in each; then chunks, and
/// all words matched in candidate and in reference.
package enum METEORStatistics {
  package static func width(stages: Int) -> Int { 7 + 4 * stages }

  /// The score of one image, or of a corpus from summed statistics.
  package static func score(
    sums: ArraySlice<Double>, stages: Int, parameters: METEORParameters
  ) -> Double {
    let s = Array(sums)
    let delta = parameters.delta
    func weighted(content: Double, function: Double) -> Double {
      delta * content + (1 - delta) * function
    }
    var precision = 0.0
    var recall = 0.0
    for stage in 0..<stages {
      let first = 4 + 4 * stage
      let weight = parameters.stageWeights[stage]
      precision += weight * weighted(content: s[first], function: s[first + 2])
      recall += weight * weighted(content: s[first + 1], function: s[first + 3])
    }
    let candidate = weighted(content: s[0] - s[2], function: s[2])
    let reference = weighted(content: s[1] - s[3], function: s[3])
    precision = candidate > 0 ? precision / candidate : 0
    recall = reference > 0 ? recall / reference : 0
    let denominator = parameters.alpha * precision + (1 - parameters.alpha) * recall
    guard denominator > 0 else { return 0 }
    let mean = precision * recall / denominator
    let last = 4 + 4 * stages
    let chunks = s[last]
    let matched = (s[last + 1] + s[last + 2]) / 2
    let fragmentation = matched > 0 ? chunks / matched : 0
    return mean * (1 - parameters.gamma * pow(fragmentation, parameters.beta))
  }
}

package enum METEOR {}
