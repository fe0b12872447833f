import Foundation
import Layers
import Tensors

/// What images and captions are compared by: an embedding of each side in one space.
///
/// Shapes: B samples or captions → `[B, E]`, rows of unit length.
public protocol EmbeddingPair: Sendable {
  /// ln(1 / temperature), one number.
  var logScale: Parameter { get }

  /// One row a sample.
  ///
  /// - Throws: what reading a medium throws.
  func images(_ samples: [Int], in context: Context) throws -> Tensor

  /// One row a caption.
  func texts(_ captions: [[Int32]], in context: Context) -> Tensor
}

/// Which image and which caption of a batch belong together: the symmetric InfoNCE with a learned
/// temperature.
///
/// Each sample comes with one of its captions, drawn anew; every other pair of the batch is a mismatch, also
/// where two captions say the same. 1 / temperature is held to at most 100 after each update.
///
/// Source: Radford et al. 2021, *CLIP*, arXiv:2103.00020, §2.3 and figure 3.
public struct ContrastiveObjective: Objective {
  /// 1 / temperature is at most e to this.
  public static let greatestLogScale = Float(log(100.0))

  let pair: any EmbeddingPair
  /// The ids of each sample's captions.
  let captions: [[[Int32]]]

  /// - Parameter captions: of each sample, in the order of their numbers.
  /// - Precondition: every sample has a caption.
  public init(pair: any EmbeddingPair, captions: [[[Int32]]]) {
    precondition(captions.allSatisfy { !$0.isEmpty }, "a sample has no caption")
    self.pair = pair
    self.captions = captions
  }

  public var sampleCount: Int { captions.count }

  public func units(of sample: Int, draw: RandomKey) -> Int { 1 }

  public func loss(
    of samples: [Int], draw: RandomKey, scale: Float, in context: Context
  ) throws -> Loss {
    // The operation's own loss is a mean.
    context.tape.contrastive(
      try pair.images(samples, in: context),
      pair.texts(samples.map { chosen($0, draw: draw) }, in: context), logScale: pair.logScale,
      scale: scale * Float(samples.count))
  }

  /// The lanes embed their shares; the loss sees the embeddings of the whole batch, so the number of lanes
  /// changes rounding only.
  public func gradients(
    of batch: [Int], for parameters: [Parameter], draw: RandomKey, update: RandomKey, lanes: Lanes
  ) throws -> Double {
    let shares = Lanes.split(batch.count, lanes: lanes.count)
    return try lanes.gradients(of: parameters) { lane, tape in
      guard !shares[lane].isEmpty else { return nil }
      let samples = Array(batch[shares[lane]])
      let context = Context(tape: tape, mode: .training, random: update.numbered(lane))
      let images = try pair.images(samples, in: context)
      let texts = pair.texts(samples.map { chosen($0, draw: draw) }, in: context)
      return tape.join(
        [images, texts],
        runs: [
          RowRun(source: 0, rows: 0..<images.rows), RowRun(source: 1, rows: 0..<texts.rows),
        ])
    } jointly: { tape, shares in
      // Images of all lanes, then their captions.
      let images = shares.enumerated().map { RowRun(source: $0, rows: 0..<$1.rows / 2) }
      let texts = shares.enumerated().map { RowRun(source: $0, rows: $1.rows / 2..<$1.rows) }
      return tape.contrastive(
        tape.join(shares, runs: images), tape.join(shares, runs: texts), logScale: pair.logScale)
    }
  }

  public func afterUpdate() {
    pair.logScale.assign([min(pair.logScale.values[0], Self.greatestLogScale)])
  }

  /// The caption of a sample that this pass over the data takes.
  private func chosen(_ sample: Int, draw: RandomKey) -> [Int32] {
    var stream = draw.named("caption").numbered(sample).stream
    return captions[sample][stream.integer(below: captions[sample].count)]
  }
}
