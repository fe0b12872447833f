import Foundation
import Reports
import Storage
import Testing

@Suite struct DrawingTests {
  @Test func `pictures are copied pixel by pixel and cut at the sheet's edge`() throws {
    let picture = Samples.gradient(width: 6, height: 4)
    let canvas = try Canvas(width: 5, height: 4, scale: 2)
    canvas.draw(picture, at: CGPoint(x: 1, y: 1))
    canvas.draw(picture, at: CGPoint(x: 4, y: 3))
    canvas.draw(picture, at: CGPoint(x: -2, y: -1.5))
    let image = canvas.image
    #expect(image.width == 10 && image.height == 8)
    #expect(image.color(2, 2) == picture.color(0, 0))
    #expect(image.color(7, 5) == picture.color(5, 3))
    #expect(image.color(9, 7) == picture.color(1, 1))
    #expect(image.color(0, 0) == picture.color(4, 3))
    #expect(image.color(9, 0) == .white)
  }

  @Test func `shapes fill the points they are given`() throws {
    let canvas = try Canvas(width: 10, height: 10, scale: 3)
    canvas.fill(CGRect(x: 2, y: 3, width: 4, height: 2), RGBColor(10, 20, 30))
    let bounds = try #require(canvas.image.bounds(of: RGBColor(10, 20, 30)))
    #expect(bounds.x == 6..<18 && bounds.y == 9..<15)
  }

  @Test func `a sheet past Cairo's limit is refused with its size`() {
    #expect(throws: FigureError.tooLarge(width: 40_000, height: 20)) {
      try Canvas(width: 20_000, height: 10, scale: 2)
    }
    #expect(
      FigureError.tooLarge(width: 40_000, height: 20).description
        .hasPrefix("A figure of 40000×20 pixels is too large"))
  }

  @Test func `text breaks at spaces, then inside words, and ends in an ellipsis`() throws {
    let ruler = try TextRuler()
    let text = "two dogs on pavement moving toward each other"
    for width in [80.0, 110, 150, 400] {
      let lines = ruler.wrap(text, width: width, .body)
      #expect(lines.joined(separator: " ") == text)
      #expect(lines.allSatisfy { ruler.width($0, .body) <= width })
    }
    let long = ruler.wrap("1001773457_577c3a7d70_1001773457.jpg", width: 80, .body)
    #expect(long.count > 2 && long.joined() == "1001773457_577c3a7d70_1001773457.jpg")
    #expect(long.allSatisfy { ruler.width($0, .body) <= 80 })
    let cut = ruler.wrap(text, width: 90, .body, maximumLines: 2)
    #expect(cut.count == 2 && cut[1].hasSuffix("…") && ruler.width(cut[1], .body) <= 90)
    #expect(ruler.wrap("", width: 10, .body).isEmpty)
    #expect(ruler.wrap("a\r\nb", width: 100, .body) == ["a", "b"])
    #expect(ruler.wrap("wide", width: 0.1, .body) == ["w", "i", "d", "e"])
  }

  @Test func `a picture of one colour keeps it at any size`() {
    let color = RGBColor(12, 200, 77)
    for (width, height) in [(1, 1), (7, 3), (64, 200)] {
      let image = Samples.solid(color, width: 31, height: 17).fitted(width: width, height: height)
      #expect(image == Samples.solid(color, width: width, height: height))
    }
  }

  @Test func `shrinking to half averages, and equal size keeps every pixel`() {
    let image = Samples.gradient(width: 64, height: 64)
    #expect(image.fitted(width: 64, height: 64) == image)
    let half = image.fitted(width: 32, height: 32)
    for place in [4, 15, 28] {
      let (from, to) = (image.color(2 * place, 0).red, image.color(2 * place + 1, 0).red)
      let expected = (Int(from) + Int(to)) / 2
      #expect(abs(Int(half.color(place, 16).red) - expected) <= 1)
    }
  }

  @Test func `the centre square is the middle of the shorter side`() {
    let image = Samples.gradient(width: 100, height: 60)
    let square = image.centerSquare()
    #expect(square.width == 60 && square.height == 60)
    #expect(square.color(0, 0) == image.color(20, 0))
    let inner = image.centerSquare(fraction: 0.5)
    #expect(inner.width == 30 && inner.color(0, 0) == image.color(35, 15))
  }

  @Test func `DejaVu Sans is found`() {
    #expect(FigureFonts.isInstalled, "install fonts-dejavu-core")
  }
}

@Suite struct FigureTests {
  static var figures: [(String, any Figure)] {
    let photo = Samples.gradient(width: 80, height: 60)
    return [
      ("attention", Samples.attention(photo: photo)),
      ("queries", QueryFigure(title: "q", photo: photo, grids: Samples.queries(10))),
      ("lines", Samples.losses), ("bars", Samples.scores), ("scatter", Samples.scatter),
      ("pictures", Samples.captionGrid()), ("row", FigureRow([Samples.scatter, Samples.scores])),
    ]
  }

  @Test(arguments: figures.map(\.0)) func `a figure read back from PNG is the figure drawn`(
    name: String
  ) throws {
    let figure = try #require(Self.figures.first { $0.0 == name }?.1)
    let url = FileManager.default.temporaryDirectory
      .appending(path: "dragoman-\(name)-\(UUID().uuidString).png")
    defer { try? FileManager.default.removeItem(at: url) }
    try figure.writePNG(to: url, scale: 1)
    let first = try Data(contentsOf: url)
    let drawn = try figure.image(scale: 1)
    #expect(try RGBImage(contentsOf: url) == drawn)
    #expect(drawn.width > 100 && drawn.height > 100)
    // Twice the scale is twice the size: layout does not depend on the scale.
    let large = try figure.image(scale: 2)
    #expect(large.width == 2 * drawn.width && large.height == 2 * drawn.height)
    try figure.writePNG(to: url, scale: 1)
    #expect(try Data(contentsOf: url) == first, "the same figure gives the same bytes")
  }

  @Test(arguments: figures.map(\.0)) func `nothing is cut at a figure's edge`(name: String) throws {
    let figure = try #require(Self.figures.first { $0.0 == name }?.1)
    let image = try figure.image(scale: 1)
    for x in 0..<image.width {
      #expect(image.color(x, 0) == .white && image.color(x, image.height - 1) == .white)
    }
    for y in 0..<image.height {
      #expect(image.color(0, y) == .white && image.color(image.width - 1, y) == .white)
    }
  }

  @Test func `figures of nothing can be drawn`() throws {
    let photo = Samples.solid(.black, width: 1, height: 1)
    let empty: [any Figure] = [
      LinePlot(title: "", xAxis: .init(""), yAxis: .init(""), series: []),
      LinePlot(
        title: "", xAxis: .init("x", scale: .logarithmic), yAxis: .init("y"),
        series: [.init(name: "a", points: [PlotPoint(0, .nan), PlotPoint(1, 1)])]),
      ScatterPlot(title: "", xAxis: .init(""), yAxis: .init(""), groups: []),
      BarPlot(title: "", axis: "", bars: []),
      BarPlot(title: "", axis: "", bars: [.init(label: "a", value: .nan)]),
      PictureGrid(title: "", pictures: []),
      AttentionFigure(title: "", photo: photo, groundTruth: [], arms: []),
      QueryFigure(title: "", photo: photo, grids: []),
      HeatmapFigure(
        title: "", photo: photo,
        panel: .init(title: "", grid: ValueGrid(rows: 1, columns: 1, values: [.nan]))),
      FigureRow([]),
    ]
    for figure in empty { #expect(try figure.image(scale: 1).width > 0) }
  }

  @Test func `a line plot draws its line at the place of its values`() throws {
    let plot = LinePlot(
      title: "", xAxis: .init("x", range: 0...10), yAxis: .init("y", range: 0...1),
      series: [.init(name: "a", points: [PlotPoint(0, 0.5), PlotPoint(10, 0.5)])],
      plotWidth: 200, plotHeight: 100)
    let image = try plot.image(scale: 4)
    // The frame is one point (4 pixels) around the area; ticks reach 4 points past it.
    let frame = image.bounds(of: RGBColor(0x8c, 0x95, 0x9f))
    let (left, top) = try #require(frame.map { ($0.x.lowerBound + 16, $0.y.lowerBound + 4) })
    let line = image.bounds(of: .series(0), columns: left + 40..<left + 760)
    let (columns, rows) = try #require(line.map { ($0.x, $0.y) })
    #expect(columns == left + 40..<left + 760)
    // Half way up the 100 points, 1.8 points thick: the pixels it fills whole.
    #expect(rows == top + 197..<top + 203)
  }
}
