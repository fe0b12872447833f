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
    return try config.projector.makeProjector(
      patchWidth: inputs.features.width, patchCount: inputs.features.tokens,
      languageWidth: inputs.model.width,
      in: ParameterScope(store: ParameterStore(), random: key))
  }

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
