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

  var width: Int { encoder.width }
  /// Those that the patches depend on.
  var parameters: [Parameter] { encoder.parameters(of: side.layer) }
  func grid(of medium: Int) -> PatchGrid { side.grid }

  func patches(of chosen: [Int], in context: Context) throws -> Patches {
    encoder.patches(
      of: try chosen.map { try side.processor.pixels(of: media[$0]) }, layer: side.layer,
      classToken: side.classToken, in: context)
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
