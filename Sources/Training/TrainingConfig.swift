import Configuration
import Datasets
import Layers
import Projectors
import Tensors

/// A part of the model that a stage may train; the others are frozen.
public enum TrainablePart: String, ConfigChoice {
  case projector
  case languageModel = "language_model"
  case encoder
}

/// What a stage learns from.
public enum StageData: String, ConfigChoice {
  /// Answers without a question.
  case captions
  /// Answers to questions.
  case questions
  /// Which image and which caption belong together.
  case contrast
}

/// Which of an image's captions an update sees.
public enum CaptionChoice: String, ConfigChoice {
  /// All of them, after one prefix of visual tokens.
  case all
  /// One, drawn anew each time.
  case random
}

/// Which weights of a training count.
public enum CheckpointChoice: String, ConfigChoice {
  /// Those of the epoch with the lowest validation loss.
  case best
  /// Those of the last epoch.
  case last
}

/// Where patches come from when no stage trains the encoder.
public enum FeatureUse: String, ConfigChoice {
  /// Each medium is encoded once; its features are read from the store.
  case stored
  /// Each medium is encoded anew in each update, as `augmentation` needs.
  case live
}

/// Who else reads the log.
public enum Tracker: String, ConfigChoice {
  case tensorboard
}

/// `early_stopping:` of a stage.
public struct EarlyStoppingConfig: ConfigSection {
  public var patience = 2

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer(
      "patience", \.patience, .positive,
      "Epochs in a row without a lower validation loss after which the stage ends.")
  ]
}

/// One entry of `training.stages:`.
public struct StageConfig: ConfigSection {
  /// `nil`: the stage's number.
  public var name: String?
  public var train: [TrainablePart] = [.projector]
  public var data = StageData.captions
  public var captions = CaptionChoice.all
  public var epochs = 4
  public var batchSize = 32
  public var maxTextTokens = 64
  /// nil: the experiment's.
  public var dataset: DatasetConfig?
  /// nil: every image as it is.
  public var augmentation: Augmentation?
  public var accumulation = 1
  public var earlyStopping: EarlyStoppingConfig?
  public var optimizer = OptimizerConfig()

  public init() {}

  public static let fields: [Field<Self>] = [
    .string("name", \.name, .name, "Shown in logs and curves; null: the stage's number."),
    .list("train", \.train, of: .choice, .nonEmptyUnique, "The parts that train."),
    .choice("data", \.data, "What the stage learns from."),
    .choice("captions", \.captions, "all: each of an image's captions; random: one, drawn anew."),
    .integer(
      "epochs", \.epochs, .atLeast(0), "Passes over the training images; 0 leaves the stage out."),
    .integer("batch_size", \.batchSize, .positive, "Images in one batch."),
    .integer(
      "accumulation", \.accumulation, .positive,
      "Batches of which one update is made: one mean over all their tokens."),
    .integer(
      "max_text_tokens", \.maxTextTokens, .atLeast(2),
      "Prompt, caption and end token together; longer captions are cut."),
    .section(
      "early_stopping", \.earlyStopping,
      "Ends the stage when validation does not get better; null: never."),
    .union("dataset", \.dataset, "A data set of the stage's own; null: the experiment's."),
    .section(
      "augmentation", \.augmentation,
      "Random changes of the images that the stage learns from; needs an encoder that is computed live; "
        + "null: none."),
    .section("optimizer", \.optimizer, "How the stage trains; an arm's `optimizer` overrides it."),
  ]
}

/// How every arm is trained: `training:`.
public struct TrainingConfig: ConfigSection {
  public var stages = [StageConfig()]
  public var seeds = [0]
  public var lanes = 8
  public var features = FeatureUse.stored
  public var checkpoint = CheckpointChoice.best
  public var checkpointMinutes = 5.0
  public var trackers: [Tracker] = []
  public var contrast = ContrastConfig()
  public var precision = ComputePrecision.float32

  public init() {}

  public static let fields: [Field<Self>] = [
    .list(
      "stages", \.stages, of: .section, .nonEmpty,
      "Trained one after the other; each goes on from the last weights of the one before."),
    .list(
      "seeds", \.seeds, of: .integer(.atLeast(0)), .nonEmptyUnique,
      "Each arm is trained once per seed."),
    .integer(
      "lanes", \.lanes, .range(1...1024),
      "Parts of a batch; results depend on it, but not on the number of threads."),
    .choice(
      "features", \.features,
      "stored: each image is encoded once; live: anew in each update, as an encoder that trains is."
    ),
    .choice(
      "checkpoint", \.checkpoint,
      "Which weights are scored: best by validation loss, or those of the last epoch."),
    .number(
      "checkpoint_minutes", \.checkpointMinutes, .positive,
      "Time between checkpoints to resume from; one is also written after each epoch."),
    .list(
      "trackers", \.trackers, of: .choice, .unique,
      "Also write the log for: tensorboard (event files beside log.jsonl)."),
    .section("contrast", \.contrast, "What stages on contrast compare images and texts by."),
    .choice(
      "precision", \.precision,
      "Inputs of the products of frozen weights, forward and for the inputs' gradients; sums and all "
        + "that trains are float32. bfloat16 halves those weights' memory and is faster on CPUs that "
        + "multiply it."),
  ]

  public var problems: [SectionProblem] {
    guard features == .stored, !stages.contains(where: { $0.train.contains(.encoder) }) else {
      return []
    }
    return stages.enumerated().compactMap { index, stage in
      stage.augmentation.map { _ in
        SectionProblem(
          "stages",
          "stage \(index + 1) has an augmentation, but features are computed once and read from the "
            + "store, so that every update would see the same; set training.features: live, or let a "
            + "stage train the encoder")
      }
    }
  }

  /// What the trainer needs of these settings.
  public var trainer: TrainerSettings {
    var settings = TrainerSettings()
    settings.checkpointMinutes = checkpointMinutes
    settings.weights = checkpoint
    settings.trackers = trackers
    return settings
  }
}

/// One entry of `projectors:`: a projector and how its optimiser departs from the stage's.
public struct ArmConfig: ConfigSection {
  public var projector = ProjectorConfig(LinearProjectorConfig())
  public var optimizer = Partial<OptimizerConfig>()

  public init() {}

  public init(_ projector: ProjectorConfig, optimizer: Partial<OptimizerConfig> = Partial()) {
    self.projector = projector
    self.optimizer = optimizer
  }

  public static let fields: [Field<Self>] = [
    .flattened(\.projector),
    .partial("optimizer", \.optimizer, "Overrides the stage's optimizer, key by key."),
  ]

  /// How this arm is trained in a stage.
  public func optimizer(in stage: StageConfig) -> OptimizerConfig {
    optimizer.applied(to: stage.optimizer)
  }
}
