import Datasets
import Layers
import Storage
import Tensors

extension EncoderConfig {
  /// The settings of an encoder that comes from a model folder; nil for the others.
  public var pretrained: PretrainedEncoderConfig? {
    switch self {
    case .dinov2(let settings), .siglip(let settings), .clip(let settings), .vit(let settings):
      settings
    case .small, .precomputed: nil
    }
  }
}

/// A frozen encoder from a model folder, with all that decides its features.
public struct PretrainedEncoder: Sendable {
  public let model: any VisionEncoder
  public let processor: ImageProcessor
  /// What its features are kept under.
  public let description: FeatureDescription

  /// Reads the folder, or with `weights: random` its two configurations alone.
  ///
  /// - Parameter store: of the weights; one of shapes reads no weight, only checks that the files have them.
  /// - Precondition: the config is one of a model folder.
  /// - Throws: ``EncoderError`` for what `config.json` or a setting says, `DatasetError` for
  ///   `preprocessor_config.json`, `CheckpointReaderError` for a weight that is absent or of another
  ///   shape, `ModelFolderError` for a file that can't be read.
  public init(
    _ config: EncoderConfig, folder: ModelFolder, store: ParameterStore = ParameterStore(),
    executor: LaneExecutor
  ) throws {
    guard let settings = config.pretrained else {
      preconditionFailure("this kind of encoder has no model folder")
    }
    let weights = settings.weights
    let name: String
    switch config {
    case .dinov2:
      name = "Dinov2Model"
      model = try Dinov2Model(folder, store: store, weights: weights, executor: executor)
    case .siglip:
      name = "SiglipVisionModel"
      model = try SiglipVisionModel(folder, store: store, weights: weights, executor: executor)
    case .clip:
      name = "CLIPVisionModel"
      model = try CLIPVisionModel(folder, store: store, weights: weights, executor: executor)
    case .vit, .small, .precomputed:
      name = "ViTModel"
      model = try ViTModel(folder, store: store, weights: weights, executor: executor)
    }
    let native = try ImageProcessor(
      preprocessorConfig: folder.file("preprocessor_config.json"))
    processor = settings.imageSize.map { native.resized(toSide: $0) } ?? native
    try Self.check(settings, model, processor)
    let weightsDigest = weights == .random ? "random" : try folder.weights.digest()
    description = FeatureDescription(
      encoder: "\(name) \(model.layerCount)×\(model.width), patch \(model.patchSize)",
      encoderDigest: Digest.of(weightsDigest + Digest.of(try folder.data("config.json"))),
      preprocessing: processor.description, layer: settings.layer,
      classToken: settings.classToken, precision: settings.precision)
  }

  private static func check(
    _ settings: PretrainedEncoderConfig, _ model: any VisionEncoder, _ processor: ImageProcessor
  ) throws(EncoderError) {
    let layers = model.layerCount
    if case .hiddenState(let index) = settings.layer, !(-layers - 1...layers).contains(index) {
      throw EncoderError(
        key: "encoder.layer",
        rule: "must be last or between \(-layers - 1) and \(layers) for \(layers) layers",
        found: "\(index)")
    }
    let side = min(processor.outputWidth, processor.outputHeight)
    guard side >= model.patchSize else {
      throw EncoderError(
        key: "encoder.image_size", rule: "must be at least a patch of \(model.patchSize) pixels",
        found: "\(side)")
    }
  }
}

extension ImageProcessor {
  /// The same for square images of another size: what is resized and cropped keeps its proportions.
  func resized(toSide side: Int) -> ImageProcessor {
    let resize: Resize =
      switch self.resize {
      case .shortestEdge(let edge):
        .shortestEdge(max(side, edge * side / min(outputWidth, outputHeight)))
      case .exact, nil: .exact(width: side, height: side)
      }
    return ImageProcessor(
      outputWidth: side, outputHeight: side, resize: resize, filter: filter,
      cropsToOutput: cropsToOutput, rescaleFactor: rescaleFactor, mean: mean,
      standardDeviation: standardDeviation)
  }
}
