import Datasets
import Layers
import Tensors

/// Gives the patches of numbered media: every arm reads the same ones.
///
/// Stored ones are read as they are needed, so that memory does not grow with the data set; those of an
/// encoder that trains are computed on the tape, and gradients flow into it.
public protocol PatchSource: Sendable {
  /// Patch width D.
  var width: Int { get }
  /// Weights of an encoder that is computed live; empty for stored features.
  var parameters: [Parameter] { get }
  func grid(of medium: Int) -> PatchGrid
  /// Patches `[ΣP, D]` of the media, in the order given; one may be named twice.
  ///
  /// - Throws: errors of files and images.
  func patches(of media: [Int], in context: Context) throws -> Patches

  /// The same media, changed at random in each update; nil where patches are not computed from images anew.
  ///
  /// What is drawn depends on the context's key and the medium; contexts of answers change nothing.
  func augmented(_ augmentation: Augmentation) -> (any PatchSource)?
}

extension PatchSource {
  public var parameters: [Parameter] { [] }
  public func augmented(_ augmentation: Augmentation) -> (any PatchSource)? { nil }
}
