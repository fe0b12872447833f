import Configuration
import Datasets
import Encoders
import Foundation
import LanguageModels
import Layers
import Storage
import Tensors
import Tokenizers
import Training

/// What every arm of an experiment shares: data, features, language model. Read once, never changed.
public struct ExperimentInputs: Sendable {
  public let dataset: CaptionDataset
  /// Of all images, in the order of `dataset.images`.
  public let features: FeatureTable
  /// Patches of a feature that came from a grid, if they did: for heatmaps.
  public let grid: PatchGrid?
  /// How the encoder's input was made of an image; nil when the features were made elsewhere.
  public let processor: ImageProcessor?
  public let tokenizer: any TextTokenizer
  /// As it was read or made: arms that train it do so with a copy.
  public let model: any LanguageModel
  public let sequence: CaptionSequence
  /// Digest of everything here that decides results.
  public let digest: String
  /// Name, digest pairs of the inputs, for provenance.
  public let provenance: [(name: String, value: String)]
  /// What every table must say of these inputs.
  public let remarks: [String]

  public var format: CaptionFormat { sequence.format }

  /// Place of the first image of each part in ``features``.
  var validationStart: Int { dataset.train.count }
  var testStart: Int { dataset.train.count + dataset.validation.count }

  /// The samples of one part.
  func samples(_ images: [Datasets.CaptionedImage], from start: Int, limit: Int) -> [CaptionSample]
  {
    images.enumerated().map { index, image in
      CaptionSample(
        feature: start + index, captions: image.captions.map { tokens(of: $0, limit: limit) })
    }
  }

  /// The image at a place in ``features``.
  func image(at place: Int) -> Datasets.CaptionedImage {
    if place < validationStart { return dataset.train[place] }
    if place < testStart { return dataset.validation[place - validationStart] }
    return dataset.test[place - testStart]
  }

  /// The picture that the encoder saw, resized and cropped, so that the grid lies exactly on it; nil
  /// when the features were made elsewhere.
  ///
  /// - Throws: `ImageError`, whose message names the file.
  public func photo(of place: Int) throws -> RGBImage? {
    try processor.map { $0.resized(try image(at: place).image()) }
  }

  /// A caption's ids, cut so that prompt, caption and end token fit.
  func tokens(of caption: String, limit: Int = .max) -> [Int32] {
    sequence.cut(sequence.ids(of: caption, by: tokenizer), to: limit)
  }
}

/// The grid that an image's patches form.
public struct PatchGrid: Sendable, Hashable {
  public let rows: Int
  public let columns: Int
  /// Tokens before the first patch.
  public let leading: Int
  /// Side of the square, in pixels, that the encoder saw.
  public let imageWidth: Int
  public let imageHeight: Int
}

/// A run that stopped at a signal and can go on.
public struct RunStopped: Error, ExitCodeProviding, CustomStringConvertible {
  public let signal: Int
  /// The run began with `--fresh`, which would throw the checkpoint away.
  var isFresh = false
  public var programExit: ProgramExit { .resumable }
  public var description: String {
    "stopped; the same command\(isFresh ? " without --fresh" : "") goes on from the last checkpoint"
  }
}

extension FeatureTable: FeatureSource {
  public func patches(of image: Int) -> Int { tokens }
}

/// Reads the inputs of an experiment, making what the cache lacks.
struct InputLoader {
  let config: ExperimentConfig
  let cache: URL
  let executor: LaneExecutor
  let console: Console
  let stop: StopSignal
  /// Updates of each stage, to try a large setting.
  let maximumUpdates: Int?

  func load() throws -> ExperimentInputs {
    console.log("Reading the data set")
    let dataset = try CaptionDataset(config.dataset)
    console.log("  " + dataset.description)
    switch config.languageModel {
    case .llama(let settings), .qwen2(let settings):
      return try load(dataset, settings)
    case .small(let settings):
      return try loadSmall(dataset, settings)
    }
  }

  private func load(
    _ dataset: CaptionDataset, _ settings: PretrainedLanguageModelConfig
  ) throws -> ExperimentInputs {
    console.log("Loading the language model")
    let model = try PretrainedLanguageModel(settings, executor: executor)
    return inputs(
      dataset: dataset, features: try pretrainedFeatures(dataset),
      tokenizer: model.text.tokenizer, model: model.model, sequence: model.text.sequence,
      modelDigests: model.digests)
  }

  func inputs(
    dataset: CaptionDataset, features: EncodedFeatures, tokenizer: any TextTokenizer,
    model: any LanguageModel, sequence: CaptionSequence,
    modelDigests: [(name: String, value: String)]
  ) -> ExperimentInputs {
    var provenance = [
      (name: "dataset", value: dataset.description),
      (name: "dataset_digest", value: Digest.of(dataset.digestContent)),
      (name: "features", value: features.key),
      (name: "images_digest", value: features.imagesDigest),
    ]
    provenance += modelDigests
    var hasher = DigestHasher()
    for (name, value) in provenance { hasher.update(field: name, value) }
    return ExperimentInputs(
      dataset: dataset, features: features.table, grid: features.grid,
      processor: features.processor, tokenizer: tokenizer, model: model, sequence: sequence,
      digest: hasher.finalize(), provenance: provenance, remarks: randomWeightsRemarks)
  }

  private var randomWeightsRemarks: [String] {
    var parts: [String] = []
    if config.encoder.pretrained?.weights == .random { parts.append("encoder") }
    if config.languageModel.pretrained?.weights == .random { parts.append("language model") }
    guard !parts.isEmpty else { return [] }
    return [
      "Random weights: the \(parts.joined(separator: " and the ")) started from random numbers "
        + "instead of pretrained weights. Times and memory are real; captions and scores are not "
        + "those of the model that is named."
    ]
  }

  /// Features from a model folder, or from a file that another tool wrote.
  func pretrainedFeatures(_ dataset: CaptionDataset) throws -> EncodedFeatures {
    if case .precomputed(let settings) = config.encoder {
      let file = try PrecomputedFeatures(settings.file.url)
      let all = dataset.images
      return EncodedFeatures(
        table: try file.features(of: all), key: try file.digest(),
        imagesDigest: Digest.of(all.map(\.id).joined(separator: "\n")), grid: nil,
        processor: nil)
    }
    guard let settings = config.encoder.pretrained else {
      throw UnsupportedSetting(
        "encoder.kind: small goes with language_model.kind: small; it is trained against the "
          + "same words")
    }
    let encoder = try PretrainedEncoder(
      config.encoder, folder: try ModelFolder(resolving: settings.model.location),
      executor: executor)
    return try encode(
      dataset, with: encoder.model, processor: encoder.processor,
      description: encoder.description, batch: settings.batch)
  }

  func encode(
    _ dataset: CaptionDataset, with encoder: any VisionEncoder, processor: ImageProcessor,
    description: FeatureDescription, batch: Int
  ) throws -> EncodedFeatures {
    let all = dataset.images
    let start = ContinuousClock.now
    let (console, stop) = (console, stop)
    let encoded = SharedCount()
    let table = try FeatureStore(cache: cache).features(
      of: all, description: description, encoder: encoder, processor: processor, batch: batch,
      executor: executor,
      progress: { done, total in
        encoded.set(total)
        console.bar(Double(done) / Double(total), "encoding images \(done)/\(total)")
      },
      shouldStop: { stop.isRequested }, note: { console.log("  " + $0) })
    guard let table else { throw RunStopped(signal: stop.signal) }
    let seconds = start.duration(to: .now).seconds
    if encoded.value > 0 {
      let rate = (Double(encoded.value) / seconds * 10).rounded() / 10
      console.log(
        "  encoded \(encoded.value) images in \(Console.duration(seconds)), \(rate) images/s")
    } else {
      console.log("  features of \(all.count) images were in the store")
    }
    let leading = description.classToken ? encoder.leadingTokens : 0
    return EncodedFeatures(
      table: table, key: description.key,
      imagesDigest: Digest.of(table.imageDigests.joined(separator: "\n")),
      grid: PatchGrid(
        rows: processor.outputHeight / encoder.patchSize,
        columns: processor.outputWidth / encoder.patchSize, leading: leading,
        imageWidth: processor.outputWidth, imageHeight: processor.outputHeight),
      processor: processor)
  }
}

/// Features in memory and where they come from.
struct EncodedFeatures {
  let table: FeatureTable
  let key: String
  let imagesDigest: String
  let grid: PatchGrid?
  let processor: ImageProcessor?
}

/// A setting that the configuration allows and this version does not run.
public struct UnsupportedSetting: Error, ExitCodeProviding, CustomStringConvertible {
  public let description: String
  public var programExit: ProgramExit { .badData }

  init(_ description: String) { self.description = description }
}

extension ModelReference {
  /// What ``ModelFolder`` resolves: a path, or `hf:ORG/NAME[@REV]`.
  var location: String {
    switch self {
    case .folder(let path): path.path
    case .hub: written
    }
  }
}
