import Storage

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

/// Turns a medium into an encoder's input: pictures by ``ImageProcessor``, sounds by ``LogMel``.
public protocol Preprocessor: Sendable {
  /// What it takes.
  var kind: MediumKind { get }

  /// Of everything that it makes.
  var shape: InputShape { get }

  /// Everything the values depend on: a part of the key of cached features.
  var description: String { get }

  /// The encoder's input, shape `[channels, height, width]`; a file is decoded on every call.
  ///
  /// - Throws: `ImageError` or `AudioError`, whose message names the file.
  func values(of medium: Medium) throws -> [Float]

  /// What the encoder sees as a picture of ``shape``'s height and width, on which a grid of patches lies
  /// exactly.
  ///
  /// - Throws: as ``values(of:)``.
  func picture(of medium: Medium) throws -> RGBImage
}

extension ImageProcessor: Preprocessor {
  public var kind: MediumKind { .image }
  public var shape: InputShape { InputShape(height: outputHeight, width: outputWidth) }

  public func values(of medium: Medium) throws -> [Float] { self(try medium.image()) }
  public func picture(of medium: Medium) throws -> RGBImage { resized(try medium.image()) }
}
