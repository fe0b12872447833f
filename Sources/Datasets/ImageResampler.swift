import Storage

/// How pixels are weighted when an image is resized.
public enum ResampleFilter: String, Sendable, Equatable {
  case bilinear
  case bicubic

  /// Half the filter's width, in source pixels at scale 1.
  var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  func weight(_ x: Double) -> Double {
    let x = abs(x)
    switch self {
    case .bilinear: return x < 1 ? 1 - x : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    }
  }
}

/// Resizing equal to Pillow's in every byte.
///
/// The filter widens with the ratio when shrinking (no aliasing). Each pass works in fixed point with
/// 22 bits behind the point and rounds to a byte. The horizontal pass comes first, unless the height
/// shrinks by more than twice as many pixels as the width (from Pillow 13 on; before, the two orders
/// differ by a level here and there).
///
/// Source: `ImagingResample` in Pillow 13.0, `src/libImaging/Resample.c`.
enum ImageResampler {
  private static let precision = 22

  /// The weights of one axis: output pixel i is Σ weights[i·taps + k] · input[firsts[i] + k].
  private struct Axis {
    let taps: Int
    let firsts: [Int]
    let counts: [Int]
    let weights: [Int32]

    init(from input: Int, to output: Int, _ filter: ResampleFilter) {
      let scale = Double(input) / Double(output)
      let filterScale = max(scale, 1)
      let support = filter.support * filterScale
      taps = Int(support.rounded(.up)) * 2 + 1
      var firsts: [Int] = []
      var counts: [Int] = []
      var weights: [Int32] = []
      for index in 0..<output {
        let center = (Double(index) + 0.5) * scale
        let first = max(Int(center - support + 0.5), 0)
        let count = min(Int(center + support + 0.5), input) - first
        var row = (0..<count).map {
          filter.weight((Double($0 + first) - center + 0.5) * (1 / filterScale))
        }
        let total = row.reduce(0, +)
        if total != 0 { row = row.map { $0 / total } }
        firsts.append(first)
        counts.append(count)
        for tap in 0..<taps {
          let scaled = tap < count ? row[tap] * Double(1 << ImageResampler.precision) : 0
          weights.append(Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5))
        }
      }
      self.firsts = firsts
      self.counts = counts
      self.weights = weights
    }
  }

  static func resize(
    _ image: RGBImage, width: Int, height: Int, _ filter: ResampleFilter
  ) -> RGBImage {
    precondition(
      image.width > 0 && image.height > 0 && width > 0 && height > 0,
      "resizing needs pixels, got \(image.width)×\(image.height) to \(width)×\(height)")
    let lostRows = image.height - height
    let isVerticalFirst = lostRows > 0 && lostRows > 2 * (image.width - width)
    var result = image
    if isVerticalFirst { result = vertical(result, Axis(from: image.height, to: height, filter)) }
    if width != image.width {
      result = horizontal(result, Axis(from: image.width, to: width, filter))
    }
    if height != result.height {
      result = vertical(result, Axis(from: image.height, to: height, filter))
    }
    return result
  }

  private static func horizontal(_ image: RGBImage, _ axis: Axis) -> RGBImage {
    let width = axis.firsts.count
    let size = width * image.height * 3
    let pixels = [UInt8](unsafeUninitializedCapacity: size) { output, count in
      image.pixels.withUnsafeBufferPointer { input in
        axis.weights.withUnsafeBufferPointer { weights in
          for y in 0..<image.height {
            let row = y * image.width * 3
            var target = y * width * 3
            for x in 0..<width {
              var source = row + axis.firsts[x] * 3
              var red = Int32(1) << (precision - 1)
              var green = red
              var blue = red
              let first = x * axis.taps
              for tap in first..<(first + axis.counts[x]) {
                let weight = weights[tap]
                red &+= Int32(input[source]) &* weight
                green &+= Int32(input[source + 1]) &* weight
                blue &+= Int32(input[source + 2]) &* weight
                source += 3
              }
              output[target] = byte(red)
              output[target + 1] = byte(green)
              output[target + 2] = byte(blue)
              target += 3
            }
          }
        }
      }
      count = size
    }
    return RGBImage(width: width, height: image.height, pixels: pixels)
  }

  private static func vertical(_ image: RGBImage, _ axis: Axis) -> RGBImage {
    let height = axis.firsts.count
    let stride = image.width * 3
    let size = stride * height
    // One row of sums; the inner loop runs along the row and vectorises.
    var sums = [Int32](repeating: 0, count: stride)
    let pixels = [UInt8](unsafeUninitializedCapacity: size) { output, count in
      image.pixels.withUnsafeBufferPointer { input in
        sums.withUnsafeMutableBufferPointer { sums in
          for y in 0..<height {
            sums.update(repeating: 1 << (precision - 1))
            for tap in 0..<axis.counts[y] {
              let weight = axis.weights[y * axis.taps + tap]
              let row = (axis.firsts[y] + tap) * stride
              for x in 0..<stride { sums[x] &+= Int32(input[row + x]) &* weight }
            }
            for x in 0..<stride { output[y * stride + x] = byte(sums[x]) }
          }
        }
      }
      count = size
    }
    return RGBImage(width: image.width, height: height, pixels: pixels)
  }

  @inline(__always)
  private static func byte(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: max(0, min(255, sum >> Int32(precision))))
  }
}
