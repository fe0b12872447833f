import LanguageModels
import Layers
import Tensors

/// Next-token loss on text alone: how the quickstart's small language model is made.
///
/// A text is several captions of one scene in an order drawn anew each time, each with its end token:
/// `[opening] caption [end] caption [end] …`. Saying the same again in other words is what a prefix of
/// visual tokens asks of the model later.
public struct TextObjective: Objective {
  let model: any LanguageModel
  let opening: [Int32]
  let end: Int32
  /// Of each text its captions' ids, the end token left out.
  let texts: [[[Int32]]]

  /// - Parameters:
  ///   - opening: the begin token, if the tokenizer adds one.
  ///   - end: the id that ends a caption.
  public init(model: any LanguageModel, opening: [Int32], end: Int32, texts: [[[Int32]]]) {
    self.model = model
    self.opening = opening
    self.end = end
    self.texts = texts
  }

  public var sampleCount: Int { texts.count }

  public func units(of sample: Int, draw: RandomKey) -> Int {
    SequenceBatch.supervisedTokens(of: self.sample(texts[sample]))
  }

  public func loss(
    of samples: [Int], draw: RandomKey, scale: Float, in context: Context
  ) -> Loss {
    let ordered = samples.map { index in
      var stream = draw.named("text").numbered(index).stream
      let order = stream.permutation(texts[index].count)
      return sample(order.map { texts[index][$0] })
    }
    let batch = SequenceBatch(ordered, visualTokens: [], end: end)
    return model.answerLoss(visual: nil, batch, scale: scale, in: context)
  }

  private func sample(_ captions: [[Int32]]) -> SequenceSample {
    SequenceSample(
      media: [], prefix: opening.isEmpty ? [] : [.text(opening)],
      branches: [captions.map { .answer($0) }])
  }
}
