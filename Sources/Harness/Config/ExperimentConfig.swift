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
  public var dataset = DatasetConfig.scenes(ScenesConfig())
  public var encoder = EncoderConfig.small(SmallEncoderConfig())
  public var languageModel = LanguageModelConfig.small(SmallDecoderConfig())
  public var projectors = ConfigMap<ArmConfig>()
  public var training = TrainingConfig()
  public var evaluation = EvaluationConfig()
  public var figures = FiguresConfig()

  public init() {}

  public static let fields: [Field<Self>] = [
    .string("experiment", \.experiment, .name, "Name of the experiment and its results folder.")
      .required,
    .union("dataset", \.dataset, "Where images and captions come from.").required,
    .union("encoder", \.encoder, "The frozen vision encoder.").required,
    .union(
      "language_model", \.languageModel, "The language model; frozen unless a stage trains it."
    )
    .required,
    .map("projectors", \.projectors, "The arms that are compared, each under a name of its own.")
      .required,
    .section("training", \.training, "How every arm is trained."),
    .section("evaluation", \.evaluation, "What is measured on the test images."),
    .section("figures", \.figures, "Pictures and sample captions of the report."),
  ]

  public var problems: [SectionProblem] {
    let controls = evaluation.controls.map(\.rawValue)
    var problems = projectors.names.filter(controls.contains).map {
      SectionProblem("projectors", "'\($0)' is the name of a control; give the arm another")
    }
    for (index, stage) in training.stages.enumerated() where stage.train.contains(.encoder) {
      problems.append(
        SectionProblem(
          "training",
          "stage \(index) trains the encoder, but every arm reads the same cached features"))
    }
    return problems
  }
}
