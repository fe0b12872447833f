import Datasets
import LanguageModels
import Layers
import Projectors
import Tensors
import Training

/// Makes the stages of an arm as the trainer needs them: the one place that knows which objective learns from
/// which data.
struct StageBuilder {
  let inputs: ExperimentInputs
  let model: ArmModel
  let seed: Int

  /// - Parameters:
  ///   - train: examples that the stage learns from.
  ///   - limit: updates after which it ends.
  func stage(
    _ index: Int, _ config: StageConfig, optimizer: OptimizerConfig, train: [Example],
    validation: [Example], limit: Int?
  ) throws -> Stage {
    var parameters = model.parameters(of: config)
    func objective(_ examples: [Example], _ choice: CaptionChoice) throws -> any Objective {
      switch config.data {
      case .captions, .questions:
        return AnswerObjective(
          projector: model.projector, model: model.languageModel, patches: model.source,
          sequences: try inputs.sequences.sequences(
            examples, config.data, limit: config.maxTextTokens),
          end: inputs.template.end, choice: choice)
      case .contrast:
        return ArmContrastObjective(
          projector: model.projector, model: model.languageModel, source: model.source,
          head: try head(index), samples: inputs.contrastSamples(examples))
      }
    }
    let learning = try objective(train, config.captions)
    if let contrast = learning as? ArmContrastObjective { parameters += contrast.head.parameters }
    let checked = try objective(validation, .all)
    return Stage(
      name: config.title(index), objective: learning, parameters: parameters,
      epochs: config.epochs, batchSize: config.batchSize, optimizer: optimizer,
      validation: checked.sampleCount > 0 ? checked : nil, accumulation: config.accumulation,
      earlyStopping: config.earlyStopping, maximumUpdates: limit)
  }

  /// The projections of a contrast stage; they start anew for each stage and are not kept.
  private func head(_ stage: Int) throws -> ContrastHead {
    let key = RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("init")
      .named("contrast").numbered(stage)
    return try ContrastHead(
      width: inputs.model.width,
      in: ParameterScope(store: ParameterStore(), random: key, prefix: "contrast_\(stage)."))
  }
}

extension StageConfig {
  /// Its name, or "stage 2".
  func title(_ index: Int) -> String { name ?? "stage \(index + 1)" }
}
