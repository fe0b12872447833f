import Storage
import Tensors

/// What an encoder takes in: numbers `[channels, height, width]`.
public struct InputShape: Sendable, Hashable {
  public let channels: Int
  public let height: Int
  public let width: Int

  public init(channels: Int = 3, height: Int, width: Int) {
    self.channels = channels
    self.height = height
    self.width = width
  }

  public static func square(_ side: Int, channels: Int = 3) -> Self {
    Self(channels: channels, height: side, width: side)
  }

  /// Numbers of one medium.
  public var count: Int { channels * height * width }
}

/// One medium as an encoder takes it in: `[channels, height, width]`, normalised.
public struct PixelValues: Sendable, Equatable {
  public let values: [Float]
  public let height: Int
  public let width: Int

  public init(_ values: [Float], height: Int, width: Int) {
    self.values = values
    self.height = height
    self.width = width
  }
}

/// Turns a medium into an encoder's input: pictures by ``ImageProcessor``, sounds by ``LogMel``.
public protocol Preprocessor: Sendable {
  /// What it takes.
  var kind: MediumKind { get }

  /// Of everything that it makes; of the largest where sizes differ.
  var shape: InputShape { get }

  /// Everything the values depend on: a part of the key of cached features.
  var description: String { get }

  /// The encoder's input; a file is decoded on every call.
  ///
  /// - Throws: `ImageError` or `AudioError`, whose message names the file.
  func pixels(of medium: Medium) throws -> PixelValues

  /// What the encoder sees as a picture of the input's height and width, on which a grid of patches lies
  /// exactly.
  ///
  /// - Throws: as ``pixels(of:)``.
  func picture(of medium: Medium) throws -> RGBImage
}

extension ImageProcessor: Preprocessor {
  public var kind: MediumKind { .image }
  public var shape: InputShape { InputShape(height: outputHeight, width: outputWidth) }

  public func pixels(of medium: Medium) throws -> PixelValues {
    let image = try picture(of: medium)
    return PixelValues(pixelValues(of: image), height: image.height, width: image.width)
  }

  /// The same of a picture that is changed at random before it is rescaled and normalised.
  ///
  /// - Parameter key: of this update and sample.
  public func pixels(
    of medium: Medium, changedBy augmentation: Augmentation, key: RandomKey
  ) throws -> PixelValues {
    let image = augmentation.applied(to: try picture(of: medium), key: key)
    return PixelValues(pixelValues(of: image), height: image.height, width: image.width)
  }

  public func picture(of medium: Medium) throws -> RGBImage { resized(try medium.image()) }
}
