import Foundation
import Reports
import Storage
import Testing

extension RGBImage {
  func color(_ x: Int, _ y: Int) -> RGBColor {
    let pixel = self[x: x, y: y]
    return RGBColor(pixel.red, pixel.green, pixel.blue)
  }

  /// The smallest box around all pixels of a colour.
  func bounds(of color: RGBColor, columns: Range<Int>? = nil) -> (x: Range<Int>, y: Range<Int>)? {
    var (left, right, top, bottom) = (Int.max, -1, Int.max, -1)
    for y in 0..<height {
      for x in columns ?? 0..<width where self.color(x, y) == color {
        (left, right) = (min(left, x), max(right, x))
        (top, bottom) = (min(top, y), max(bottom, y))
      }
    }
    return right < 0 ? nil : (left..<right + 1, top..<bottom + 1)
  }
}

@Suite struct HeatmapTests {
  let grid = ValueGrid(rows: 2, columns: 3, values: [0, 1, 2, 3, 4, 8])

  @Test func `flat cells have the map's colour of their value, at their place`() {
    let style = HeatmapStyle(colorMap: .viridis, interpolation: .nearest, opacity: 1)
    let image = grid.picture(width: 30, height: 20, range: grid.range, style: style)
    for row in 0..<2 {
      for column in 0..<3 {
        let expected = ColorMap.viridis[grid[row: row, column: column] / 8]
        #expect(image.color(column * 10 + 5, row * 10 + 5) == expected)
        #expect(image.color(column * 10, row * 10) == expected)
        #expect(image.color(column * 10 + 9, row * 10 + 9) == expected)
      }
    }
  }

  @Test func `bilinear values are exact at cell centres and half way between two`() {
    let samples = grid.sampled(width: 15, height: 10, range: 0...8, interpolation: .bilinear)
    #expect(samples[2 * 15 + 2] == 0)
    #expect(samples[2 * 15 + 7] == 0.125)
    #expect(samples[7 * 15 + 12] == 1)
    #expect(samples[7 * 15 + 7] == 0.5)
    // Outside the outermost centres values stay: the corner equals its cell.
    #expect(samples[0] == 0)
    #expect(samples[9 * 15 + 14] == 1)
    let even = ValueGrid(rows: 1, columns: 2, values: [0, 1])
      .sampled(width: 4, height: 1, range: 0...1, interpolation: .bilinear)
    #expect(even == [0, 0.25, 0.75, 1])
  }

  @Test func `values outside the range take the end colours, a flat grid the first`() {
    let style = HeatmapStyle(colorMap: .hot, interpolation: .nearest, opacity: 1)
    let clamped = grid.picture(width: 3, height: 2, range: 2...3, style: style)
    #expect(clamped.color(0, 0) == ColorMap.hot.entries[0])
    #expect(clamped.color(2, 1) == ColorMap.hot.entries[255])
    let flat = ValueGrid(rows: 1, columns: 2, values: [5, 5])
    let image = flat.picture(width: 2, height: 1, range: flat.range, style: style)
    #expect(image.color(1, 0) == ColorMap.hot.entries[0])
  }

  @Test func `a value that is not finite is grey and does not spread`() {
    let broken = ValueGrid(rows: 1, columns: 3, values: [0, .nan, 1])
    #expect(broken.range == 0...1)
    let style = HeatmapStyle(colorMap: .hot, interpolation: .bilinear, opacity: 1)
    let image = broken.picture(width: 30, height: 1, range: 0...1, style: style)
    #expect(image.color(15, 0) == .notFinite)
    #expect(image.color(8, 0) == ColorMap.hot.entries[0])
    #expect(image.color(22, 0) == ColorMap.hot.entries[255])
    #expect(ValueGrid(rows: 1, columns: 1, values: [.nan]).range == 0...0)
  }

  @Test func `blending mixes the map's colour with the photo's brightness`() {
    let photo = Samples.solid(RGBColor(200, 100, 50), width: 3, height: 2)
    let style = HeatmapStyle(colorMap: .viridis, interpolation: .nearest, opacity: 0.5)
    let image = grid.picture(width: 3, height: 2, range: 0...8, style: style, over: photo)
    // Pillow's "L" of (200, 100, 50) is 124; viridis ends at (253, 231, 36).
    #expect(image.color(2, 1) == RGBColor(189, 178, 80))
  }

  @Test func `in a figure the hot cell is hot at its place`() throws {
    let marker = RGBColor(3, 250, 77)
    var values = [Float](repeating: 0, count: 16)
    values[2 * 4 + 1] = 1
    values[0 * 4 + 3] = 0.5
    let figure = HeatmapFigure(
      title: "Magnitude", photo: Samples.solid(marker, width: 50, height: 50),
      panel: .init(title: "norm", grid: ValueGrid(rows: 4, columns: 4, values: values)),
      pictureWidth: 100)
    let image = try figure.image(scale: 2)
    let photo = try #require(image.bounds(of: marker))
    #expect(photo.x.count == 200 && photo.y.count == 200)
    let cold = try #require(
      image.bounds(
        of: ColorMap.hot.entries[0], columns: photo.x.upperBound..<photo.x.upperBound + 240))
    #expect(cold.x.count == 200 && cold.y == photo.y)
    for row in 0..<4 {
      for column in 0..<4 {
        let center = (cold.x.lowerBound + column * 50 + 25, cold.y.lowerBound + row * 50 + 25)
        #expect(image.color(center.0, center.1) == ColorMap.hot[values[row * 4 + column]])
      }
    }
  }

  @Test func `attention panels lie over the photo in row and column of their arm`() throws {
    let photo = Samples.solid(RGBColor(3, 250, 77), width: 40, height: 40)
    func panel(_ corner: Int) -> HeatmapPanel {
      var values = [Float](repeating: 0, count: 4)
      values[corner] = 1
      return .init(title: "corner \(corner)", grid: ValueGrid(rows: 2, columns: 2, values: values))
    }
    let style = HeatmapStyle(colorMap: .hot, interpolation: .nearest, opacity: 1)
    let figure = AttentionFigure(
      title: "x", photo: photo, groundTruth: ["truth"],
      arms: [
        .init(title: "a", panels: [panel(0), panel(3)], caption: "one"),
        .init(title: "b", panels: [panel(1), panel(2)], caption: "two"),
      ], style: style, pictureWidth: 60)
    let image = try figure.image(scale: 1)
    let cold = ColorMap.hot.entries[0]
    // Squares of 60 points whose three cold quarters surround the hot one.
    var corners: [Int] = []
    var y = 0
    while y + 60 <= image.height {
      var x = 0
      var found = false
      while x + 60 <= image.width {
        let quarters = [(15, 15), (45, 15), (15, 45), (45, 45)].map {
          image.color(x + $0.0, y + $0.1)
        }
        let edges = [(0, 0), (59, 0), (0, 59), (59, 59), (29, 0), (30, 0), (0, 29), (0, 30)].map {
          image.color(x + $0.0, y + $0.1)
        }
        let isPanel =
          quarters.filter { $0 == cold }.count == 3
          && edges.allSatisfy { $0 == cold || $0 == .white }
          && quarters.contains(.white)
          && (x == 0 || image.color(x - 1, y + 15) != cold && image.color(x - 1, y + 45) != cold)
          && (y == 0 || image.color(x + 15, y - 1) != cold && image.color(x + 45, y - 1) != cold)
        if isPanel {
          corners.append(quarters.firstIndex(of: .white) ?? -1)
          found = true
          x += 60
        } else {
          x += 1
        }
      }
      y += found ? 60 : 1
    }
    #expect(corners == [0, 3, 1, 2])
  }

  @Test func `one shared scale is the range of all grids`() {
    let grids = [ValueGrid(rows: 1, columns: 2, values: [1, 2]), grid]
    #expect(ValueGrid.commonRange(of: grids) == 0...8)
    #expect(ValueGrid.commonRange(of: []) == 0...0)
  }

  @Test
  func `a query panel on its own scale reaches the map's end, on the shared one only the greatest`()
    throws
  {
    let grids = [
      ValueGrid(rows: 1, columns: 2, values: [0, 1]),
      ValueGrid(rows: 1, columns: 2, values: [0, 4]),
    ]
    let style = HeatmapStyle(colorMap: .viridis, interpolation: .nearest, opacity: 1)
    func hotPixels(_ scale: QueryFigure.Scale) throws -> Int {
      let image = try QueryFigure(
        title: "t", photo: Samples.solid(.black, width: 20, height: 20), grids: grids,
        scale: scale, style: style, panelWidth: 40
      ).image(scale: 1)
      let last = ColorMap.viridis.entries[255]
      return (0..<image.width * image.height).filter {
        image.color($0 % image.width, $0 / image.width) == last
      }.count
    }
    #expect(try hotPixels(.own) == 2 * 20 * 40)
    let shared = try hotPixels(.shared)
    #expect(shared >= 20 * 40 && shared < 20 * 40 + 60)
  }
}
