import Datasets
import Encoders
import Foundation
import LanguageModels
import Layers
import Storage
import Tensors
import Tokenizers
import Training

/// What a plan reads: data, captions' tokens, and models as shapes.
struct PlanInputs {
  let config: ExperimentConfig
  let dataset: CaptionDataset
  let tokenizer: any TextTokenizer
  let sequence: CaptionSequence
  var format: CaptionFormat { sequence.format }
  /// In a store of shapes.
  let model: LlamaForCausalLM
  /// nil for features that another tool made.
  let encoder: PlanEncoder?
  /// Of a feature.
  let tokens: Int
  let width: Int
  let executor: LaneExecutor

  /// - Throws: what reading data, configurations and tokenizers throws; weights are not read.
  init(_ config: ExperimentConfig, executor: LaneExecutor) throws {
    self.config = config
    self.executor = executor
    dataset = try CaptionDataset(config.dataset)
    switch config.languageModel {
    case .llama(let settings), .qwen2(let settings):
      let text = try LanguageModelText(settings)
      (tokenizer, sequence) = (text.tokenizer, text.sequence)
      model = try LlamaForCausalLM(text.description, in: .shapes)
    case .small(let settings):
      tokenizer = WordTokenizer(captions: dataset.train.flatMap(\.captions))
      model = try LlamaForCausalLM(
        settings.description(vocabulary: tokenizer.vocabularySize), in: .shapes)
      let end = tokenizer.endToken ?? 0
      sequence = CaptionSequence(
        prompt: settings.prompt, end: end, endTokens: [end], tokenizer: tokenizer)
    }
    if case .precomputed(let settings) = config.encoder {
      let file = try PrecomputedFeatures(settings.file.url)
      (tokens, width, encoder) = (file.tokens, file.width, nil)
      return
    }
    let encoder = try PlanEncoder(config, dataset: dataset, executor: executor)
    self.encoder = encoder
    tokens =
      encoder.model.tokens(height: encoder.height, width: encoder.width)
      - (encoder.classToken ? 0 : encoder.model.leadingTokens)
    width = encoder.model.width
  }

  /// The captions' ids of some images.
  func captions(of images: [Datasets.CaptionedImage]) -> [[[Int32]]] {
    let (tokenizer, sequence) = (tokenizer, sequence)
    return executor.map(count: images.count) { index in
      images[index].captions.map { sequence.ids(of: $0, by: tokenizer) }
    }
  }

  /// The same as a stage cuts them: prompt, caption and end token fit.
  func cut(_ captions: [[[Int32]]], for stage: StageConfig) -> [[[Int32]]] {
    captions.map { $0.map { sequence.cut($0, to: stage.maxTextTokens) } }
  }
}

/// The encoder of a plan, in a store of shapes.
struct PlanEncoder {
  let model: any VisionEncoder
  let name: String
  /// Of its input in pixels.
  let height: Int
  let width: Int
  /// Layers that the features have behind them.
  let depth: Int
  let classToken: Bool
  let precision: FeaturePrecision
  /// What its features are kept under; nil for one that is still to be trained.
  let description: FeatureDescription?
  /// Whether the run trains it first.
  let isSmall: Bool

  init(_ config: ExperimentConfig, dataset: CaptionDataset, executor: LaneExecutor) throws {
    if let settings = config.encoder.pretrained {
      let encoder = try PretrainedEncoder(
        config.encoder, folder: ModelFolder(resolving: settings.model.location),
        store: ParameterStore(.shapes), executor: executor)
      model = encoder.model
      name = encoder.description.encoder
      (height, width) = (encoder.processor.outputHeight, encoder.processor.outputWidth)
      depth = encoder.model.depth(settings.layer)
      classToken = settings.classToken
      precision = settings.precision
      description = encoder.description
      isSmall = false
      return
    }
    guard case .small(let settings) = config.encoder else {
      preconditionFailure("precomputed features have no encoder")
    }
    let side = try dataset.images.first?.image().width ?? settings.patch
    model = try SmallEncoder(settings, imageSize: side, in: .shapes)
    name = settings.encoderName
    (height, width) = (side, side)
    depth = settings.layers
    classToken = false
    precision = .float32
    description = nil
    isSmall = true
  }
}
