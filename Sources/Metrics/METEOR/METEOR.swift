/// METEOR 1.5 for English as pycocoevalcap calls the jar: `-l en -norm`, task "rank".
///
/// The name says which stages ran, for example `METEOR-1.5 (exact+stem)`: synonyms need WordNet, and
/// paraphrases METEOR's own table (see ``METEORResources``). An image's value is that of its best
/// reference; the corpus value comes from summed statistics.
///
/// Source: Denkowski & Lavie 2014; METEOR 1.5.
public struct METEOR: CaptionMetric {
  public let stages: [METEORStage]
  private let resources: METEORResources

  /// All stages for which the resources have data.
  public init(resources: METEORResources = METEORResources()) {
    var stages: [METEORStage] = [.exact, .stem]
    if resources.synonyms != nil { stages.append(.synonym) }
    if resources.paraphrases != nil { stages.append(.paraphrase) }
    self.init(stages: stages, resources: resources)
  }

  /// Some stages only.
  ///
  /// - Precondition: `stages` are in order without repeats, and the resources have their data.
  public init(stages: [METEORStage], resources: METEORResources = METEORResources()) {
    precondition(!stages.isEmpty && stages == Set(stages).sorted(), "stages out of order")
    precondition(!stages.contains(.synonym) || resources.synonyms != nil, "no synonyms")
    precondition(!stages.contains(.paraphrase) || resources.paraphrases != nil, "no paraphrases")
    self.stages = stages
    self.resources = resources
  }

  public var name: String {
    "METEOR-1.5 (\(stages.map(\.rawValue).joined(separator: "+")))"
  }

  public func scores(for captions: CountedCaptions, threads: Int) -> [MetricScores] {
    let set = captions.set
    let text = METEORText(set)
    let table = stages.contains(.paraphrase) ? resources.paraphrases : nil
    let (phrases, lexicon) = Parallel.both(
      threads: threads, { table.map { PhraseIndex(text, $0) } },
      { METEORLexicon(text.words, stages: stages, synonyms: resources.synonyms) })
    let statistics = Parallel.map(set.count, threads: threads) { images in
      var aligner = METEORAligner(lexicon, phrases, stages: stages)
      return images.flatMap { image in best(image, set, text, phrases, &aligner) }
    }
    let width = METEORStatistics.width(stages: stages.count)
    let perImage = (0..<set.count).map { image in
      METEORStatistics.score(
        sums: statistics[image * width..<(image + 1) * width], stages: stages)
    }
    return [
      MetricScores(
        name: name, perImage: perImage, rule: .meteor(stages: stages), statistics: statistics)
    ]
  }

  /// Statistics of an image's candidate with its best reference, the first of equally good ones.
  private func best(
    _ image: Int, _ set: CaptionSet, _ text: METEORText, _ phrases: PhraseIndex?,
    _ aligner: inout METEORAligner
  ) -> [Double] {
    let candidate = METEORSentence(
      words: text.candidates[image], phrases: phrases?.candidates[image] ?? [])
    var best: (score: Double, statistics: [Double]) = (-1, [])
    for index in set.referenceRange(image) {
      let reference = METEORSentence(
        words: text.references[index], phrases: phrases?.references[index] ?? [])
      let statistics = aligner.statistics(candidate: candidate, reference: reference)
      let score = METEORStatistics.score(sums: statistics[...], stages: stages)
      if score > best.score { best = (score, statistics) }
    }
    return best.statistics
  }
}
