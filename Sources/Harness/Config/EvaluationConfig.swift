import Configuration
import LanguageModels
import Layers
import Metrics
import Projectors
import Training

/// A row of the table that shows what a score is worth.
public enum ControlChoice: String, ConfigChoice {
  /// Each arm before its first update.
  case untrained
  /// Trained tokens that never see an image.
  case learnedPrompt = "learned_prompt"
  /// Each trained arm, shown another test image.
  case shuffled
}

/// The control arm of trained tokens: `evaluation.learned_prompt:`.
public struct LearnedPromptControlConfig: ConfigSection {
  public var tokens = 32
  public var optimizer = Partial<OptimizerConfig>()

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("tokens", \.tokens, .positive, "Trained tokens, the same for every image."),
    .partial("optimizer", \.optimizer, "Overrides the stage's optimizer, key by key."),
  ]

  /// The control as an arm like the others.
  public var arm: ArmConfig {
    var config = LearnedPromptConfig()
    config.tokens = tokens
    return ArmConfig(ProjectorConfig(config), optimizer: optimizer)
  }
}

/// What is measured on the test images: `evaluation:`.
public struct EvaluationConfig: ConfigSection {
  public var decode = DecodeConfig()
  /// nil: answers are written.
  public var labels: LabelsConfig?
  /// Whether images and captions of the test are compared with each other.
  public var pairs = false
  /// nil: as the last stage.
  public var data: StageData?
  public var metrics: [MetricChoice] = [.ciderD, .meteor, .bleu, .rougeL]
  /// nil: the first.
  public var primary: MetricChoice?
  /// Not what the machine happens to have: the same file scores alike everywhere.
  public var meteorStages: [METEORStage] = [.exact, .stem]
  public var controls: [ControlChoice] = [.untrained, .learnedPrompt, .shuffled]
  public var learnedPrompt = LearnedPromptControlConfig()
  public var bootstrap = 10_000
  public var randomizations = 10_000
  public var seed = 0

  public init() {}

  public static let fields: [Field<Self>] = [
    .section("decode", \.decode, "How captions are generated."),
    .section(
      "labels", \.labels, "Answers are chosen among labels (zero-shot); null: they are written."),
    .bool(
      "pairs", \.pairs,
      "Also compare every test image with every test caption, by what stages on contrast learned: "
        + "likeness of matched and other pairs, retrieval in both directions."),
    Field(
      "data", \.data, .optional(.choice),
      "What the test examples are asked: captions or questions; null: as the last stage."),
    .list("metrics", \.metrics, of: .choice, .nonEmptyUnique, "Columns of the table, in order."),
    Field(
      "primary", \.primary, .optional(.choice),
      "The metric whose pairs of arms are tested, others are described; null: the first."),
    .list(
      "meteor_stages", \.meteorStages, of: .choice, .nonEmptyUnique,
      "Stages of METEOR 1.5, which its name states. `synonym` needs WordNet, `paraphrase` the data "
        + "of an installed pycocoevalcap; a run without them ends before any work."),
    .list("controls", \.controls, of: .choice, .unique, "Rows that show what a score is worth."),
    .section("learned_prompt", \.learnedPrompt, "The control of that name."),
    .integer(
      "bootstrap", \.bootstrap, .atLeast(100), "Resamples of the test images for an interval."),
    .integer(
      "randomizations", \.randomizations, .atLeast(100),
      "Draws of the paired randomisation test between two arms."),
    .integer("seed", \.seed, .atLeast(0), "Seed of resamples, draws and the shuffled control."),
  ]
}
