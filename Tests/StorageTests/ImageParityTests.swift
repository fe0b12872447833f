import Configuration
import Foundation
import TestSupport
import Testing

@testable import Storage

/// Decoded pixels against Pillow's `Image.open(file).convert("RGB")`, exact for PNG and JPEG alike:
/// libjpeg-turbo's islow DCT and upsampling on both sides.
@Suite struct ImageParityTests {
  /// A picture file and the tensors of its folder.
  struct Case: CustomTestStringConvertible {
    let folder: URL
    let file: String
    var testDescription: String { "\(folder.lastPathComponent)/\(file)" }
  }

  static let cases: [Case] = ["image", "image-more"].flatMap { name -> [Case] in
    let folder = Fixtures.folder(name)
    guard let io = try? SafetensorsFile(folder.appending(path: "io.safetensors")) else { return [] }
    return io.names.filter { $0.hasSuffix(".rgb_u8") }.sorted().map {
      Case(folder: folder, file: String($0.dropLast(".rgb_u8".count)))
    }
  }

  @Test func fixturesArePresent() {
    #expect(!Self.cases.isEmpty, "no `*.rgb_u8` in \(Fixtures.root.path)")
  }

  @Test(arguments: cases) func decodesExactlyAsPillowDoes(_ image: Case) throws {
    let io = try SafetensorsFile(image.folder.appending(path: "io.safetensors"))
    let name = image.file + ".rgb_u8"
    let expected = try io.bytes(name)
    let shape = try #require(io.info(name)).shape
    let decoded = try RGBImage(contentsOf: image.folder.appending(path: image.file))
    #expect([decoded.height, decoded.width, 3] == shape)
    let different = zip(decoded.pixels, expected).count { $0 != $1 }
    #expect(different == 0, "\(different) of \(expected.count) values differ")
    #expect(decoded.pixels.count == expected.count)
  }

  /// Every PNG colour type, depth and interlacing, and JPEGs of a few pixels: the project's own fixture.
  @Test func smallFilesOfEveryFormatDecodeExactly() throws {
    let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/image-formats/cases.json")
    let cases = try #require(try JSONValue(parsing: [UInt8](Data(contentsOf: fixture))).array)
    for entry in cases {
      let name = try #require(entry["name"]?.string)
      let file = try #require(entry["file"]?.string.flatMap { Data(base64Encoded: $0) })
      let expected = try #require(entry["rgb"]?.string.flatMap { Data(base64Encoded: $0) })
      let image = try RGBImage(decoding: file, name: name)
      #expect(image.width == entry["width"]?.int && image.height == entry["height"]?.int, "\(name)")
      #expect(image.pixels == Array(expected), "\(name)")
    }
  }
}
