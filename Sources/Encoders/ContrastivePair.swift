import Foundation
import Layers
import Tensors

/// An image encoder and a text encoder that learn to find each other's match in a batch.
///
/// Each side's rows are averaged, mapped to one width E and scaled to unit length; the loss is the
/// symmetric InfoNCE with a learned temperature (Radford et al. 2021, *CLIP*, arXiv:2103.00020,
/// §2.3). Only ``encoder`` is used afterwards.
public struct ContrastivePair: Module {
  public let encoder: SmallEncoder
  public let text: SmallTextEncoder
  private let imageProjection: Linear
  private let textProjection: Linear
  /// ln(1 / temperature), one number.
  public let logScale: Parameter

  public var parameters: [Parameter] {
    encoder.parameters + text.parameters + imageProjection.parameters + textProjection.parameters
      + [logScale]
  }

  /// - Parameters:
  ///   - imageSize: side of the images in pixels.
  ///   - vocabulary: token ids are below it.
  ///   - captionLength: tokens of a caption that are read.
  ///   - scope: the encoder's weights are its `encoder.` part.
  /// - Throws: ``EncoderError`` if the patch does not divide the side.
  public init(
    _ config: SmallEncoderConfig, imageSize: Int, vocabulary: Int, captionLength: Int,
    in scope: ParameterScope
  ) throws {
    encoder = try SmallEncoder(config, imageSize: imageSize, in: scope("encoder"))
    text = try SmallTextEncoder(
      config, vocabulary: vocabulary, length: captionLength, in: scope("text"))
    imageProjection = try Linear(
      config.width, config.embedding, bias: false, in: scope("image_projection"))
    textProjection = try Linear(
      config.width, config.embedding, bias: false, in: scope("text_projection"))
    logScale = try scope.parameter(
      "log_scale", shape: [1], start: .constant(Float(-log(config.temperature))))
  }

  /// One unit vector an image: `[B, E]`.
  public func embedding(of images: ImageBatch, in context: Context) -> Tensor {
    let rows = encoder.hidden([images], depth: encoder.layerCount, finalNorm: true, in: context)
    let tape = context.tape
    return tape.normalize(imageProjection(tape.mean(rows), in: context))
  }

  /// One unit vector a caption: `[B, E]`.
  public func embedding(of captions: [[Int32]], in context: Context) -> Tensor {
    let tape = context.tape
    return tape.normalize(textProjection(tape.mean(text(captions, in: context)), in: context))
  }

  /// The loss of images and their captions, times `scale`; every other pair of the batch is a
  /// mismatch.
  public func loss(
    images: ImageBatch, captions: [[Int32]], scale: Float = 1, in context: Context
  ) -> Loss {
    context.tape.contrastive(
      embedding(of: images, in: context), embedding(of: captions, in: context), logScale: logScale,
      scale: scale)
  }

  /// Leaves the gradients of one batch's loss in the weights, computed on all lanes.
  ///
  /// The lanes embed their shares; the loss sees the embeddings of the whole batch, so the number of
  /// lanes changes rounding only.
  ///
  /// - Parameters:
  ///   - images: the pixels of some places of the batch.
  ///   - captions: one caption for each place of the batch.
  /// - Returns: the loss.
  public func gradients(
    on lanes: Lanes, captions: [[Int32]], images: @Sendable (Range<Int>, Tape) -> ImageBatch
  ) -> Double {
    let shares = Lanes.split(captions.count, lanes: lanes.count)
    let logScale = logScale
    return lanes.gradients(of: parameters) { lane, tape in
      guard !shares[lane].isEmpty else { return nil }
      let context = Context(tape: tape, mode: .training)
      let (a, b) = (
        embedding(of: images(shares[lane], tape), in: context),
        embedding(of: Array(captions[shares[lane]]), in: context)
      )
      return tape.join(
        [a, b], runs: [RowRun(source: 0, rows: 0..<a.rows), RowRun(source: 1, rows: 0..<b.rows)])
    } jointly: { tape, shares in
      // Images of all lanes, then their captions.
      let images = shares.enumerated().map { RowRun(source: $0, rows: 0..<$1.rows / 2) }
      let captions = shares.enumerated().map { RowRun(source: $0, rows: $1.rows / 2..<$1.rows) }
      return tape.contrastive(
        tape.join(shares, runs: images), tape.join(shares, runs: captions), logScale: logScale)
    }
  }

  /// Holds 1 / temperature to at most 100 after an update, as CLIP does.
  public func limitScale() {
    logScale.assign([min(logScale.values[0], Float(log(100.0)))])
  }
}
