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

  /// - Parameters:
  ///   - train: examples that the stage learns from.
  ///   - limit: updates after which it ends.
  func stage(
    _ index: Int, _ config: StageConfig, optimizer: OptimizerConfig, train: [Example],
    validation: [Example], limit: Int?
  ) throws -> Stage {
    var parameters = model.parameters(of: config)
    let head = config.data == .contrast ? model.head : nil
    parameters += head?.parameters ?? []
    func objective(
      _ examples: [Example], _ choice: CaptionChoice, _ model: ArmModel
    ) throws -> any Objective {
      let sequences = try inputs.sequences.sequences(
        examples, config.data, limit: config.maxTextTokens)
      guard head != nil else {
        return AnswerObjective(
          projector: model.projector, model: model.languageModel, patches: model.source,
          sequences: sequences, end: inputs.template.end, choice: choice)
      }
      let samples = sequences.samples.filter { !$0.media.isEmpty && !$0.captions.isEmpty }
      return ContrastiveObjective(
        pair: try model.embeddings(media: samples.map(\.media), opening: inputs.opening),
        captions: samples.map(\.captions))
    }
    let learning = try objective(train, config.captions, augmented(config))
    let checked = try objective(validation, .all, model)
    return Stage(
      name: config.title(index), objective: learning, parameters: parameters,
      epochs: config.epochs, batchSize: config.batchSize, optimizer: optimizer,
      validation: checked.sampleCount > 0 ? checked : nil, accumulation: config.accumulation,
      patience: config.earlyStopping?.patience,
      watched: Dictionary(
        config.train.map { ($0.title, model.parameters(of: $0)) }.filter { !$0.1.isEmpty }
      ) { first, _ in first }, maximumUpdates: limit)
  }

  /// The model on the changed images of a stage.
  private func augmented(_ config: StageConfig) throws -> ArmModel {
    guard let augmentation = config.augmentation else { return model }
    guard let source = model.source.augmented(augmentation) else {
      throw UnsupportedSetting("augmentation needs images and an encoder that is computed live")
    }
    return model.with(source)
  }
}

extension SequenceSample {
  /// The ids of its answers, empty ones left out.
  fileprivate var captions: [[Int32]] {
    branches.joined().compactMap { piece in
      guard case .answer(let ids, _) = piece, !ids.isEmpty else { return nil }
      return ids
    }
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
