import Foundation
import LanguageModels
import Layers
import Projectors
import Tensors
import Datasets
import Storage

public enum NumericVersion { public static let current = 1 }

extension WeightExport {
  public func load(_ url: URL) throws {
    try CheckpointFolder(url: url.deletingLastPathComponent()).loadBest([self])
  }
}
extension StageTrainer {
  public enum Found { case none, foreign, ready }
  public static func state(in folder: URL, digest: String, exports: [String]) throws -> Found {
    let checkpoint = CheckpointFolder(url: folder.appending(path: "checkpoint"))
    guard let state = try checkpoint.state() else { return .none }
    guard state.digest == digest else { return .foreign }
    try checkCheckpoint(in: folder, digest: digest, exports: exports)
    return .ready
  }
}
extension StageConfig {
  public var accumulation: Int { 1 }
}

extension OptimizerConfig {
  public func optimizer(_ parameters: [Parameter], executor: LaneExecutor) -> AdamW {
    AdamW(parameters, options: adamW, executor: executor)
  }
}
public enum TensorBoardWriter { public static let folder = "tensorboard" }
