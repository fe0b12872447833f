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

/// Makes the inputs of an experiment: first as shapes, then, when something has to be computed, as values.
struct InputLoader: Sendable {
  let config: ExperimentConfig
  let cache: URL
  let executor: LaneExecutor
  let console: Console
  let stop: StopSignal
  /// Updates of each stage, to try a large setting.
  let maximumUpdates: Int?

  /// Of large files, which are read once for them.
  private var digests: DigestCache { DigestCache(cache) }

  /// Data, text side, encoder as shapes; no weight and no feature is read.
  ///
  /// - Throws: what reading data, configurations and tokenizers throws.
  func shapes() throws -> ExperimentInputs {
    console.log("Reading the data set")
    let data = try ExperimentData(config, executor: executor)
    console.log("  " + data.description)
    for note in data.notes { console.log("  " + note) }
    let text =
      switch config.languageModel {
      case .pretrained(_, let settings):
        try TextSide(
          config.languageModel, settings, compute: config.languageModelCompute, digests: digests)
      case .small(let settings):
        try smallTextSide(settings, data)
      }
    var recipe = InputRecipe(parts: text.recipe)
    let encoder: EncoderSide?
    let source: any PatchSource
    if case .precomputed(let settings) = config.encoder {
      let file = try PrecomputedFeatures(settings.file.url)
      encoder = nil
      let grid = file.grid
      source = ShapePatches(width: file.width) { _ in grid }
      recipe.parts.append(("features", try file.digest(cache: digests)))
    } else {
      let side = try encoderSide(data)
      encoder = side
      let grids = try side.model.grids(
        of: data.media, side.processor, classToken: side.classToken, executor: executor)
      source = ShapePatches(width: side.model.width) { grids[$0] }
      recipe.parts.append(
        (
          "encoder",
          side.description?.key
            ?? config.encoder.smallSettingsText(steps: maximumUpdates)
        ))
    }
    recipe.parts.append(("language_model_compute", config.languageModelCompute.rawValue))
    if config.makesModels { recipe.parts.append(("lanes", "\(config.training.lanes)")) }
    return ExperimentInputs(
      contents: .shapes, config: config, data: data, text: text, model: text.shapes,
      encoder: encoder, source: source, recipe: recipe,
      sequences: SequenceTable(data: data, text: text, executor: executor))
  }

  /// The same with weights and features.
  ///
  /// - Throws: ``RunStopped`` at a signal; what reading weights and images throws.
  func values(of shapes: ExperimentInputs) throws -> ExperimentInputs {
    var inputs = try models(of: shapes)
    if case .precomputed(let settings) = config.encoder {
      inputs.source = StoredPatches(
        features: try PrecomputedFeatures(settings.file.url).features(of: shapes.data.media))
    } else if let side = inputs.encoder {
      inputs.source =
        config.training.features == .stored && shapes.hasOneGrid
        ? StoredPatches(features: try encode(shapes.data.media, side))
        : EncodedPatches(
          encoder: side.model, side: side, media: shapes.data.media, grid: shapes.source.grid(of:))
    }
    return inputs
  }

  /// Encodes the media into the feature store; no language model is read.
  func encode(of shapes: ExperimentInputs) throws {
    guard shapes.encoder != nil else {
      throw UnsupportedSetting(
        "encoder.kind is precomputed: another tool made the features, there is nothing to encode")
    }
    _ = try encode(shapes.data.media, encoderValues(shapes))
  }

  /// The same with weights alone: for media that are not the data set's.
  func models(of shapes: ExperimentInputs) throws -> ExperimentInputs {
    var inputs = shapes
    switch config.languageModel {
    case .pretrained(_, let settings):
      guard let folder = shapes.text.folder else { preconditionFailure("a folder was read") }
      console.log("Loading the language model")
      inputs.model = try LlamaForCausalLM(
        folder, kind: config.languageModel.pretrainedKind, weights: settings.weights,
        store: ParameterStore(matrices: config.languageModelCompute), executor: executor)
    case .small(let settings): inputs.model = try smallLanguageModel(settings, shapes: shapes)
    }
    if shapes.encoder != nil { inputs.encoder = try encoderValues(shapes) }
    inputs.contents = .values
    return inputs
  }

  private func smallTextSide(
    _ settings: SmallDecoderConfig, _ data: ExperimentData
  ) throws -> TextSide {
    guard data.folds.count == 1 else {
      throw UnsupportedSetting(
        "language_model.kind: small learns the training captions, which differ from fold to fold; "
          + "with dataset.folds take a pretrained one")
    }
    let sets = [data.folds[0]] + data.own.sorted { $0.key < $1.key }.map(\.value)
    return try TextSide(
      settings, words: sets.flatMap { $0.train.flatMap(\.texts) }, limit: maximumUpdates)
  }

  // MARK: - Encoder

  /// The encoder in a store of shapes.
  private func encoderSide(_ data: ExperimentData) throws -> EncoderSide {
    if case .pretrained(let kind, let settings) = config.encoder {
      if let sound = data.media.first(where: { $0.kind == .sound }) {
        throw UnsupportedSetting(
          "encoder.kind: \(kind.name) sees images, but \(sound.id) is a sound; take encoder.kind small or "
            + "patches, which see spectrograms")
      }
      let encoder = try PretrainedEncoder(
        kind, settings.computing(in: config.encoderCompute),
        folder: ModelFolder(resolving: settings.model.location),
        store: ParameterStore(.shapes, matrices: config.encoderCompute), digests: digests,
        executor: executor)
      return EncoderSide(encoder, settings)
    }
    guard let settings = config.encoder.made else {
      preconditionFailure("precomputed features have no encoder")
    }
    if settings.epochs > 0 {
      guard case .small = config.languageModel else {
        throw UnsupportedSetting(
          "encoder.kind: small goes with language_model.kind: small; it is trained against the "
            + "same words. With encoder.epochs: 0 it goes with any")
      }
    }
    let processor = try settings.processor(for: data.media, executor: executor)
    return EncoderSide(
      model: try SmallEncoder(settings, input: processor.shape, in: .shapes),
      processor: processor, layer: .last, classToken: false, precision: .float32,
      name: settings.encoderName,
      description: nil, isMadeByTheRun: settings.epochs > 0)
  }

  private func encoderValues(_ shapes: ExperimentInputs) throws -> EncoderSide {
    guard let side = shapes.encoder else { preconditionFailure("features without an encoder") }
    if case .pretrained(let kind, let settings) = config.encoder {
      return EncoderSide(
        try PretrainedEncoder(
          kind, settings.computing(in: config.encoderCompute),
          folder: ModelFolder(resolving: settings.model.location),
          store: ParameterStore(matrices: config.encoderCompute), digests: digests,
          executor: executor), settings)
    }
    guard let settings = config.encoder.made else { return side }
    let model = try smallEncoder(settings, shapes: shapes, side: side)
    return side.with(
      model,
      FeatureDescription(
        encoder: side.name, encoderDigest: model.parameters.digest,
        preprocessing: side.processor.description, layer: .last, classToken: false,
        precision: .float32))
  }

  private func encode(_ media: [Medium], _ side: EncoderSide) throws -> StoredFeatures {
    guard let description = side.description else {
      preconditionFailure("an encoder with values has a description")
    }
    let start = ContinuousClock.now
    let (console, stop) = (console, stop)
    let encoded = SharedCount()
    let features = try FeatureStore(cache: cache).features(
      of: media, description: description, encoder: side.model, processor: side.processor,
      batch: config.encoder.pretrained?.batch ?? 16, executor: executor,
      progress: { done, total in
        encoded.set(total)
        console.bar(Double(done) / Double(total), "encoding images \(done)/\(total)")
      },
      shouldStop: { stop.isRequested }, note: { console.log("  " + $0) })
    guard let features else { throw RunStopped(signal: stop.signal) }
    let seconds = start.duration(to: .now).seconds
    if encoded.value > 0 {
      let rate = (Double(encoded.value) / seconds * 10).rounded() / 10
      console.log(
        "  encoded \(encoded.value) images in \(Console.duration(seconds)), \(rate) images/s")
    } else {
      console.log("  features of \(media.count) images were in the store")
    }
    return features
  }
}

extension EncoderSide {
  init(_ encoder: PretrainedEncoder, _ settings: PretrainedEncoderConfig) {
    self.init(
      model: encoder.model, processor: encoder.processor, layer: settings.layer,
      classToken: settings.classToken, precision: settings.precision,
      name: encoder.description.encoder, description: encoder.description, isMadeByTheRun: false)
  }

  /// The same with weights that have values.
  func with(_ model: any VisionEncoder, _ description: FeatureDescription) -> EncoderSide {
    EncoderSide(
      model: model, processor: processor, layer: layer, classToken: classToken,
      precision: precision, name: name, description: description, isMadeByTheRun: isMadeByTheRun)
  }
}

extension PretrainedEncoderConfig {
  fileprivate func computing(in precision: ComputePrecision) -> Self {
    var settings = self
    settings.compute = precision
    return settings
  }
}

extension EncoderConfig {
  /// What decides an encoder that the run makes, beside the data.
  fileprivate func smallSettingsText(steps: Int?) -> String {
    guard let settings = made else { return "" }
    return settings.resolved.yaml + (steps.map { " steps \($0)" } ?? "")
  }
}

extension ExperimentConfig {
  /// Whether the run makes encoder or language model itself.
  var makesModels: Bool {
    if encoder.made != nil { return true }
    if case .small = languageModel { return true }
    return false
  }

  /// Equal for experiments that read the same data and models.
  var inputsKey: String {
    var key = dataset.resolvedYAML + encoder.resolvedYAML + languageModel.resolvedYAML
    key += encoderCompute.rawValue + languageModelCompute.rawValue
    for stage in training.stages { key += stage.dataset?.resolvedYAML ?? "-" }
    key += "features \(training.features.rawValue)"
    if makesModels { key += "lanes \(training.lanes)" }
    return key
  }
}
