import Datasets
import Encoders
import Layers
import Storage
import Tensors
import Training

/// Features that were computed before, read as they are needed.
struct StoredPatches: PatchSource {
  let features: StoredFeatures

  var width: Int { features.width }
  func grid(of medium: Int) -> PatchGrid { features.grid(of: medium) }

  func patches(of media: [Int], in context: Context) throws -> Patches {
    try features.patches(of: media, on: context.tape)
  }
}

/// Patches of an encoder that is computed on the tape, so that it can train.
struct EncodedPatches: PatchSource {
  let encoder: any VisionEncoder
  let side: EncoderSide
  let media: [Medium]
  /// Of each medium.
  let grid: @Sendable (Int) -> PatchGrid
  /// Changes images where they are learned from; not where they are answered about.
  var augmentation: Augmentation?

  var width: Int { encoder.width }
  /// Those that the patches depend on.
  var parameters: [Parameter] { encoder.parameters(of: side.layer) }
  func grid(of medium: Int) -> PatchGrid { grid(medium) }

  func patches(of chosen: [Int], in context: Context) throws -> Patches {
    encoder.patches(
      of: try chosen.map { try pixels(of: $0, in: context) }, layer: side.layer,
      classToken: side.classToken, in: context)
  }

  private func pixels(of medium: Int, in context: Context) throws -> PixelValues {
    guard let augmentation, context.mode == .training,
      let images = side.processor as? ImageProcessor
    else { return try side.processor.pixels(of: media[medium]) }
    return try images.pixels(
      of: media[medium], changedBy: augmentation,
      key: context.random.named("augmentation").numbered(medium))
  }

  func augmented(_ augmentation: Augmentation) -> (any PatchSource)? {
    guard side.processor.kind == .image else { return nil }
    var source = self
    source.augmentation = augmentation
    return source
  }
}

/// Grids without patches: of inputs that are shapes.
struct ShapePatches: PatchSource {
  let width: Int
  let grids: @Sendable (Int) -> PatchGrid

  func grid(of medium: Int) -> PatchGrid { grids(medium) }

  func patches(of media: [Int], in context: Context) throws -> Patches {
    preconditionFailure("inputs that are shapes have no patches")
  }
}
