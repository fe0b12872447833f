import Configuration
import Encoders
import LanguageModels
import Layers
import Storage
import Tensors

/// A benchmark that can't run with what it was given.
public struct BenchmarkError: Error, Equatable, ExitCodeProviding, CustomStringConvertible {
  public let description: String
  public var programExit: ProgramExit { .badData }
}

/// The model that a benchmark runs, from a folder or of its shape.
public struct BenchmarkModel: Sendable {
  public let folder: ModelFolder
  public let kind: ModelKind
  /// `random`: only `config.json` is read.
  public let weights: WeightsChoice

  /// - Parameter reference: a folder's path, or `hf:ORG/NAME[@REV]`.
  /// - Throws: `ModelFolderError`, or ``BenchmarkError`` for a model of another kind.
  public init(_ reference: String, random: Bool) throws {
    folder = try ModelFolder(resolving: reference)
    guard let kind = try ModelKind(folder) else {
      let type = try folder.json("config.json")["model_type"]?.string ?? "none"
      throw BenchmarkError(
        description: "\(folder.file("config.json").path): model_type is \(type); must be one of "
          + ModelKind.all.map(\.name).joined(separator: ", ") + ".")
    }
    self.kind = kind
    weights = random ? .random : .pretrained
  }

  func languageModel(
    precision: ComputePrecision, executor: LaneExecutor
  ) throws -> LlamaForCausalLM {
    guard case .languageModel = kind else {
      let kinds = PretrainedKind.allCases.map(\.rawValue)
      throw BenchmarkError(
        description:
          "\(folder.url.path) holds an encoder (\(kind.name)); this benchmark needs a "
          + "language model: \(kinds.joined(separator: ", ")).")
    }
    return try LlamaForCausalLM(
      folder, weights: weights, store: ParameterStore(matrices: precision), executor: executor)
  }

  func encoder(
    precision: ComputePrecision, executor: LaneExecutor
  ) throws -> PretrainedEncoder {
    var settings = PretrainedEncoderConfig()
    settings.weights = weights
    settings.compute = precision
    guard case .encoder(let encoder) = kind else {
      throw BenchmarkError(
        description:
          "\(folder.url.path) holds a language model (\(kind.name)); this benchmark "
          + "needs an encoder: "
          + PretrainedEncoderKind.all.map(\.name).joined(separator: ", ") + ".")
    }
    return try PretrainedEncoder(encoder, settings, folder: folder, executor: executor)
  }
}
