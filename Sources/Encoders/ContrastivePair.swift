import Datasets
import Foundation
import Layers
import Tensors

/// An image encoder and a text encoder that learn to find each other's match in a batch.
///
/// Each side's rows are averaged, mapped to one width E and scaled to unit length (Radford et al. 2021,
/// *CLIP*, arXiv:2103.00020, §2.3). Only ``encoder`` is used afterwards.
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
  ///   - input: channels of the images; height and width that the positions are learned for.
  ///   - vocabulary: token ids are below it.
  ///   - captionLength: tokens of a caption that are read.
  ///   - scope: the encoder's weights are its `encoder.` part.
  /// - Throws: ``EncoderError`` if the patch does not divide height and width.
  public init(
    _ config: SmallEncoderConfig, input: InputShape, vocabulary: Int, captionLength: Int,
    in scope: ParameterScope
  ) throws {
    encoder = try SmallEncoder(config, input: input, in: scope("encoder"))
    text = try SmallTextEncoder(
      config, vocabulary: vocabulary, length: captionLength, in: scope("text"))
    imageProjection = try Linear(
      config.width, config.embedding, bias: false, in: scope("image_projection"))
    textProjection = try Linear(
      config.width, config.embedding, bias: false, in: scope("text_projection"))
    // No sharper than training may make it.
    logScale = try scope.parameter(
      "log_scale", shape: [1],
      start: .constant(min(Float(-log(config.temperature)), Float(log(100.0)))))
  }

  /// One unit vector an image: `[B, E]`, batch after batch.
  ///
  /// - Parameter images: of several sizes.
  public func embedding(of images: [ImageBatch], in context: Context) -> Tensor {
    let rows = encoder.hidden(images, depth: encoder.layerCount, finalNorm: true, in: context)
    let tape = context.tape
    return tape.normalize(imageProjection(tape.mean(rows), in: context))
  }

  /// One unit vector a caption: `[B, E]`.
  public func embedding(of captions: [[Int32]], in context: Context) -> Tensor {
    let tape = context.tape
    return tape.normalize(textProjection(tape.mean(text(captions, in: context)), in: context))
  }
}
