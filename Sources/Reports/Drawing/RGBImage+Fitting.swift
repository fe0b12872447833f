import Storage

extension RGBImage {
  /// Pictures side by side, white between them: the media of one question. Each gets the height of the tallest.
  public static func row(_ images: [RGBImage], gap: Int = 4) -> RGBImage {
    guard images.count != 1 else { return images[0] }
    let height = images.map(\.height).max() ?? 0
    let fitted = images.map { image in
      image.fitted(
        width: image.height > 0 ? max(image.width * height / image.height, 1) : 1, height: height)
    }
    let width = fitted.map(\.width).reduce(0, +) + gap * max(images.count - 1, 0)
    var pixels = [UInt8](repeating: 255, count: width * height * 3)
    var left = 0
    for image in fitted {
      for y in 0..<height {
        let source = y * image.width * 3
        let target = (y * width + left) * 3
        pixels.replaceSubrange(
          target..<target + image.width * 3, with: image.pixels[source..<source + image.width * 3])
      }
      left += image.width + gap
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  /// This picture at another size: each new pixel is the mean of those under a triangle of its own
  /// extent, so that shrinking leaves no moiré. For figures only; models get theirs from `Datasets`.
  package func fitted(width newWidth: Int, height newHeight: Int) -> RGBImage {
    guard newWidth != width || newHeight != height else { return self }
    guard width > 0, height > 0 else { return RGBImage(width: newWidth, height: newHeight) }
    let across = (0..<newWidth).map { Taps(pixel: $0, of: newWidth, source: width) }
    let down = (0..<newHeight).map { Taps(pixel: $0, of: newHeight, source: height) }
    var narrowed = [Float](repeating: 0, count: newWidth * height * 3)
    for y in 0..<height {
      for (x, taps) in across.enumerated() {
        for channel in 0..<3 {
          var sum: Float = 0
          for (offset, weight) in taps.weights.enumerated() {
            sum += weight * Float(pixels[(y * width + taps.first + offset) * 3 + channel])
          }
          narrowed[(y * newWidth + x) * 3 + channel] = sum
        }
      }
    }
    var result = [UInt8](repeating: 0, count: newWidth * newHeight * 3)
    for (y, taps) in down.enumerated() {
      for column in 0..<newWidth * 3 {
        var sum: Float = 0
        for (offset, weight) in taps.weights.enumerated() {
          sum += weight * narrowed[(taps.first + offset) * newWidth * 3 + column]
        }
        result[y * newWidth * 3 + column] = UInt8(min(max(sum.rounded(), 0), 255))
      }
    }
    return RGBImage(width: newWidth, height: newHeight, pixels: result)
  }

  /// The middle of the picture, `fraction` of its shorter side wide and high: what an encoder sees that
  /// resizes the shorter side to 256 and keeps the middle 224 (`fraction` 0.875).
  ///
  /// - Precondition: `fraction` is over 0 and at most 1.
  public func centerSquare(fraction: Double = 1) -> RGBImage {
    precondition(fraction > 0 && fraction <= 1, "a centre crop keeps a part of the picture")
    let side = max(Int((Double(min(width, height)) * fraction).rounded()), min(width, height, 1))
    let left = (width - side) / 2
    let top = (height - side) / 2
    var cropped: [UInt8] = []
    cropped.reserveCapacity(side * side * 3)
    for y in top..<top + side {
      cropped += pixels[(y * width + left) * 3..<(y * width + left + side) * 3]
    }
    return RGBImage(width: side, height: side, pixels: cropped)
  }
}

/// The source pixels that one new pixel is made from, along one side, and their weights (sum 1).
private struct Taps {
  let first: Int
  let weights: [Float]

  init(pixel: Int, of pixels: Int, source: Int) {
    let ratio = Double(source) / Double(pixels)
    let support = max(ratio, 1)
    let center = (Double(pixel) + 0.5) * ratio
    let first = max(Int(center - support + 0.5), 0)
    let last = min(Int(center + support + 0.5), source)
    let raw = (first..<max(last, first + 1)).map { index in
      max(1 - abs(Double(index) + 0.5 - center) / support, 0)
    }
    let sum = raw.reduce(0, +)
    self.first = min(first, source - 1)
    self.weights = sum > 0 ? raw.map { Float($0 / sum) } : [1]
  }
}
