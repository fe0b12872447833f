import Configuration

/// A metric or a family of them, as `evaluation.metrics:` and `score --metrics` name it, in the order
/// of a report.
public enum MetricChoice: String, ConfigChoice {
  /// BLEU-1 to BLEU-4.
  case bleu
  /// METEOR 1.5.
  case meteor
  case rougeL = "rouge_l"
  case ciderD = "cider_d"
  /// METEOR as NLTK computes it.
  case nltkMETEOR = "nltk_meteor"
  /// Whether an answer is a right one, word by word.
  case accuracy

  /// Whether the metric looks for data beside the captions (``METEORResources``).
  ///
  /// - Parameter stages: Stages of METEOR; `nil` for all that have their data.
  public func needsResources(stages: [METEORStage]?) -> Bool {
    switch self {
    case .bleu, .rougeL, .ciderD, .accuracy: false
    case .meteor: stages.map { $0.contains { $0 > .stem } } ?? true
    case .nltkMETEOR: true
    }
  }

  /// Which of a list of scores this metric is known by, where it gives several: BLEU-4, and accuracy over all
  /// kinds of question; `nil` where none is its own.
  public func primary(among names: [String]) -> Int? {
    let start =
      switch self {
      case .bleu: "BLEU-4"
      case .meteor: "METEOR-1.5"
      case .rougeL: "ROUGE-L"
      case .ciderD: "CIDEr-D"
      case .nltkMETEOR: "METEOR-NLTK"
      case .accuracy: "accuracy"
      }
    return names.firstIndex { $0.hasPrefix(start) }
  }

  /// Makes the metric.
  ///
  /// - Parameters:
  ///   - stages: Stages of METEOR in any order, without repeats; `nil` for all that have their data.
  ///   - resources: The data of METEOR's later stages.
  ///   - documentFrequencies: Those of CIDEr-D; `nil` counts them in the references that are scored.
  /// - Throws: ``METEORDataError`` if a named stage lacks its data.
  public func make(
    stages: [METEORStage]? = nil, resources: METEORResources = METEORResources(),
    documentFrequencies: DocumentFrequencies? = nil
  ) throws -> any CaptionMetric {
    switch self {
    case .bleu: BLEU()
    case .meteor:
      if let stages {
        try METEOR(stages: stages.sorted(), resources: resources)
      } else {
        METEOR(resources: resources)
      }
    case .rougeL: ROUGEL()
    case .accuracy: Accuracy()
    case .ciderD: CIDErD(documentFrequencies: documentFrequencies)
    case .nltkMETEOR: try NLTKMETEOR(resources: resources)
    }
  }
}
