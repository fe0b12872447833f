import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors
import Training

/// One row of the experiment that trains: a projector from the file, or the learned-prompt control.
public struct ArmPlan: Sendable {
  public let name: String
  public let config: ArmConfig
  public let isControl: Bool

  /// The arms of an experiment, in the file's order, the control last.
  static func arms(of config: ExperimentConfig) -> [ArmPlan] {
    var plans = config.projectors.map {
      ArmPlan(name: $0.name, config: $0.section, isControl: false)
    }
    if config.evaluation.controls.contains(.learnedPrompt) {
      plans.append(
        ArmPlan(
          name: ControlChoice.learnedPrompt.rawValue, config: config.evaluation.learnedPrompt.arm,
          isControl: true))
    }
    return plans
  }

  /// A fresh projector with the start values of this arm and seed.
  func makeProjector(seed: Int, inputs: ExperimentInputs) throws -> any Projector {
    let key = RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("init").named(name)
    return try makeProjector(
      inputs: inputs, in: ParameterScope(store: ParameterStore(), random: key))
  }

  /// A projector whose weights come from a scope.
  func makeProjector(inputs: ExperimentInputs, in scope: ParameterScope) throws -> any Projector {
    try config.projector.makeProjector(
      patchWidth: inputs.features.width, patchCount: inputs.features.tokens,
      languageWidth: inputs.model.width, in: scope)
  }

  /// The language model that this arm trains, with its start values; the shared one if it trains none.
  func makeLanguageModel(inputs: ExperimentInputs, training: TrainingConfig) throws
    -> any LanguageModel
  {
    training.trains(.languageModel)
      ? try inputs.model.copied(prefix: Self.languageModelPrefix) : inputs.model
  }

  /// The language model that this arm was trained with, its best weights read.
  ///
  /// - Throws: ``HeatmapError`` for a weight that is missing or has another shape,
  ///   `SafetensorsError` for the file.
  func trainedLanguageModel(
    in folder: RunFolder, inputs: ExperimentInputs, training: TrainingConfig
  ) throws -> any LanguageModel {
    let model = try makeLanguageModel(inputs: inputs, training: training)
    if training.trains(.languageModel) {
      try WeightExport.languageModel(model).load(folder.languageModel)
    }
    return model
  }

  /// Before the names of the weights of a language model that trains.
  static let languageModelPrefix = "language_model."

  /// Digest of everything that decides this arm's weights.
  func digest(seed: Int, inputs: ExperimentInputs, training: TrainingConfig, limit: Int?) -> String
  {
    var hasher = DigestHasher()
    hasher.update(field: "inputs", inputs.digest)
    hasher.update(field: "format", "\(inputs.format)")
    hasher.update(field: "arm", name)
    hasher.update(field: "config", config.resolved.yaml)
    for stage in training.stages { hasher.update(field: "stage", stage.resolved.yaml) }
    hasher.update(field: "lanes", String(training.lanes))
    hasher.update(field: "seed", String(seed))
    hasher.update(field: "limit", limit.map(String.init) ?? "none")
    return hasher.finalize()
  }
}

extension TrainingConfig {
  /// Whether some stage trains this part.
  func trains(_ part: TrainablePart) -> Bool { stages.contains { $0.train.contains(part) } }

  /// What every table must say of how the arms were trained.
  var remarks: [String] {
    guard trains(.languageModel) else { return [] }
    return [
      "The language model trains too, a copy for each arm and seed: trainable parameters are the "
        + "projector's and the language model's. Untrained rows have the one that all start from."
    ]
  }
}

extension WeightExport {
  /// A projector's weights, named as in LLaVA's checkpoints.
  static func projector(_ projector: any Projector) -> WeightExport {
    WeightExport(projector.parameters, prefix: "mm_projector.")
  }

  /// A trained language model's weights, named as in its own model folder.
  static func languageModel(_ model: any LanguageModel) -> WeightExport {
    WeightExport(
      file: RunFolder.languageModelFile, model.parameters, dropping: ArmPlan.languageModelPrefix)
  }

  /// Reads an exported file into the weights.
  ///
  /// - Throws: ``HeatmapError`` for a weight that is missing or has another shape,
  ///   `SafetensorsError` for the file.
  func load(_ url: URL) throws {
    let file = try SafetensorsFile(url)
    for parameter in parameters {
      let name = name(of: parameter)
      guard let shape = file.info(name)?.shape, shape == parameter.shape else {
        throw HeatmapError(
          "\(url.path(percentEncoded: false)) has no weight \(name) of shape \(parameter.shape): it "
            + "was trained with other settings than experiment.yaml says")
      }
      try parameter.store.withValues(of: parameter) { try file.read(name, into: $0) }
    }
  }
}
