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
    let parameters = model.parameters(of: config)
    func objective(_ examples: [Example], _ choice: CaptionChoice) throws -> any Objective {
      switch config.data {
      case .captions, .questions:
        return AnswerObjective(
          projector: model.projector, model: model.languageModel, patches: model.source,
          sequences: try inputs.sequences.sequences(
            examples, config.data, limit: config.maxTextTokens),
          end: inputs.template.end, choice: choice)
      case .contrast:
        throw UnsupportedSetting("data: contrast")  // CONTRAST
      }
    }
    let learning = try objective(train, config.captions)
    let checked = try objective(validation, .all)
    return Stage(
      name: config.title(index), objective: learning, parameters: parameters,
      epochs: config.epochs, batchSize: config.batchSize, optimizer: optimizer,
      validation: checked.sampleCount > 0 ? checked : nil, accumulation: config.accumulation,
      patience: config.earlyStopping?.patience,
      watched: Dictionary(
        config.train.map { ($0.title, model.parameters(of: $0)) }.filter { !$0.1.isEmpty }
      ) { first, _ in first }, maximumUpdates: limit)
  }
}

extension TrainablePart {
  /// For people.
  var title: String { rawValue.replacing("_", with: " ") }
}

extension StageConfig {
  /// Its name, or "stage 2".
  func title(_ index: Int) -> String { name ?? "stage \(index + 1)" }
}
