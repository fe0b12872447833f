/// The share of answers that are one of the right ones, word by word.
///
/// Answer and references are compared as pycocoevalcap's PTB tokens: lower case, punctuation left out, so
/// "Red." is "red". An answer without a word is right only where a reference has none either. The corpus value
/// is the mean.
public struct Accuracy: CaptionMetric {
  public init() {}

  public func scores(for captions: CountedCaptions, threads: Int) -> [MetricScores] {
    let set = captions.set
    let values = (0..<set.count).map { image in
      set.referenceRange(image).contains {
        set.candidates[image].elementsEqual(set.references[$0])
      } ? 1.0 : 0.0
    }
    return [MetricScores(name: "accuracy", meanOf: values, range: 0...1)]
  }
}
