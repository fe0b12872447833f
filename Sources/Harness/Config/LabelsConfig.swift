import Configuration
import Metrics

/// What says which label fits an image.
public enum LabelScorer: String, ConfigChoice {
  /// The likeness of image and text that stages on contrast learned.
  case contrast
  /// How likely the language model finds the label as the answer.
  case likelihood
}

/// Answers by choosing among labels instead of writing: `evaluation.labels:`. Without training on labels it is
/// zero-shot classification.
///
/// Source: Radford et al. 2021, *CLIP*, arXiv:2103.00020, §3.1.
public struct LabelsConfig: ConfigSection {
  public var by = LabelScorer.likelihood
  public var texts: [String] = []
  public var prompt = "{}"

  public init() {}

  public static let fields: [Field<Self>] = [
    .choice(
      "by", \.by,
      "contrast: the likeness that stages on contrast learned; likelihood: the language model's "
        + "probability of the label and its end."),
    .list(
      "texts", \.texts, of: .string(.nonEmpty), .unique,
      "The labels; empty: all different answers of the training examples."),
    .string(
      "prompt", \.prompt, .nonEmpty,
      "What is compared with the image, `{}` standing for the label: `a picture of a {}`."),
  ]

  /// What ``ZeroShot`` would refuse after the training.
  public var problems: [SectionProblem] {
    do throws(ZeroShotError) {
      _ = try ZeroShot(labels: texts.isEmpty ? ["one", "another"] : texts, template: prompt)
      return []
    } catch {
      if case .template = error { return [SectionProblem("prompt", error.description)] }
      return [SectionProblem("texts", error.description)]
    }
  }
}
