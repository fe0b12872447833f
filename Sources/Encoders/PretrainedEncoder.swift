import Configuration
import Datasets
import Layers
import Storage
import Tensors

/// An encoder that is read from a Hugging Face folder.
public protocol FolderEncoder: VisionEncoder {
  /// What a file says: `kind: dinov2`.
  static var kind: String { get }
  /// Values of `model_type` that are understood.
  static var modelTypes: [String] { get }

  /// Reads a model of Hugging Face's layout.
  ///
  /// - Parameters:
  ///   - weights: `random` reads `config.json` only.
  ///   - executor: whose threads convert the weights.
  init(_ folder: ModelFolder, store: ParameterStore, weights: WeightsChoice, executor: LaneExecutor)
    throws
}

/// One of the ``FolderEncoder``s.
public struct PretrainedEncoderKind: Sendable, Equatable {
  public static let dinov2 = Self(model: Dinov2Model.self)
  public static let siglip = Self(model: SiglipVisionModel.self)
  public static let clip = Self(model: CLIPVisionModel.self)
  public static let vit = Self(model: ViTModel.self)

  /// Every kind there is.
  public static let all = [dinov2, siglip, clip, vit]

  let model: any FolderEncoder.Type

  /// What a file says.
  public var name: String { model.kind }
  /// Values of `model_type` that a folder of this kind may have.
  public var modelTypes: [String] { model.modelTypes }
  /// transformers' name of the class.
  public var className: String { "\(model)" }
  var documentation: String { "\(className) from a Hugging Face folder." }

  public static func == (a: Self, b: Self) -> Bool { a.model == b.model }
}

/// An encoder from a model folder, with all that decides its features.
public struct PretrainedEncoder: Sendable {
  public let model: any VisionEncoder
  public let processor: ImageProcessor
  /// What its features are kept under.
  public let description: FeatureDescription

  /// Reads the folder, or with `weights: random` its two configurations alone.
  ///
  /// - Parameters:
  ///   - store: of the weights; one of shapes reads no weight, only checks that the files have them.
  ///   - digests: where digests of weight files are remembered.
  /// - Throws: ``EncoderError`` for what `config.json` or a setting says, `DatasetError` for
  ///   `preprocessor_config.json`, `CheckpointReaderError` for a weight that is absent or of another
  ///   shape, `ModelFolderError` for a file that can't be read.
  public init(
    _ kind: PretrainedEncoderKind, _ settings: PretrainedEncoderConfig, folder: ModelFolder,
    store: ParameterStore = ParameterStore(), digests: DigestCache? = nil, executor: LaneExecutor
  ) throws {
    model = try kind.model.init(
      folder, store: store, weights: settings.weights, executor: executor)
    let native = try ImageProcessor(
      preprocessorConfig: folder.file("preprocessor_config.json"))
    processor = settings.imageSize.map { native.resized(toSide: $0) } ?? native
    try Self.check(settings, model, processor)
    let weightsDigest =
      settings.weights == .random ? "random" : try folder.weights.digest(cache: digests)
    description = FeatureDescription(
      encoder: "\(kind.className) \(model.layerCount)×\(model.width), patch \(model.patchSize)",
      encoderDigest: Digest.of(weightsDigest + Digest.of(try folder.data("config.json"))),
      preprocessing: processor.description, layer: settings.layer,
      classToken: settings.classToken, precision: settings.precision,
      compute: settings.compute ?? .float32)
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
