import LanguageModels
import Layers
import Projectors
import Tensors

/// How a caption stands in the sequence: `[opening][visual tokens][prompt][caption][end]`.
public struct CaptionFormat: Sendable, Hashable {
  /// The begin token, if the tokenizer adds one; the head of a chat template.
  public var opening: [Int32]
  /// Not supervised.
  public var prompt: [Int32]
  public var end: Int32

  public init(opening: [Int32] = [], prompt: [Int32] = [], end: Int32) {
    self.opening = opening
    self.prompt = prompt
    self.end = end
  }
}

/// An image's place in a ``PatchSource`` and its captions' tokens, the end token left out.
public struct CaptionSample: Sendable, Hashable {
  public var feature: Int
  public var captions: [[Int32]]

  public init(feature: Int, captions: [[Int32]]) {
    self.feature = feature
    self.captions = captions
  }
}

/// Next-token loss on captions after the visual tokens of a projector.
public struct CaptionObjective: Objective {
  let projector: any Projector
  let model: any LanguageModel
  let features: any PatchSource
  let format: CaptionFormat
  let samples: [CaptionSample]
  let choice: CaptionChoice

  public init(
    projector: any Projector, model: any LanguageModel, features: any PatchSource,
    format: CaptionFormat, samples: [CaptionSample], choice: CaptionChoice = .all
  ) {
    self.projector = projector
    self.model = model
    self.features = features
    self.format = format
    self.samples = samples
    self.choice = choice
  }

  public var sampleCount: Int { samples.count }

  public func units(of sample: Int, draw: RandomKey) -> Int {
    captions(of: sample, draw: draw).reduce(0) { $0 + $1.count + 1 }
  }

  public func loss(of chosen: [Int], draw: RandomKey, scale: Float, in context: Context) throws -> Loss {
    let patches = try features.patches(of: chosen.map { samples[$0].feature }, in: context)
    let visual = projector(patches, in: context)
    let images = zip(chosen, visual.segments.lengths).map { sample, length in
      LanguageModels.CaptionedImage(
        visualTokens: length, prompt: format.prompt, captions: captions(of: sample, draw: draw))
    }
    let batch = CaptionBatch(images: images, opening: format.opening, end: format.end)
    return model.captionLoss(visual: visual.tensor, batch, scale: scale, in: context)
  }

  private func captions(of sample: Int, draw: RandomKey) -> [[Int32]] {
    let all = samples[sample].captions
    guard choice == .random, all.count > 1 else { return all }
    var stream = draw.named("caption").numbered(sample).stream
    return [all[stream.integer(below: all.count)]]
  }
}

/// Next-token loss on text alone: how the quickstart's small language model is made.
///
/// A text is several captions of one scene in an order drawn anew each time, each with its end token:
/// `[opening] caption [end] caption [end] …`. Saying the same again in other words is what a prefix of
/// visual tokens asks of the model later.
public struct TextObjective: Objective {
  let model: any LanguageModel
  let format: CaptionFormat
  /// Of each text its captions' ids, the end token left out.
  let texts: [[[Int32]]]

  public init(model: any LanguageModel, format: CaptionFormat, texts: [[[Int32]]]) {
    self.model = model
    self.format = format
    self.texts = texts
  }

  public var sampleCount: Int { texts.count }

  public func units(of sample: Int, draw: RandomKey) -> Int {
    texts[sample].reduce(0) { $0 + $1.count + 1 }
  }

  public func loss(of chosen: [Int], draw: RandomKey, scale: Float, in context: Context) throws -> Loss {
    let sequences = chosen.map { sample in
      var stream = draw.named("text").numbered(sample).stream
      let order = stream.permutation(texts[sample].count)
      // The batch adds the last end token.
      return Array(order.map { texts[sample][$0] }.joined(separator: [format.end]))
    }
    let images = sequences.map { LanguageModels.CaptionedImage(visualTokens: 0, captions: [$0]) }
    let batch = CaptionBatch(images: images, opening: format.opening, end: format.end)
    return model.captionLoss(visual: nil, batch, scale: scale, in: context)
  }
}
