import Storage

/// Values on a grid over a picture: attention or feature magnitude, one value a patch.
public struct ValueGrid: Sendable, Equatable {
  public let rows: Int
  public let columns: Int
  /// Shape `[rows, columns]`, row by row from the top.
  public let values: [Float]

  /// - Precondition: `values` has `rows · columns` entries, at least one.
  public init(rows: Int, columns: Int, values: [Float]) {
    precondition(
      rows > 0 && columns > 0 && values.count == rows * columns,
      "a \(rows)×\(columns) grid needs \(rows * columns) values, got \(values.count)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  public subscript(row row: Int, column column: Int) -> Float { values[row * columns + column] }

  /// The least and the greatest finite value; `0...0` if there is none.
  public var range: ClosedRange<Float> {
    let finite = values.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max() else { return 0...0 }
    return low...high
  }

  /// The least range that holds the ranges of all grids.
  public static func commonRange(of grids: [ValueGrid]) -> ClosedRange<Float> {
    let ranges = grids.map(\.range)
    guard let low = ranges.map(\.lowerBound).min(), let high = ranges.map(\.upperBound).max()
    else { return 0...0 }
    return low...high
  }
}

/// How a grid becomes pixels.
public struct HeatmapStyle: Sendable, Equatable {
  public enum Interpolation: Sendable, Equatable {
    /// Each cell a flat rectangle.
    case nearest
    /// Values run straight from cell centre to cell centre; outside the outermost centres they stay.
    case bilinear
  }

  public var colorMap: ColorMap
  public var interpolation: Interpolation
  /// Share of the colour over the photo: 1 hides the photo, which is made grey under the colours.
  public var opacity: Double

  public init(
    colorMap: ColorMap = .inferno, interpolation: Interpolation = .bilinear, opacity: Double = 0.55
  ) {
    self.colorMap = colorMap
    self.interpolation = interpolation
    self.opacity = opacity
  }

  /// Attention over a photo.
  public static let attention = HeatmapStyle()
  /// Feature magnitude on its own: flat cells of the "hot" map.
  public static let magnitude = HeatmapStyle(
    colorMap: .hot, interpolation: .nearest, opacity: 1)
}

extension ValueGrid {
  /// Values at the centres of `width · height` pixels, row by row, scaled so that `range` becomes 0…1.
  ///
  /// Edge cases: a range without extent gives 0; where a neighbour is not finite, a bilinear value is
  /// that of the nearest cell.
  package func sampled(
    width: Int, height: Int, range: ClosedRange<Float>, interpolation: HeatmapStyle.Interpolation
  ) -> [Float] {
    let extent = range.upperBound - range.lowerBound
    let scaled = values.map { value in
      guard value.isFinite else { return Float.nan }
      return extent > 0 ? (value - range.lowerBound) / extent : 0
    }
    let across = (0..<width).map { Neighbours(pixel: $0, of: width, cells: columns) }
    let down = (0..<height).map { Neighbours(pixel: $0, of: height, cells: rows) }
    var samples = [Float](repeating: 0, count: width * height)
    for y in 0..<height {
      let (upper, lower) = (down[y].low * columns, down[y].high * columns)
      for x in 0..<width {
        let nearest = scaled[down[y].nearest * columns + across[x].nearest]
        guard interpolation == .bilinear else {
          samples[y * width + x] = nearest
          continue
        }
        let share = across[x].share
        let above =
          scaled[upper + across[x].low] * (1 - share) + scaled[upper + across[x].high] * share
        let below =
          scaled[lower + across[x].low] * (1 - share) + scaled[lower + across[x].high] * share
        let value = above * (1 - down[y].share) + below * down[y].share
        samples[y * width + x] = value.isFinite ? value : nearest
      }
    }
    return samples
  }

  /// The grid's picture: colours alone, or blended over a photo made grey.
  ///
  /// - Precondition: the photo, if given, has the size asked for.
  package func picture(
    width: Int, height: Int, range: ClosedRange<Float>, style: HeatmapStyle,
    over photo: RGBImage? = nil
  ) -> RGBImage {
    precondition(
      photo.map { $0.width == width && $0.height == height } ?? true,
      "the photo under a heatmap must have its size")
    let samples = sampled(
      width: width, height: height, range: range, interpolation: style.interpolation)
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    for (index, sample) in samples.enumerated() {
      var color = style.colorMap[sample]
      if let photo, style.opacity < 1 {
        let start = index * 3
        let grey = Luminance.of(
          photo.pixels[start], photo.pixels[start + 1], photo.pixels[start + 2])
        color = RGBColor(grey, grey, grey).mixed(with: color, by: style.opacity)
      }
      pixels[index * 3] = color.red
      pixels[index * 3 + 1] = color.green
      pixels[index * 3 + 2] = color.blue
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }
}

/// The cells around the centre of one pixel, along one side of a grid.
private struct Neighbours {
  let nearest: Int
  let low: Int
  let high: Int
  /// How far the pixel lies from the low cell's centre to the high one's.
  let share: Float

  init(pixel: Int, of pixels: Int, cells: Int) {
    let place = (Double(pixel) + 0.5) * Double(cells) / Double(pixels)
    nearest = min(Int(place), cells - 1)
    let centred = min(max(place - 0.5, 0), Double(cells - 1))
    low = Int(centred)
    high = min(low + 1, cells - 1)
    share = Float(centred - Double(low))
  }
}

enum Luminance {
  /// Brightness of a colour in ITU-R 601 weights, as Pillow's mode "L".
  static func of(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
    let weighted: UInt32 = UInt32(red) * 19595 + UInt32(green) * 38470 + UInt32(blue) * 7471
    return UInt8((weighted + 0x8000) >> 16)
  }
}
