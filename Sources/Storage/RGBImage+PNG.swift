import CPNG
import Foundation

extension RGBImage {
  /// Decodes a PNG of any colour type, depth and interlacing.
  init(png bytes: UnsafeRawBufferPointer) throws(ImageError.Problem) {
    let file = bytes.bindMemory(to: UInt8.self)
    var message = [CChar](repeating: 0, count: 128)
    var header = cpng_header()
    guard cpng_read(file.baseAddress, file.count, &header, nil, &message) == 0 else {
      throw .damaged(Self.text(message))
    }
    try Self.checkSize(width: header.width, height: header.height)
    let width = Int(header.width)
    let height = Int(header.height)
    let count = height * cpng_row_bytes(&header)
    // Deflate packs at most 1032 bytes into one, and a packed row at least an eighth of ours: a file too
    // short for its own claim is refused before its memory is taken.
    guard count / 8 / 1040 <= file.count else { throw .damaged("its data is too short") }

    var failed = false
    let samples = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      failed = cpng_read(file.baseAddress, file.count, &header, buffer.baseAddress, &message) != 0
      // libpng filled every row unless it failed; then the array is dropped unread.
      initialized = failed ? 0 : count
    }
    if failed { throw .damaged(Self.text(message)) }
    self.init(
      width: width, height: height,
      pixels: Self.rgb(samples: samples, pixels: width * height, header: &header))
  }

  /// Pillow's `convert("RGB")` of unpacked PNG samples.
  private static func rgb(
    samples: [UInt8], pixels count: Int, header: inout cpng_header
  ) -> [UInt8] {
    let channels = Int(cpng_channels(&header))
    let depth = Int(header.bit_depth)
    if channels == 3 && depth == 8 { return samples }
    let palette = withUnsafeBytes(of: header.palette) { Array($0) }
    let isPalette = cpng_is_palette(&header) != 0
    let isGray = cpng_is_gray(&header) != 0
    return [UInt8](unsafeUninitializedCapacity: count * 3) { rgb, initialized in
      samples.withUnsafeBufferPointer { samples in
        if isPalette {
          // Indices past the palette's end meet zeros: black, as in Pillow.
          for i in 0..<count {
            let entry = Int(samples[i]) * 3
            rgb[3 * i] = palette[entry]
            rgb[3 * i + 1] = palette[entry + 1]
            rgb[3 * i + 2] = palette[entry + 2]
          }
        } else if channels < 3 {
          let scale = depth < 8 ? UInt8(255 / ((1 << depth) - 1)) : 1
          let step = channels * (depth == 16 ? 2 : 1)
          // 16-bit grey alone is Pillow's mode I;16, which clips; with alpha it becomes LA, which keeps
          // the high byte.
          let clips = depth == 16 && isGray
          for i in 0..<count {
            let first = samples[step * i]
            let value = clips ? (first == 0 ? samples[step * i + 1] : 255) : first &* scale
            rgb[3 * i] = value
            rgb[3 * i + 1] = value
            rgb[3 * i + 2] = value
          }
        } else {
          let sample = depth == 16 ? 2 : 1
          for i in 0..<count {
            let start = i * channels * sample
            rgb[3 * i] = samples[start]
            rgb[3 * i + 1] = samples[start + sample]
            rgb[3 * i + 2] = samples[start + 2 * sample]
          }
        }
      }
      initialized = count * 3
    }
  }

  /// The picture as an 8-bit RGB PNG file.
  ///
  /// - Precondition: neither side is zero (PNG has no empty picture).
  public func pngData() -> Data {
    precondition(width > 0 && height > 0, "a PNG needs at least one pixel, got \(width)×\(height)")
    var sink = cpng_sink()
    var message = [CChar](repeating: 0, count: 128)
    let status = pixels.withUnsafeBufferPointer {
      cpng_write_rgb($0.baseAddress, UInt32(width), UInt32(height), &sink, &message)
    }
    // Writing to memory fails only when there is none left, which Swift's own arrays don't survive either.
    guard status == 0, let bytes = sink.bytes else {
      preconditionFailure("encoding a PNG: \(Self.text(message))")
    }
    return Data(bytesNoCopy: bytes, count: sink.size, deallocator: .free)
  }

  /// Writes the picture as PNG; the file appears whole or not at all.
  public func writePNG(to url: URL) throws(FileError) {
    try AtomicFile.write(pngData(), to: url)
  }

  /// A message that a C shim left, up to its terminating zero.
  static func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
