import Datasets
import Layers
import Tensors

extension VisionEncoder {
  /// The grid that ``patches(of:layer:classToken:in:)`` gives an image of this size.
  public func grid(height: Int, width: Int, classToken: Bool) -> PatchGrid {
    PatchGrid(
      rows: height / patchSize, columns: width / patchSize,
      leading: classToken ? leadingTokens : 0)
  }

  /// The grid of each medium; where the processor keeps sizes, files are decoded for them.
  ///
  /// - Throws: `ImageError`, whose message names the file.
  public func grids(
    of media: [Medium], _ processor: any Preprocessor, classToken: Bool, executor: LaneExecutor
  ) throws -> [PatchGrid] {
    guard let images = processor as? ImageProcessor, images.keepsSizes else {
      return Array(repeating: grid(processor, classToken: classToken), count: media.count)
    }
    return try executor.map(count: media.count) { index in
      let image = try media[index].image()
      return grid(height: image.height, width: image.width, classToken: classToken)
    }
  }

  /// The grid of every image that the processor makes, of the largest if it keeps sizes.
  public func grid(_ processor: any Preprocessor, classToken: Bool) -> PatchGrid {
    grid(height: processor.shape.height, width: processor.shape.width, classToken: classToken)
  }

  /// What projectors read: B images → `[ΣP, D]`, in the order of the images. Gradients flow into weights
  /// that train, and into pixels that need them.
  ///
  /// - Parameter classToken: whether the leading tokens are kept.
  /// - Precondition: `layer` exists.
  public func patches(
    of images: [ImageBatch], layer: EncoderLayer, classToken: Bool, in context: Context
  ) -> Patches {
    let all = hidden(
      images, depth: depth(layer), finalNorm: isNormed(layer), in: context)
    let grids = images.flatMap { batch in
      Array(
        repeating: grid(height: batch.height, width: batch.width, classToken: classToken),
        count: batch.count)
    }
    guard !classToken, leadingTokens > 0 else { return Patches(all.tensor, grids: grids) }
    let kept = all.segments.indices.flatMap { image in
      all.segments[image].dropFirst(leadingTokens).map(Int32.init)
    }
    return Patches(context.tape.gather(all.tensor, rows: kept), grids: grids)
  }

  /// The same for images that may each have a size of their own.
  public func patches(
    of images: [PixelValues], layer: EncoderLayer, classToken: Bool, in context: Context
  ) -> Patches {
    patches(
      of: context.tape.batches(of: images), layer: layer, classToken: classToken, in: context)
  }
}

extension Tape {
  /// Images on the tape: neighbours of one size make one batch.
  public func batches(of images: [PixelValues]) -> [ImageBatch] {
    var batches: [ImageBatch] = []
    var first = 0
    while first < images.count {
      let (height, width) = (images[first].height, images[first].width)
      let size = images[first].values.count
      let end =
        images[first...].firstIndex { $0.height != height || $0.width != width } ?? images.count
      let pixels = tensor(rows: end - first, width: size) { target in
        for (index, image) in images[first..<end].enumerated() {
          precondition(image.values.count == size, "images of one size have the same channels")
          _ = UnsafeMutableBufferPointer(rebasing: target[index * size..<(index + 1) * size])
            .update(fromContentsOf: image.values)
        }
      }
      batches.append(ImageBatch(pixels, height: height, width: width))
      first = end
    }
    return batches
  }
}
