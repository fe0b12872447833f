import Foundation
import TestSupport
import Testing

@testable import Storage

/// Files that are no good picture: one clear error each, never invented pixels.
@Suite struct ImageErrorTests {
  private static let folder = Fixtures.folder("image-more")

  private static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appending(path: name)))
  }

  @Test func absentEmptyAndForeignFilesAreNamed() throws {
    let folder = try TemporaryFolder()
    let absent = folder.file("absent.jpg")
    #expect(
      message { try RGBImage(contentsOf: absent) }
        == "Cannot read the image \(absent.path): No such file or directory.")
    let empty = try folder.write([UInt8](), "empty.png")
    #expect(
      message { try RGBImage(contentsOf: empty) } == "The image \(empty.path) is empty (0 bytes).")
    #expect(
      message { try RGBImage(decoding: Array("GIF89a".utf8), name: "x.gif") }
        == "The image x.gif is neither PNG nor JPEG: it starts with 47 49 46 38. "
        + "Convert it to PNG or JPEG.")
    #expect(message { try RGBImage(contentsOf: folder.url) }.contains("Cannot read the image"))
  }

  @Test(arguments: ["s422.jpg", "s422_progressive.jpg", "s411_restart.jpg", "cmyk.jpg"])
  func everyTruncationOfAJPEGIsAnError(_ name: String) throws {
    let whole = try Self.bytes(name)
    let full = try RGBImage(decoding: whole, name: name)
    #expect(full.width > 0)
    for count in stride(from: 4, to: whole.count, by: 7) {
      #expect(throws: ImageError.self, "\(name) cut to \(count) of \(whole.count) bytes") {
        try RGBImage(decoding: Array(whole.prefix(count)), name: name)
      }
    }
    #expect(
      message { try RGBImage(decoding: Array(whole.prefix(whole.count / 2)), name: "cut.jpg") }
        == "The image cut.jpg is damaged or incomplete: Premature end of JPEG file. "
        + "Fetch it again or leave it out.")
  }

  @Test(arguments: ["odd.png", "sliver.png", "square_small.png"])
  func everyTruncationOfAPNGIsAnError(_ name: String) throws {
    let whole = try Self.bytes(name)
    for count in stride(from: 8, to: whole.count, by: max(1, whole.count / 200)) {
      #expect(throws: ImageError.self, "\(name) cut to \(count) of \(whole.count) bytes") {
        try RGBImage(decoding: Array(whole.prefix(count)), name: name)
      }
    }
    #expect(
      message { try RGBImage(decoding: Array(whole.prefix(whole.count / 2)), name: "cut.png") }
        == "The image cut.png is damaged or incomplete: the file ends too early (truncated). "
        + "Fetch it again or leave it out.")
  }

  @Test func aPNGWithAFlippedBitIsAnError() throws {
    var bytes = try Self.bytes("odd.png")
    bytes[bytes.count / 2] ^= 0x10
    #expect(throws: ImageError.self) { try RGBImage(decoding: bytes, name: "flipped.png") }
  }

  @Test func overwrittenJPEGScansAreErrors() throws {
    let whole = try Self.bytes("s422.jpg")
    var bytes = whole
    let middle = whole.count / 2
    for i in middle..<middle + 200 { bytes[i] = UInt8(truncatingIfNeeded: i &* 197 | 1) }
    #expect(throws: ImageError.self) { try RGBImage(decoding: bytes, name: "overwritten.jpg") }
  }

  @Test func damagedInputNeverCrashes() throws {
    var random = SeededGenerator(seed: 7)
    for name in ["s422.jpg", "s422_progressive.jpg", "ycck.jpg", "sliver.png", "square_small.png"] {
      let whole = try Self.bytes(name)
      for _ in 0..<300 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...8, using: &random) {
          bytes[Int.random(in: 8..<bytes.count, using: &random)] = .random(
            in: .min ... .max, using: &random)
        }
        if let image = try? RGBImage(decoding: bytes, name: name) {
          #expect(image.pixels.count == image.width * image.height * 3)
        }
      }
    }
  }

  @Test func hugeClaimsAreRefusedBeforeMemoryIsTaken() throws {
    // Width and height of an otherwise small PNG header, with the header's checksum made right.
    let png = try RGBImage(decoding: Self.bytes("sliver.png"), name: "").pngData()
    var bytes = Array(png)
    bytes.replaceSubrange(16..<24, with: [0, 0, 0xC3, 0x50, 0, 0, 0xC3, 0x50])  // 50,000 × 50,000
    bytes.replaceSubrange(29..<33, with: Self.checksum(Array(bytes[12..<29])))
    #expect(
      message { try RGBImage(decoding: bytes, name: "huge.png") }
        == "The image huge.png claims 50000×50000 pixels; at most 178956970 pixels are read. "
        + "Shrink it, or check that the file is not damaged.")
    // Within the cap, but far more than the file's few bytes can hold.
    bytes.replaceSubrange(16..<24, with: [0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10])
    bytes.replaceSubrange(29..<33, with: Self.checksum(Array(bytes[12..<29])))
    #expect(
      message { try RGBImage(decoding: bytes, name: "bomb.png") }
        == "The image bomb.png is damaged or incomplete: its data is too short. "
        + "Fetch it again or leave it out.")
  }

  /// PNG's CRC-32, bit by bit.
  private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return withUnsafeBytes(of: (~crc).bigEndian) { Array($0) }
  }
}

@Suite struct ImageWritingTests {
  @Test func aWrittenPNGReadsBackExactly() throws {
    let folder = try TemporaryFolder()
    var random = SeededGenerator(seed: 3)
    for (width, height) in [(1, 1), (5, 3), (64, 200)] {
      let pixels = (0..<width * height * 3).map { _ in
        UInt8.random(in: .min ... .max, using: &random)
      }
      let image = RGBImage(width: width, height: height, pixels: pixels)
      let url = folder.file("\(width)x\(height).png")
      try image.writePNG(to: url)
      #expect(try RGBImage(contentsOf: url) == image)
    }
    #expect(folder.names == ["1x1.png", "5x3.png", "64x200.png"])
  }

  @Test func pixelsAreReachedByColumnAndRow() {
    var image = RGBImage(width: 3, height: 2, red: 9, green: 8, blue: 7)
    image[x: 2, y: 1] = (1, 2, 3)
    #expect(image.pixels == [9, 8, 7, 9, 8, 7, 9, 8, 7, 9, 8, 7, 9, 8, 7, 1, 2, 3])
    #expect(image[x: 2, y: 1] == (1, 2, 3))
  }
}
