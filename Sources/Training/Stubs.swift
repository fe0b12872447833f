import Foundation
import LanguageModels
import Layers
import Projectors
import Tensors
import Datasets
import Storage

public enum NumericVersion { public static let current = 1 }

extension WeightExport {
  public func load(_ url: URL) throws {}
}
extension StageTrainer {
  public enum Found { case none, foreign, ready }
  public static func state(in folder: URL, digest: String, exports: [String]) throws -> Found { .none }
}
extension StageConfig {
  public var accumulation: Int { 1 }
}
extension TrainingSummary { public var isTruncated: Bool { false } }
extension TrainingRecord { public var totalUpdate: Int { update } }

extension OptimizerConfig {
  public func optimizer(_ parameters: [Parameter], executor: LaneExecutor) -> AdamW {
    AdamW(parameters, options: adamW, executor: executor)
  }
}
public enum TensorBoardWriter { public static let folder = "tensorboard" }
