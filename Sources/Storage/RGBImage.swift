import Foundation

/// An 8-bit RGB picture, as Pillow's `Image.open(file).convert("RGB")` gives it.
///
/// Alpha is dropped without compositing, 16-bit grey is clipped to 255, 16-bit colour keeps its high
/// byte, an EXIF orientation is not applied, and colour profiles are ignored.
public struct RGBImage: Sendable, Equatable {
  public let width: Int
  public let height: Int
  /// Shape `[height, width, 3]`: red, green, blue of each pixel, row by row from the top.
  public var pixels: [UInt8]

  /// The most pixels a file may claim: the count at which Pillow refuses one as a decompression bomb.
  public static let maximumPixels = 178_956_970

  /// - Precondition: `pixels` holds `width · height · 3` bytes, and neither side is negative.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      width >= 0 && height >= 0 && pixels.count == width * height * 3,
      "an RGBImage of \(width)×\(height) needs \(width * height * 3) bytes, got \(pixels.count)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// A picture of one colour.
  public init(width: Int, height: Int, red: UInt8 = 0, green: UInt8 = 0, blue: UInt8 = 0) {
    var pixels = [UInt8](repeating: red, count: width * height * 3)
    if green != red || blue != red {
      for start in stride(from: 0, to: pixels.count, by: 3) {
        pixels[start + 1] = green
        pixels[start + 2] = blue
      }
    }
    self.init(width: width, height: height, pixels: pixels)
  }

  /// Reads a PNG or JPEG file; which of the two is told by its first bytes, not by its name.
  ///
  /// - Throws: ``ImageError``, whose message names the file, if it can't be read, is neither format, is
  ///   damaged or truncated, or claims more than ``maximumPixels``.
  public init(contentsOf url: URL) throws(ImageError) {
    let data: Data
    do {
      data = try Data(contentsOf: url, options: .mappedIfSafe)
    } catch {
      throw ImageError(name: url.path, problem: .unreadable(FileError.cause(of: error)))
    }
    try self.init(decoding: data, name: url.path)
  }

  /// Decodes a PNG or JPEG in memory, which error messages call `name`.
  public init(decoding data: Data, name: String) throws(ImageError) {
    do throws(ImageError.Problem) {
      self = try data.withBytes { bytes throws(ImageError.Problem) in
        try RGBImage(decoding: bytes)
      }
    } catch {
      throw ImageError(name: name, problem: error)
    }
  }

  /// Decodes a PNG or JPEG in memory, which error messages call `name`.
  public init(decoding bytes: [UInt8], name: String) throws(ImageError) {
    do throws(ImageError.Problem) {
      self = try bytes.withBytes { bytes throws(ImageError.Problem) in
        try RGBImage(decoding: bytes)
      }
    } catch {
      throw ImageError(name: name, problem: error)
    }
  }

  private init(decoding bytes: UnsafeRawBufferPointer) throws(ImageError.Problem) {
    if bytes.isEmpty { throw .empty }
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = try RGBImage(png: bytes)
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = try RGBImage(jpeg: bytes)
    } else {
      throw .unknownFormat(firstBytes: Array(bytes.prefix(4)))
    }
  }

  /// Red, green and blue of one pixel.
  public subscript(x x: Int, y y: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
    get {
      let start = (y * width + x) * 3
      return (pixels[start], pixels[start + 1], pixels[start + 2])
    }
    set {
      let start = (y * width + x) * 3
      pixels[start] = newValue.red
      pixels[start + 1] = newValue.green
      pixels[start + 2] = newValue.blue
    }
  }

  /// Checks a claimed size before memory is taken for it.
  static func checkSize(width: UInt32, height: UInt32) throws(ImageError.Problem) {
    guard width > 0 && height > 0 else { throw .damaged("it has no pixels") }
    guard UInt64(width) * UInt64(height) <= UInt64(maximumPixels) else {
      throw .tooLarge(width: Int(width), height: Int(height))
    }
  }
}

/// Why a picture could not be read.
public struct ImageError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public enum Problem: Error, Equatable, Sendable {
    case unreadable(String)
    case empty
    case unknownFormat(firstBytes: [UInt8])
    case tooLarge(width: Int, height: Int)
    /// libpng's or libjpeg's own words.
    case damaged(String)
    /// The medium is a sound.
    case sound
  }

  /// The file's path, or what the caller named the bytes.
  public let name: String
  public let problem: Problem

  public init(name: String, problem: Problem) {
    self.name = name
    self.problem = problem
  }

  public var description: String {
    switch problem {
    case .unreadable(let cause):
      "Cannot read the image \(name): \(cause)."
    case .empty:
      "The image \(name) is empty (0 bytes)."
    case .unknownFormat(let bytes):
      "The image \(name) is neither PNG nor JPEG: it starts with "
        + bytes.map(Self.hex).joined(separator: " ") + ". Convert it to PNG or JPEG."
    case .tooLarge(let width, let height):
      "The image \(name) claims \(width)×\(height) pixels; at most \(RGBImage.maximumPixels) pixels "
        + "are read. Shrink it, or check that the file is not damaged."
    case .damaged(let words):
      "The image \(name) is damaged or incomplete: \(words). Fetch it again or leave it out."
    case .sound:
      "\(name) is a sound, where an image is needed. Give a data set of images."
    }
  }

  public var errorDescription: String? { description }

  static func hex(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }
}
