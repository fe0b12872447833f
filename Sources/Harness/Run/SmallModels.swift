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
  func loadSmall(
    _ dataset: CaptionDataset, _ settings: SmallDecoderConfig
  ) throws -> ExperimentInputs {
    let tokenizer = WordTokenizer(captions: dataset.train.flatMap(\.captions))
    let texts = Digest.of(dataset.digestContent)
    let lanes = Lanes(count: config.training.lanes, threads: executor.threads)
    let model = try smallLanguageModel(
      settings, tokenizer: tokenizer, dataset: dataset, texts: texts, lanes: lanes)
    let features: EncodedFeatures
    if case .small(let encoder) = config.encoder {
      features = try smallFeatures(
        encoder, tokenizer: tokenizer, dataset: dataset, texts: texts, lanes: lanes)
    } else {
      features = try pretrainedFeatures(dataset)
    }
    guard let end = tokenizer.endToken else { preconditionFailure("a word tokenizer has an end") }
    return inputs(
      dataset: dataset, features: features, tokenizer: tokenizer, model: model,
      sequence: CaptionSequence(
        prompt: settings.prompt, end: end, endTokens: [end], tokenizer: tokenizer),
      modelDigests: [
        ("language_model_weights", model.parameters.digest),
        ("tokenizer", Digest.of(tokenizer.digestContent)),
      ])
  }

  private func smallLanguageModel(
    _ settings: SmallDecoderConfig, tokenizer: WordTokenizer, dataset: CaptionDataset,
    texts: String, lanes: Lanes
  ) throws -> LlamaForCausalLM {
    let description = settings.description(vocabulary: tokenizer.vocabularySize)
    let key = RandomKey(seed: UInt64(bitPattern: Int64(settings.seed))).named("language model")
    let model = try LlamaForCausalLM(
      description, in: ParameterScope(store: ParameterStore(), random: key.named("init")))
    let format = CaptionFormat(
      opening: tokenizer.beginToken.map { [$0] } ?? [], end: tokenizer.endToken ?? 0)
    func objective(_ images: [Datasets.CaptionedImage]) -> TextObjective {
      TextObjective(
        model: model, format: format, texts: images.map { $0.captions.map(tokenizer.encode) })
    }
    let stage = Stage(
      name: "language model", objective: objective(dataset.train), parameters: model.parameters,
      epochs: settings.epochs, batchSize: settings.batchSize, optimizer: settings.optimizer,
      validation: objective(dataset.validation), maximumUpdates: maximumUpdates)
    try train(
      stage, kind: "language-model", settings: settings.resolved.yaml, texts: texts, key: key,
      lanes: lanes)
    return model
  }

  private func smallFeatures(
    _ settings: SmallEncoderConfig, tokenizer: WordTokenizer, dataset: CaptionDataset,
    texts: String, lanes: Lanes
  ) throws -> EncodedFeatures {
    let all = dataset.images
    let side = try all.first?.image().width ?? 0
    let processor = ImageProcessor(
      outputWidth: side, outputHeight: side, resize: .exact(width: side, height: side),
      mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
    let captions = dataset.train.map { $0.captions.map(tokenizer.encode) }
    let longest = captions.flatMap { $0 }.map(\.count).max() ?? 1
    let key = RandomKey(seed: UInt64(bitPattern: Int64(settings.seed))).named("encoder")
    let pair = try ContrastivePair(
      settings, imageSize: side, vocabulary: tokenizer.vocabularySize, captionLength: longest,
      in: ParameterScope(store: ParameterStore(), random: key.named("init")))
    let pixels = try executor.map(count: dataset.train.count) {
      processor(try dataset.train[$0].image())
    }
    let stage = Stage(
      name: "encoder",
      objective: ContrastiveObjective(
        pair: pair, pixels: pixels, side: side, captions: captions), parameters: pair.parameters,
      epochs: settings.epochs, batchSize: settings.batchSize, optimizer: settings.optimizer,
      maximumUpdates: maximumUpdates)
    try train(
      stage, kind: "encoder", settings: settings.resolved.yaml, texts: texts, key: key,
      lanes: lanes)
    let description = FeatureDescription(
      encoder: settings.encoderName,
      encoderDigest: pair.encoder.parameters.digest, preprocessing: processor.description,
      layer: .last, classToken: false, precision: .float32)
    return try encode(
      dataset, with: pair.encoder, processor: processor, description: description, batch: 16)
  }

  /// Trains one small model, or reads it from the cache.
  private func train(
    _ stage: Stage, kind: String, settings: String, texts: String, key: RandomKey, lanes: Lanes
  ) throws {
    var hasher = DigestHasher()
    hasher.update(field: "kind", kind)
    hasher.update(field: "settings", settings)
    hasher.update(field: "data", texts)
    hasher.update(field: "lanes", String(lanes.count))
    hasher.update(field: "limit", maximumUpdates.map(String.init) ?? "none")
    let digest = hasher.finalize()
    let folder = cache.appending(path: "models").appending(path: "\(kind)-\(digest)")
    console.log("Small \(stage.name)")
    let console = console
    do {
      try StageTrainer.checkCheckpoint(in: folder, digest: digest)
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

/// InfoNCE over a batch of images, each with one of its captions drawn anew.
private struct ContrastiveObjective: Objective {
  let pair: ContrastivePair
  /// `[3, side, side]` of each image.
  let pixels: [[Float]]
  let side: Int
  let captions: [[[Int32]]]

  var sampleCount: Int { pixels.count }

  func weight(of sample: Int, draw: RandomKey) -> Int { 1 }

  func loss(of samples: [Int], draw: RandomKey, scale: Float, in context: Context) -> Loss {
    pair.loss(
      images: batch(samples, on: context.tape), captions: chosen(samples, draw: draw),
      scale: scale * Float(samples.count), in: context)
  }

  func gradients(
    of samples: [Int], for parameters: [Parameter], draw: RandomKey, lanes: Lanes
  ) -> Double {
    pair.limitScale()
    return pair.gradients(on: lanes, captions: chosen(samples, draw: draw)) { places, tape in
      batch(Array(samples[places]), on: tape)
    }
  }

  private func chosen(_ samples: [Int], draw: RandomKey) -> [[Int32]] {
    samples.map { sample in
      var stream = draw.named("caption").numbered(sample).stream
      return captions[sample][stream.integer(below: captions[sample].count)]
    }
  }

  private func batch(_ samples: [Int], on tape: Tape) -> ImageBatch {
    let size = 3 * side * side
    let tensor = tape.tensor(rows: samples.count, width: size) { values in
      for (index, sample) in samples.enumerated() {
        let range = index * size..<(index + 1) * size
        _ = UnsafeMutableBufferPointer(rebasing: values[range])
          .update(fromContentsOf: pixels[sample])
      }
    }
    return ImageBatch(tensor, height: side, width: side)
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

extension SmallDecoderConfig {
  /// The decoder that these settings make.
  func description(vocabulary: Int) -> DecoderDescription {
    .small(
      width: width, layers: layers, heads: heads, feedForwardWidth: width * ffnMultiplier,
      vocabularySize: vocabulary)
  }
}

extension SmallEncoderConfig {
  /// What the feature store and a plan call the encoder that these settings make.
  var encoderName: String { "small ViT \(layers)×\(width), patch \(patch)" }
}
