import Foundation
import Storage

extension Medium {
  /// The pixels; a file is decoded on every call.
  ///
  /// - Throws: `ImageError`, whose message names the file.
  public func image() throws -> RGBImage {
    switch source {
    case .file(let url): try RGBImage(contentsOf: url)
    case .drawn(let image): image
    }
  }

  /// XXH3-128 of the file's bytes or of the drawn pixels.
  ///
  /// - Throws: `FileError` for a file that can't be read.
  public func digest() throws -> String {
    switch source {
    case .file(let url): try Digest.ofFile(url)
    case .drawn(let image): Digest.of(image.pixels)
    }
  }
}
