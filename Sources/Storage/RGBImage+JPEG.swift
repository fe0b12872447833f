import CJPEG

extension RGBImage {
  /// Decodes a JPEG: grey, YCbCr, RGB, CMYK or YCCK; baseline or progressive.
  ///
  /// Accurate integer DCT ("islow") and smooth ("fancy") chroma upsampling, as Pillow asks for.
  /// libjpeg's warnings about missing or undecodable data are errors.
  init(jpeg bytes: UnsafeRawBufferPointer) throws(ImageError.Problem) {
    let file = bytes.bindMemory(to: UInt8.self)
    var message = [CChar](repeating: 0, count: Int(cjpeg_message_size))
    var header = cjpeg_header()
    guard cjpeg_read(file.baseAddress, file.count, &header, nil, 0, &message) == 0 else {
      throw .damaged(Self.text(message))
    }
    try Self.checkSize(width: header.width, height: header.height)
    let width = Int(header.width)
    let height = Int(header.height)
    let channels = Int(header.channels)
    let count = width * height * channels

    var failed = false
    let samples = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      failed =
        cjpeg_read(file.baseAddress, file.count, &header, buffer.baseAddress, count, &message) != 0
      // libjpeg filled every row unless it failed; then the array is dropped unread.
      initialized = failed ? 0 : count
    }
    if failed { throw .damaged(Self.text(message)) }
    let pixels =
      switch channels {
      case 1: Self.rgb(gray: samples)
      case 4: Self.rgb(invertedCMYK: samples)
      default: samples
      }
    self.init(width: width, height: height, pixels: pixels)
  }

  private static func rgb(gray: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: gray.count * 3) { rgb, initialized in
      for (i, value) in gray.enumerated() {
        rgb[3 * i] = value
        rgb[3 * i + 1] = value
        rgb[3 * i + 2] = value
      }
      initialized = gray.count * 3
    }
  }

  /// Pillow's CMYK → RGB without a colour profile, from samples that are stored inverted (255 = no ink),
  /// as Adobe writes them and Pillow always assumes.
  private static func rgb(invertedCMYK samples: [UInt8]) -> [UInt8] {
    let count = samples.count / 4
    return [UInt8](unsafeUninitializedCapacity: count * 3) { rgb, initialized in
      for i in 0..<count {
        // Stored K is 255 − K, the light that black leaves.
        let light = Int(samples[4 * i + 3])
        for channel in 0..<3 {
          let ink = 255 - Int(samples[4 * i + channel])
          let product = ink * light + 128
          let absorbed = ((product >> 8) + product) >> 8
          rgb[3 * i + channel] = UInt8(max(0, light - absorbed))
        }
      }
      initialized = count * 3
    }
  }
}
