import Foundation

/// The features of some images in memory, in the order they were asked for.
///
/// Holds images · tokens · width float32 values: 315 MB for 800 images of 256 × 384.
public struct FeatureTable: Sendable {
  public let tokens: Int
  public let width: Int
  public let count: Int
  /// XXH3-128 of each image, where the images were read.
  public let imageDigests: [String]
  private let values: [Float]

  /// - Precondition: `values` is `[count, tokens, width]`.
  init(tokens: Int, width: Int, count: Int, imageDigests: [String] = [], values: [Float]) {
    precondition(values.count == count * tokens * width, "\(values.count) values")
    self.tokens = tokens
    self.width = width
    self.count = count
    self.imageDigests = imageDigests
    self.values = values
  }

  /// Writes one image's `[tokens, width]`.
  public func copy(_ image: Int, to target: UnsafeMutableBufferPointer<Float>) {
    let size = tokens * width
    _ = target.update(fromContentsOf: values[image * size..<(image + 1) * size])
  }
}

/// A feature store, or a file of features, that does not hold what it should.
public struct FeatureStoreError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public let description: String
  public var errorDescription: String? { description }
}
