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

/// The quickstart's encoder and language model, which the run itself trains first.
///
/// The language model learns the captions' text alone and never sees an image: the captions of a scene
/// one after the other, so that it can say a thing again in other words. The encoder learns to
/// tell images apart by their captions and is then frozen. Both are kept in the cache, with their
/// training's checkpoint, under a digest of everything that decides them.
extension InputLoader {
  /// The small language model, trained or from the cache.
  func smallLanguageModel(
    _ settings: SmallDecoderConfig, shapes: ExperimentInputs
  ) throws -> any LanguageModel {
    let key = RandomKey(seed: UInt64(bitPattern: Int64(settings.seed))).named("language model")
    let model = try SmallDecoder(
      settings, vocabularySize: shapes.text.tokenizer.vocabularySize,
      in: ParameterScope(store: ParameterStore(), random: key.named("init")))
    guard settings.epochs > 0 else { return model }
    let dataset = shapes.data.folds[0]
    func objective(_ examples: [Example]) -> TextObjective {
      TextObjective(
        model: model, opening: shapes.opening, end: shapes.template.end,
        texts: shapes.texts(of: examples))
    }
    let stage = Stage(
      name: "language model", objective: objective(dataset.train), parameters: model.parameters,
      epochs: settings.epochs, batchSize: settings.batchSize, optimizer: settings.optimizer,
      validation: objective(dataset.validation), maximumUpdates: maximumUpdates)
    try train(
      stage, kind: "language-model", settings: settings.resolved.yaml,
      data: shapes.textDigest(), key: key)
    return model
  }

  /// The small encoder, trained or from the cache, with its side of the captions.
  func smallEncoder(
    _ settings: SmallEncoderConfig, shapes: ExperimentInputs, side: EncoderSide
  ) throws -> any VisionEncoder {
    let key = RandomKey(seed: UInt64(bitPattern: Int64(settings.seed))).named("encoder")
    guard settings.epochs > 0 else {
      return try SmallEncoder(
        settings, input: side.processor.shape,
        in: ParameterScope(store: ParameterStore(), random: key.named("init")))
    }
    let train = shapes.data.folds[0].train.filter { !$0.media.isEmpty }
    let captions = shapes.texts(of: train)
    let pair = try ContrastivePair(
      settings, input: side.processor.shape,
      vocabulary: shapes.text.tokenizer.vocabularySize,
      captionLength: captions.flatMap { $0 }.map(\.count).max() ?? 1,
      in: ParameterScope(store: ParameterStore(), random: key.named("init")))
    let pixels = try executor.map(count: train.count) {
      try side.processor.pixels(of: train[$0].media[0])
    }
    let stage = Stage(
      name: "encoder",
      objective: ContrastiveObjective(
        pair: PixelPair(pair: pair, pixels: pixels),
        captions: captions), parameters: pair.parameters,
      epochs: settings.epochs, batchSize: settings.batchSize, optimizer: settings.optimizer,
      maximumUpdates: maximumUpdates)
    try self.train(
      stage, kind: "encoder", settings: settings.resolved.yaml,
      data: shapes.textDigest() + (try shapes.pixelDigest()), key: key)
    return pair.encoder
  }

  /// Trains one small model, or reads it from the cache.
  private func train(
    _ stage: Stage, kind: String, settings: String, data: String, key: RandomKey
  ) throws {
    let lanes = Lanes(count: config.training.lanes, threads: executor.threads)
    var hasher = DigestHasher()
    hasher.update(field: "kind", kind)
    hasher.update(field: "settings", settings)
    hasher.update(field: "data", data)
    hasher.update(field: "numeric_version", "\(NumericVersion.current)")
    hasher.update(field: "lanes", String(lanes.count))
    hasher.update(field: "limit", maximumUpdates.map(String.init) ?? "none")
    let digest = hasher.finalize()
    let folder = cache.appending(path: "models").appending(path: "\(kind)-\(digest)")
    console.log("Small \(stage.name)")
    let console = console
    do {
      if try StageTrainer.found(in: folder, digest: digest) == .foreign {
        throw CheckpointError("\(folder.path) holds another model")
      }
    } catch is CheckpointError {
      console.log("  what the cache held is damaged; it is made again")
      try FileManager.default.removeItem(at: folder)
    }
    let trainer = StageTrainer(
      stages: [stage], lanes: lanes, order: key.named("order"), folder: folder, digest: digest,
      stop: stop
    ) { progress in
      console.show(progress, title: stage.name)
    } note: {
      console.log("  " + $0)
    }
    do {
      let summary = try trainer.run()
      console.log("  ready, trained for \(Console.duration(summary.seconds))")
    } catch is TrainingStopped {
      throw RunStopped(signal: stop.signal)
    }
  }
}

/// The small encoder's pair on the pixels of numbered images.
struct PixelPair: EmbeddingPair {
  let pair: ContrastivePair
  let pixels: [PixelValues]

  var logScale: Parameter { pair.logScale }

  func images(_ samples: [Int], in context: Context) -> Tensor {
    pair.embedding(of: context.tape.batches(of: samples.map { pixels[$0] }), in: context)
  }

  func texts(_ captions: [[Int32]], in context: Context) -> Tensor {
    pair.embedding(of: captions, in: context)
  }
}

extension [Parameter] {
  /// XXH3-128 of names, shapes and values.
  var digest: String {
    var hasher = DigestHasher()
    for parameter in self {
      hasher.update(field: parameter.name, "\(parameter.shape)")
      hasher.update(parameter.values)
    }
    return hasher.finalize()
  }
}

extension LanguageModel {
  var layerCount: Int { cacheWidths.count }

  /// "30×576, vocabulary 49152".
  var sizeText: String { "\(layerCount)×\(width), vocabulary \(vocabularySize)" }
}

extension ConfigUnion {
  var resolvedYAML: String { ValueType<Self>.union.encode(self).yaml }
}

extension ExperimentInputs {
  /// Digest of all text that small models learn from.
  func textDigest() -> String {
    var hasher = DigestHasher()
    for set in [data.folds[0]] + data.own.sorted(by: { $0.key < $1.key }).map(\.value) {
      for (part, examples) in [("train", set.train), ("validation", set.validation)] {
        for example in examples {
          hasher.update(field: part, example.id.text)
          for text in example.texts { hasher.update(field: "text", text) }
        }
      }
    }
    return hasher.finalize()
  }

  /// Digest of the pixels that a small encoder learns from.
  func pixelDigest() throws -> String {
    let digests = try data.mediaDigests()
    var hasher = DigestHasher()
    for example in data.folds[0].train {
      for place in data.places(of: example) { hasher.update(field: "medium", digests[place]) }
    }
    return hasher.finalize()
  }
}

extension SmallEncoderConfig {
  /// What the feature store and a plan call the encoder that these settings make.
  var encoderName: String {
    layers > 0
      ? "small ViT \(layers)×\(width), patch \(patch)"
      : "patches of \(patch) pixels, width \(width)"
  }
}
