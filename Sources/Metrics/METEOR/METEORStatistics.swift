import Foundation

/// METEOR 1.5's tuned parameters for English, task "rank".
enum METEORParameters {
  static let alpha = 0.85
  static let beta = 0.2
  static let gamma = 0.6
  static let delta = 0.75
}

/// The sufficient statistics of METEOR and the score that follows from them.
///
/// Layout: length of candidate and reference, function words of each; then for each stage the content
/// words matched in candidate and reference and the function words matched in each; then chunks, and
/// all words matched in candidate and in reference. A pair that matches completely in one chunk has
/// no chunk here, so that sums are what METEOR computes its corpus value from.
package enum METEORStatistics {
  package static func width(stages: Int) -> Int { 7 + 4 * stages }

  /// The score of one image, or of a corpus from summed statistics.
  ///
  /// P and R are weighted matches over weighted lengths; F = PR / (αP + (1 − α)R);
  /// score = F · (1 − γ · fragmentation^β).
  package static func score(sums: ArraySlice<Double>, stages: [METEORStage]) -> Double {
    let s = Array(sums)
    let delta = METEORParameters.delta
    var precision = 0.0
    var recall = 0.0
    for (index, stage) in stages.enumerated() {
      let first = 4 + 4 * index
      precision += stage.weight * (delta * s[first] + (1 - delta) * s[first + 2])
      recall += stage.weight * (delta * s[first + 1] + (1 - delta) * s[first + 3])
    }
    precision /= delta * (s[0] - s[2]) + (1 - delta) * s[2]
    recall /= delta * (s[1] - s[3]) + (1 - delta) * s[3]
    let alpha = METEORParameters.alpha
    let mean = 1 / ((1 - alpha) / precision + alpha / recall)
    let last = 4 + 4 * stages.count
    let isComplete = s[last + 1] == s[0] && s[last + 2] == s[1] && s[last] == 1
    let fragmentation = isComplete ? 0 : s[last] / ((s[last + 1] + s[last + 2]) / 2)
    let score =
      mean * (1 - METEORParameters.gamma * pow(fragmentation, METEORParameters.beta))
    // Not a number: an empty text, or no match.
    return score.isNaN ? 0 : max(0, score)
  }
}
