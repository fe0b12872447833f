import Configuration
import Datasets
import Encoders
import LanguageModels
import Projectors
import Training

/// A whole experiment file.
public struct ExperimentConfig: ConfigSection {
  /// Also the name of the results folder.
  public var experiment = ""
  public var dataset = DatasetConfig(ScenesConfig())
  public var encoder = EncoderConfig.small(SmallEncoderConfig())
  public var languageModel = LanguageModelConfig.small(SmallDecoderConfig())
  public var projectors = ConfigMap<ArmConfig>()
  public var search: SearchConfig?
  public var sweep: SweepConfig?
  public var training = TrainingConfig()
  public var evaluation = EvaluationConfig()
  public var figures = FiguresConfig()
  public var expect: [ExpectConfig] = []

  public init() {}

  public static let fields: [Field<Self>] = [
    .string("experiment", \.experiment, .name, "Name of the experiment and its results folder.")
      .required,
    .union("dataset", \.dataset, "Where images and captions come from.").required,
    .union("encoder", \.encoder, "The vision encoder; frozen unless a stage trains it.").required,
    .union(
      "language_model", \.languageModel, "The language model; frozen unless a stage trains it."
    )
    .required,
    .map("projectors", \.projectors, "The arms that are compared, each under a name of its own.")
      .required,
    .section(
      "search", \.search,
      "A grid that every arm tries before it is trained; the best by validation loss is taken."),
    .section(
      "sweep", \.sweep,
      "Settings with several values, all of which are run and stand in one table."),
    .section("training", \.training, "How every arm is trained."),
    .section("evaluation", \.evaluation, "What is measured on the test images."),
    .section("figures", \.figures, "Pictures and sample captions of the report."),
    .list(
      "expect", \.expect, of: .section, .any,
      "What the run must come to; one that misses it says so and exits 1."),
  ]

  public var problems: [SectionProblem] {
    let controls = evaluation.controls.map(\.rawValue)
    var problems = projectors.names.filter(controls.contains).map {
      SectionProblem("projectors", "'\($0)' is the name of a control; give the arm another")
    }
    if case .precomputed = encoder, training.features == .live {
      problems.append(
        SectionProblem("training", "features is live, but the encoder's features are precomputed"))
    }
    if case .precomputed = encoder, training.trains(.encoder) {
      problems.append(
        SectionProblem("training", "a stage trains the encoder, but its features are precomputed"))
    }
    if let primary = evaluation.primary, !evaluation.metrics.contains(primary) {
      problems.append(
        SectionProblem(
          "evaluation", "primary is \(primary.rawValue), which is not among the metrics"))
    }
    let comparesPairs = evaluation.pairs || evaluation.labels?.by == .contrast
    if comparesPairs, !training.learnsContrast {
      problems.append(
        SectionProblem(
          "evaluation",
          "images and texts are compared by what a stage with data: contrast learns, and there is none"
        ))
    }
    return problems + precisionProblems
  }
}

extension ExperimentConfig {
  /// What the test examples are asked: as the last stage that learns answers.
  var answeredData: StageData {
    evaluation.data
      ?? training.stages.last(where: { $0.data != .contrast })?.data ?? .captions
  }
}
