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
    stages = resources.stages
    self.resources = resources
  }

  /// Some stages only.
  ///
  /// - Throws: ``METEORDataError/stageWithoutData(_:)`` if the resources lack what a stage needs.
  /// - Precondition: `stages` are in order without repeats.
  public init(stages: [METEORStage], resources: METEORResources = METEORResources()) throws {
    precondition(!stages.isEmpty && stages == Set(stages).sorted(), "stages out of order")
    for stage in stages where !resources.stages.contains(stage) {
      throw METEORDataError.stageWithoutData(stage)
    }
    self.stages = stages
    self.resources = resources
  }

  public var name: String {
    "METEOR-1.5 (\(stages.map(\.rawValue).joined(separator: "+")))"
  }

  /// Where synonyms and paraphrases come from, as far as their stages run.
  private var note: String? {
    let sources = [
      stages.contains(.synonym) ? resources.synonyms.map { "synonyms: \($0.source)" } : nil,
      stages.contains(.paraphrase)
        ? resources.paraphrases.map { "paraphrases: \($0.source)" } : nil,
    ]
    let known = sources.compactMap(\.self)
    return known.isEmpty ? nil : known.joined(separator: "; ")
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
        name: name, perImage: perImage, note: note, rule: .meteor(stages: stages),
        statistics: statistics)
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
