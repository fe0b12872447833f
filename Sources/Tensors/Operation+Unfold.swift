import CKernels

struct UnfoldOperation {
  let images: Tensor
  let geometry: PatchGeometry
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(images) else { return }
    let dy = tape.arrived(output)
    let (dx, accumulate) = tape.gradientBuffer(images)
    if !accumulate { dk_fill(dx, 0, images.count) }
    geometry.forEachRun(images: images.rows) { image, patch in
      dk_copy(dy + patch, dx + image, geometry.patch, 1)
    }
  }
}

/// How images are cut into square patches: C channels, height and width in pixels.
///
/// What is left over on the right and below is dropped, as a convolution of stride `patch` does.
public struct PatchGeometry: Sendable, Hashable {
  public let channels: Int
  public let height: Int
  public let width: Int
  public let patch: Int

  public init(channels: Int = 3, height: Int, width: Int, patch: Int) {
    self.channels = channels
    self.height = height
    self.width = width
    self.patch = patch
  }

  public var gridRows: Int { height / patch }
  public var gridColumns: Int { width / patch }
  /// Patches of an image.
  public var patches: Int { gridRows * gridColumns }
  /// Numbers of an image, C · H · W.
  public var imageCount: Int { channels * height * width }
  /// Numbers of a patch, C · p · p.
  public var patchCount: Int { channels * patch * patch }

  /// Calls `body` with the offsets of each run of `patch` pixels in the images and in the patches.
  @inline(__always)
  func forEachRun(images: Int, _ body: (Int, Int) -> Void) {
    var target = 0
    for image in 0..<images {
      for row in 0..<gridRows {
        for column in 0..<gridColumns {
          for channel in 0..<channels {
            for line in 0..<patch {
              let source =
                ((image * channels + channel) * height + row * patch + line) * width
                + column * patch
              body(source, target)
              target += patch
            }
          }
        }
      }
    }
  }
}

extension Tape {
  /// Images as patches, ready for a linear map with a convolution's weight `[D, C, p, p]`.
  ///
  /// Shapes: `[B, C·H·W]`, channel first → `[B · patches, C·p·p]`, patches row by row.
  public func unfold(_ images: Tensor, _ geometry: PatchGeometry) -> Tensor {
    precondition(
      images.width == geometry.imageCount,
      "images of \(images.width) numbers are not \(geometry.channels)·\(geometry.height)·\(geometry.width)"
    )
    let output = allocate(rows: images.rows * geometry.patches, width: geometry.patchCount)
    let (x, y) = (pointer(images), pointer(output))
    geometry.forEachRun(images: images.rows) { image, patch in
      dk_copy(x + image, y + patch, geometry.patch, 0)
    }
    record(
      .unfold(UnfoldOperation(images: images, geometry: geometry, output: output)),
      output: output, inputs: images)
    return output
  }
}
