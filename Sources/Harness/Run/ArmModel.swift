import Encoders
import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors
import Training

/// All that an arm computes with: encoder (where it is live), projector, language model.
///
/// Made in one place for a run, with values, and for a plan, as shapes. Parts that no stage trains are those of
/// the inputs, shared by all arms; parts that train are copies.
public struct ArmModel: Sendable {
  /// Patches of every medium: stored, or of this arm's own encoder.
  public let source: any PatchSource
  public let projector: any Projector
  public let languageModel: any LanguageModel
  /// What images and texts are compared by; nil where no stage learns from contrast.
  let head: ContrastHead?
  let training: TrainingConfig

  /// The weights of a part; empty for an encoder whose features are stored.
  public func parameters(of part: TrainablePart) -> [Parameter] {
    switch part {
    case .projector: projector.parameters
    case .languageModel: languageModel.parameters
    // Nothing reaches the encoder of an arm that reads no patches: it stays as it is.
    case .encoder: projector.readsPatches ? source.parameters : []
    }
  }

  /// The weights of the parts that a stage trains.
  func parameters(of stage: StageConfig) -> [Parameter] {
    stage.train.flatMap { parameters(of: $0) }
  }

  /// Of all parts that are computed, those of stored features left out.
  var parameterCount: Int {
    TrainablePart.allCases.reduce(0) { $0 + parameters(of: $1).reduce(0) { $0 + $1.count } }
  }

  /// Weights that some stage trains.
  var trainableCount: Int {
    Set(training.stages.flatMap(\.train))
      .reduce(0) { $0 + parameters(of: $1).reduce(0) { $0 + $1.count } }
  }

  /// All weights of an encoder that is computed, whether they are read or not.
  private var wholeEncoder: [Parameter] {
    (source as? EncodedPatches)?.encoder.parameters ?? source.parameters
  }

  /// The files of the best weights, under the names that PyTorch users can load.
  var exports: [WeightExport] {
    var exports = [WeightExport(projector.parameters, prefix: "mm_projector.")]
    if training.trains(.languageModel) {
      exports.append(
        WeightExport(
          file: CellFolder.languageModelFile, languageModel.parameters,
          dropping: Self.languageModelPrefix))
    }
    if training.trains(.encoder) {
      exports.append(
        WeightExport(
          file: CellFolder.encoderFile, wholeEncoder, dropping: Self.encoderPrefix))
    }
    if let head {
      exports.append(
        WeightExport(
          file: CellFolder.contrastFile, head.parameters, dropping: Self.contrastPrefix))
    }
    return exports
  }

  /// Names of ``exports``, known without a model.
  static func exportFiles(of training: TrainingConfig) -> [String] {
    [WeightExport.best]
      + (training.trains(.languageModel) ? [CellFolder.languageModelFile] : [])
      + (training.trains(.encoder) ? [CellFolder.encoderFile] : [])
      + (training.learnsContrast ? [CellFolder.contrastFile] : [])
  }

  // Before the names of the weights of parts that train as copies.
  fileprivate static let languageModelPrefix = "language_model."
  fileprivate static let encoderPrefix = "encoder."
  fileprivate static let contrastPrefix = "contrast."

  /// The same weights on the patches of other media.
  func with(_ source: any PatchSource) -> ArmModel {
    ArmModel(
      source: source, projector: projector, languageModel: languageModel, head: head,
      training: training)
  }

  /// What stages on contrast compare images and texts by.
  ///
  /// - Parameter media: of each sample, places in the patch source.
  /// - Throws: ``UnsupportedSetting`` where no stage learns from contrast.
  func embeddings(media: [[Int]], opening: [Int32]) throws -> ArmEmbeddings {
    guard let head else {
      throw UnsupportedSetting(
        "images and texts are compared by what a stage with data: contrast learns, and there is none"
      )
    }
    return ArmEmbeddings(
      projector: projector, model: languageModel, patches: source, head: head, media: media,
      opening: opening)
  }

  /// Reads the weights that a finished cell left.
  ///
  /// - Throws: `CheckpointError` for a file that is missing, damaged or of other shapes.
  func load(from folder: CellFolder) throws {
    for export in exports { try export.load(folder.checkpoint.appending(path: export.file)) }
  }
}

extension ArmModel {
  /// The arm with the start values of its name and a seed.
  ///
  /// With inputs that are shapes so is the model: it counts and plans, and computes nothing.
  ///
  /// - Throws: `ProjectorError` for settings that can't be built.
  init(_ arm: Arm, seed: Int, inputs: ExperimentInputs, training: TrainingConfig) throws {
    let isShape = inputs.contents == .shapes
    let key = RandomKey(seed: UInt64(bitPattern: Int64(seed))).named("init").named(arm.name)
    let scope =
      isShape
      ? ParameterScope.shapes : ParameterScope(store: ParameterStore(), random: key)
    let projector = try arm.config.projector.makeProjector(at: inputs.projectorSite, in: scope)
    let head =
      training.learnsContrast
      ? try ContrastHead(
        training.contrast, width: inputs.model.width,
        in: isShape
          ? .shapes
          : ParameterScope(
            store: ParameterStore(), random: key, prefix: Self.contrastPrefix)) : nil
    self.init(
      source: training.trains(.encoder)
        ? try inputs.liveSource(prefix: isShape ? nil : Self.encoderPrefix) : inputs.source,
      projector: projector,
      languageModel: training.trains(.languageModel) && !isShape
        ? try inputs.model.copied(prefix: Self.languageModelPrefix) : inputs.model,
      head: head, training: training)
  }
}
