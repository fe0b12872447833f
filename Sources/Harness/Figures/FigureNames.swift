import Configuration
import Foundation
import Storage

/// File names of figures: safe on every file system, the same on every run over the same data.
///
/// An image's name in the data set loses its ending (`.jpg`), and characters other than ASCII letters,
/// digits, `.`, `_` and `-` become `_`. Where that would lose what tells two images apart, eight
/// digits of the name's digest follow.
public struct FigureNames: Sendable {
  private let stems: [Identifier: String]

  /// - Parameter images: all images of the data set, so that one's file name does not depend on which
  ///   others are drawn.
  public init(images: [String]) {
    let plain = Dictionary(
      images.map { (Identifier($0), Self.stem($0)) }, uniquingKeysWith: { $1 })
    // File systems of macOS and Windows take two cases for one name.
    let uses = Dictionary(plain.values.map { ($0.text.lowercased(), 1) }, uniquingKeysWith: +)
    stems = Dictionary(
      uniqueKeysWithValues: plain.map { image, stem in
        let isUnique = stem.isExact && uses[stem.text.lowercased()] == 1
        return (image, isUnique ? stem.text : stem.text + "-" + Digest.of(image.text).prefix(8))
      })
  }

  /// `attention-IMAGE.png`, or with what differs from the experiment's setting: `attention-IMAGE-layer-2.png`.
  public func attention(of image: String, suffix: String = "") -> String {
    "attention-\(stem(of: image))\(suffix).png"
  }

  /// `queries-ARM-IMAGE.png`.
  public func queries(arm: String, image: String, suffix: String = "") -> String {
    "queries-\(Self.safe(arm))-\(stem(of: image))\(suffix).png"
  }

  /// `magnitude-IMAGE.png`.
  public func magnitude(of image: String) -> String { "magnitude-\(stem(of: image)).png" }

  private func stem(of image: String) -> String {
    stems[Identifier(image)] ?? Self.stem(image).text
  }

  private static let longest = 100

  /// A name without its ending, and whether nothing else was changed.
  private static func stem(_ image: String) -> (text: String, isExact: Bool) {
    var name = image
    for ending in [".jpg", ".jpeg", ".png"] where image.lowercased().hasSuffix(ending) {
      name = String(image.dropLast(ending.count))
    }
    let cut = String(safe(name).prefix(longest))
    return (cut, cut == name && !name.isEmpty)
  }

  private static func safe(_ text: String) -> String {
    String(
      text.map { character in
        let isPlain = character.isASCII && (character.isLetter || character.isNumber)
        return isPlain || "._-".contains(character) ? character : "_"
      })
  }
}
