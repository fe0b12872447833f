import Foundation
import Metrics
import Reports
import Storage
import Testing

/// Figures of answers, curves, similarities and features.
@Suite struct FigureKindsTests {
  static var figures: [(String, any Figure)] {
    [
      ("stage-curves", Samples.stages), ("answers", Samples.answers()),
      ("predictions", Samples.predictions()), ("similarity", Samples.similarity),
      ("similarity-long", Samples.similarityOfLongTexts),
      ("similarity-many", Samples.similarityOfMany), ("patch-grid", Samples.patches(14)),
      ("patch-grid-32", Samples.patches(32)), ("resolution", Samples.scaling),
      ("fine-detail", Samples.detail), ("fine-detail-few", Samples.detailOfFew),
      ("features", Samples.features),
      ("tokens-among-words", Samples.words),
    ]
  }

  @Test(arguments: figures.map(\.0))
  func `nothing is cut at an edge, layout is that of any scale, bytes are the same twice`(
    name: String
  ) throws {
    let figure = try #require(Self.figures.first { $0.0 == name }?.1)
    let image = try figure.image(scale: 1)
    #expect(image.width > 100 && image.height > 100)
    for x in 0..<image.width {
      #expect(image.color(x, 0) == .white && image.color(x, image.height - 1) == .white)
    }
    for y in 0..<image.height {
      #expect(image.color(0, y) == .white && image.color(image.width - 1, y) == .white)
    }
    let large = try figure.image(scale: 2)
    #expect(large.width == 2 * image.width && large.height == 2 * image.height)
    #expect(try figure.image(scale: 1) == image)
  }

  @Test func `figures of nothing can be drawn`() throws {
    let pixel = Samples.solid(.black, width: 1, height: 1)
    let empty: [any Figure] = [
      StageCurves(title: "", stages: []), AnswerGrid(title: "", items: []),
      StageCurves(title: "", stages: [.init(title: "a", loss: [])]),
      AnswerGrid(
        title: "", items: [.init(image: pixel, name: "", truth: [], answers: [])]),
      SimilarityFigure(title: "", matrices: []),
      SimilarityFigure(
        title: "",
        matrices: [.init(title: "", values: ValueGrid(rows: 1, columns: 1, values: [.nan]))]),
      PatchGridFigure(title: "", photo: pixel, rows: 1, columns: 1),
      ScalingCurves(title: "", unit: "", panels: []),
      ScalingCurves(
        title: "", unit: "",
        panels: [.init(title: "", label: "", arms: [.init(name: "", points: [])])]),
      FineDetailCurves(title: "", probes: []), FeatureScatter(title: "", spaces: []),
      FeatureScatter(title: "", spaces: [.init(title: "", width: 3, concepts: [])]),
      PlotGrid(title: "", rows: []),
    ]
    for figure in empty { #expect(try figure.image(scale: 1).width > 0) }
  }

  @Test func `right answers are green with a tick, wrong ones red with a cross, frames likewise`()
    throws
  {
    func image(_ isRight: Bool) throws -> RGBImage {
      try AnswerGrid(
        title: "",
        items: [
          .init(
            image: Samples.solid(.black, width: 8, height: 8), name: "", truth: ["red"],
            answers: [.init(arm: "mlp", text: "red", isRight: isRight)])
        ]
      ).image(scale: 4)
    }
    let (right, wrong) = (try image(true), try image(false))
    #expect(right.bounds(of: .after) != nil && right.bounds(of: .before) == nil)
    #expect(wrong.bounds(of: .before) != nil && wrong.bounds(of: .after) == nil)
    // The frame lies around the whole picture, 150 points wide.
    let frame = try #require(right.bounds(of: .after))
    #expect(frame.x == 64..<664)
    #expect(PictureGrid.Line(.right, "mlp", "x").lead == "✓ mlp: ")
    #expect(PictureGrid.Line(.wrong, "", "x").lead == "✗ ")
    #expect(PictureGrid.Line(.before, "before", "x").lead == "before: ")
    #expect(PictureGrid.Line(.groundTruth, "", "x").lead.isEmpty)
  }

  @Test func `an interval is drawn from its low end to its high end at its point`() throws {
    let plot = LinePlot(
      title: "", xAxis: .init("x", range: 0...10), yAxis: .init("y", range: 0...1),
      series: [.init(name: "a", points: [PlotPoint(5, 0.5)], intervals: [0.25...0.75])],
      plotWidth: 200, plotHeight: 100)
    let image = try plot.image(scale: 4)
    let frame = image.bounds(of: RGBColor(0x8c, 0x95, 0x9f))
    let (left, top) = try #require(frame.map { ($0.x.lowerBound + 16, $0.y.lowerBound + 4) })
    // The whisker's colour over white: 70 % of the first series'.
    let x = left + 400
    func isMarked(_ y: Int) -> Bool { image.color(x, top + y).red < 150 }
    #expect(isMarked(104) && isMarked(150) && isMarked(296))
    #expect(!isMarked(90) && !isMarked(310))
  }

  @Test func `an axis shows the values it was measured at, those that have room`() throws {
    let axis = PlotAxis("Tokens", scale: .logarithmic, marks: [16, 32, 64, 1024])
    let plot = LinePlot(
      title: "", xAxis: axis, yAxis: .init("y"),
      series: [.init(name: "a", points: [16, 32, 64, 1024].map { PlotPoint($0, $0) })])
    #expect(Ticks(at: [16, 0.5, 1024]).labels == ["16", "0.5", "1024"])
    #expect(try plot.image(scale: 1).width > 480)
  }

  @Test func `one colour means one similarity in both matrices`() throws {
    let figure = SimilarityFigure(
      title: "",
      matrices: [
        .init(title: "a", values: ValueGrid(rows: 2, columns: 2, values: [0, 1, 0, 0])),
        .init(title: "b", values: ValueGrid(rows: 2, columns: 2, values: [1, 2, 1, 1])),
      ], side: 100)
    let image = try figure.image(scale: 1)
    // Without a title: 14 points of margin and 8, a line of title, 5.
    let top = 14 + 8 + 14 + 5
    let (first, second) = (14, 14 + 100 + 22)
    let (ones, other) = (image.color(first + 75, top + 25), image.color(second + 25, top + 25))
    #expect(ones == other && ones == ColorMap.viridis[0.5])
    #expect(image.color(first + 25, top + 25) == ColorMap.viridis[0])
    #expect(image.color(second + 75, top + 25) == ColorMap.viridis[1])
  }

  @Test func `patches are as many as said, whatever the picture's shape`() throws {
    let photo = Samples.solid(RGBColor(200, 60, 60), width: 300, height: 150)
    let image = try PatchGridFigure(
      title: "", photo: photo, rows: 3, columns: 5, pictureWidth: 300
    ).image(scale: 2)
    // Along a line through the upper part of the first row: white grid lines between red cells.
    let y = (14 + 6 + 8) * 2
    var lines = 0
    var wasBright = false
    for x in 28..<28 + 600 {
      let color = image.color(x, y)
      let isBright = color.green > 150
      if isBright, !wasBright { lines += 1 }
      wasBright = isBright
    }
    #expect(lines >= 4 && lines <= 6, "four lines within and one at each edge")
    // Small cells make the picture larger, not the numbers unreadable.
    let many = try PatchGridFigure(
      title: "", photo: photo, rows: 40, columns: 80, pictureWidth: 300
    ).image(scale: 1)
    #expect(many.width > 1000)
  }

  @Test func `two features are drawn as they are, more by components that separate the concepts`()
    throws
  {
    let plane = FeatureScatter.Space(
      title: "", width: 2, concepts: [.init(name: "a", rows: [1, 2, 3, 4])])
    #expect(plane.plot.groups[0].points == [PlotPoint(1, 2), PlotPoint(3, 4)])
    #expect(plane.plot.xAxis.label == "First feature")
    let space = FeatureScatter.Space(
      title: "", width: 3,
      concepts: [
        .init(name: "a", rows: [0, 5, 0, 0, 6, 0]), .init(name: "b", rows: [0, -5, 0, 0, -6, 0]),
      ])
    #expect(space.plot.xAxis.label == "First component (100 % of variance)")
    #expect(space.plot.groups.map { $0.points.map { $0.x.rounded() } } == [[5, 6], [-5, -6]])
  }

  @Test func `pictures of one question stand side by side at one height`() {
    let (red, blue) = (RGBColor(200, 0, 0), RGBColor(0, 0, 200))
    let row = RGBImage.row([
      Samples.solid(red, width: 4, height: 8), Samples.solid(blue, width: 3, height: 4),
    ])
    #expect(row.width == 4 + 4 + 6 && row.height == 8)
    #expect(row.color(3, 7) == red && row.color(4, 0) == .white && row.color(8, 7) == blue)
  }
}
