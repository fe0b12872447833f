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
    let grids = media.map(features.grid(of:))
    let rows = grids.reduce(0) { $0 + $1.tokens }
    let tensor = try context.tape.tensor(rows: rows, width: width) { values in
      var next = 0
      for (medium, grid) in zip(media, grids) {
        let count = grid.tokens * width
        try features.read(
          medium, into: UnsafeMutableBufferPointer(rebasing: values[next..<next + count]))
        next += count
      }
    }
    return Patches(tensor, grids: grids)
  }
}

/// Patches of an encoder that is computed on the tape, so that it can train.
struct EncodedPatches: PatchSource {
  let encoder: any VisionEncoder
  let side: EncoderSide
  let media: [Medium]

  var width: Int { encoder.width }
  var parameters: [Parameter] { encoder.parameters }
  func grid(of medium: Int) -> PatchGrid { side.grid }

  func patches(of chosen: [Int], in context: Context) throws -> Patches {
    let images = try chosen.map { place in
      EncoderInput(
        pixels: side.processor(try media[place].image()), height: side.processor.outputHeight,
        width: side.processor.outputWidth)
    }
    return encoder.patches(
      images, layer: side.layer, classToken: side.classToken, in: context)
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
