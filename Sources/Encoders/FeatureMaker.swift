import Datasets
import Layers
import Tensors

/// What makes the features of media.
package protocol FeatureMaker: Sendable {
  /// For messages.
  var name: String { get }
  /// D.
  var width: Int { get }
  /// Of every medium.
  var grid: PatchGrid { get }

  /// The features of one medium, `[tokens, D]`.
  func patches(of medium: Medium, on tape: Tape) throws -> Patches
}

/// An encoder that reads media from their files.
struct EncoderFeatures: FeatureMaker {
  private let encoder: any VisionEncoder
  private let processor: any Preprocessor
  private let description: FeatureDescription

  init(
    _ encoder: any VisionEncoder, _ processor: any Preprocessor, _ description: FeatureDescription
  ) {
    self.encoder = encoder
    self.processor = processor
    self.description = description
  }

  var name: String { description.encoder }
  var width: Int { encoder.width }
  var grid: PatchGrid { encoder.grid(processor, classToken: description.classToken) }

  func patches(of medium: Medium, on tape: Tape) throws -> Patches {
    encoder.patches(
      of: [try processor.pixels(of: medium)], layer: description.layer,
      classToken: description.classToken, in: Context(tape: tape))
  }
}
