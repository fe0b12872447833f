import Foundation
import Projectors
import Storage
import Tensors
import Training

/// A row of the study that trains: a projector of the file or the learned-prompt control, with the swept
/// values that concern it.
public struct Arm: Sendable {
  /// As the file calls it: names the folder and the start values.
  public let name: String
  public let config: ArmConfig
  public let isControl: Bool
  /// The swept values that concern it: `queries=16`; empty if none do.
  public var label = ""

  public init(name: String, config: ArmConfig, isControl: Bool) {
    self.name = name
    self.config = config
    self.isControl = isControl
  }

  /// What the tables call it: `qformer (queries=16)`.
  public var row: String { label.isEmpty ? name : "\(name) (\(label))" }

  /// The arms of an experiment, in the file's order, the control last.
  static func arms(of config: ExperimentConfig) -> [Arm] {
    var arms = config.projectors.map {
      Arm(name: $0.name, config: $0.section, isControl: false)
    }
    if config.evaluation.controls.contains(.learnedPrompt) {
      arms.append(
        Arm(
          name: ControlChoice.learnedPrompt.rawValue, config: config.evaluation.learnedPrompt.arm,
          isControl: true))
    }
    return arms
  }

  /// The arm with other settings (chosen by a search).
  func with(_ config: ArmConfig) -> Arm {
    var arm = Arm(name: name, config: config, isControl: isControl)
    arm.label = label
    return arm
  }
}

extension TrainingConfig {
  /// Whether some stage trains this part.
  func trains(_ part: TrainablePart) -> Bool { stages.contains { $0.train.contains(part) } }

  var learnsContrast: Bool { stages.contains { $0.data == .contrast } }

  /// What every table must say of how the arms were trained.
  var remarks: [String] {
    var remarks: [String] = []
    if trains(.languageModel) {
      remarks.append(
        "The language model trains too, a copy for each arm and cell: trainable parameters are the "
          + "projector's and the language model's. Untrained rows have the one that all start from."
      )
    }
    if trains(.encoder) {
      remarks.append(
        "The encoder trains too, a copy for each arm and cell; its patches are computed live.")
    }
    for (index, stage) in stages.enumerated() where stage.augmentation != nil {
      remarks.append(
        "Stage \(index + 1) learns from images that are changed at random (augmentation); validation and test "
          + "see them as they are.")
    }
    return remarks
  }
}

/// A point of a sweep that concerns an arm, and what it is called there.
struct SweptValue: Sendable, Hashable {
  /// `["projectors", "qformer", "queries"]`.
  let path: [String]
  let value: String

  /// Whether a change of this key can change the arm.
  func concerns(_ arm: Arm) -> Bool {
    if path.first == "projectors", path.count > 1 {
      return path[1] == "*" ? !arm.isControl : path[1] == arm.name
    }
    if path.starts(with: ["evaluation", "learned_prompt"]) { return arm.isControl }
    return true
  }

  /// The shortest name that says which key: the arm's own keys without its name, others without section and
  /// stage number.
  var label: String {
    var rest = path[...]
    if rest.first == "projectors" { rest = rest.dropFirst(2) }
    if rest.starts(with: ["evaluation", "learned_prompt"]) { rest = rest.dropFirst(2) }
    if rest.starts(with: ["training", "stages"]), rest.count > 3 { rest = rest.dropFirst(3) }
    return "\(rest.joined(separator: "."))=\(value)"
  }
}
