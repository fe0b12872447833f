import Foundation
import Reports
import Storage
import Testing

/// Writes every kind of figure and a whole report page, for people to look at.
@Suite struct GalleryTests {
  static var folder: URL? {
    ProcessInfo.processInfo.environment["DRAGOMAN_GALLERY"].map {
      URL(filePath: $0, directoryHint: .isDirectory)
    }
  }

  @Test(.enabled(if: Self.folder != nil, "DRAGOMAN_GALLERY is not set"))
  func `every kind of figure can be written, and a page that shows them`() throws {
    let folder = try #require(Self.folder)
    let photo = Samples.photo(3).centerSquare(fraction: 0.875)
    func place(_ figure: any Figure, _ name: String, _ caption: String) throws
      -> ReportPage.Picture
    {
      try figure.place(in: folder, named: name, caption: caption)
    }
    let curves = [
      try place(Samples.losses, "loss", "Loss of three arms, three seeds each."),
      try place(
        FigureRow([Samples.scatter, Samples.scatter]), "scatter", "Before and after projection."),
    ]
    let heatmaps = [
      try place(Samples.attention(photo: photo), "attention-1", "Where the projectors looked."),
      try place(
        QueryFigure(
          title: "Q-Former: attention of each query", photo: photo, grids: Samples.queries(32),
          note: "Layer 2, mean over 6 heads."), "queries", "All queries."),
      try place(
        QueryFigure(
          title: "Perceiver: attention of each latent", photo: photo, grids: Samples.queries(64),
          scale: .own, unit: "latent"), "latents", "All latents."),
      try place(
        HeatmapFigure(
          title: "Feature magnitude", photo: photo,
          panel: .init(
            title: "L2 norm of each patch's feature",
            grid: Samples.hill(16, row: 8, column: 9, peak: 41)),
          note: "Last layer of the encoder, 16×16 patches."), "magnitude", "Feature magnitude."),
    ]
    let bars = [try place(Samples.scores, "scores", "CIDEr-D with 95 % intervals.")]
    let grid = [try place(Samples.captionGrid(), "captions", "Before red, after green.")]
    for index in 0..<3 {
      try Samples.photo(index).centerSquare().fitted(width: 160, height: 160)
        .writePNG(to: folder.appending(path: "figures/photo-\(index).png"))
    }
    for (name, figure) in FigureKindsTests.figures where ReportFigure(rawValue: name) == nil {
      _ = try place(figure, name, name)
    }
    var figures: [ReportFigure: ReportPage.Picture] = [:]
    for (name, figure) in FigureKindsTests.figures {
      guard let kind = ReportFigure(rawValue: name) else { continue }
      figures[kind] = try figure.place(in: folder, as: kind)
    }
    var summary = RunSummary.example
    summary.question = "Does a Q-Former earn its parameters at 32 tokens?"
    let page = ReportPage(
      summary: summary,
      facts: [
        .init("Dataset", "flickr8k-1000: 800/100/100 images"), .init("Encoder", "dinov2-small"),
        .init("Language model", "smollm2-135m-instruct"), .init("Seeds", "0"),
      ], curves: curves, bars: bars, heatmaps: heatmaps, captions: Samples.captions,
      captionPictures: grid, figures: figures,
      provenance: [
        .init("Version", "0.1"), .init("Digest", "a3f1c0d9"), .init("BLAS", "SkylakeX"),
      ],
      command: "dragoman run Experiments/flickr8k-three-projectors.yaml",
      configuration: "experiment: flickr8k-three-projectors\nseeds: [0]")
    try Data(page.html().utf8).write(to: folder.appending(path: "report.html"))
    #expect(FileManager.default.fileExists(atPath: folder.appending(path: "report.html").path))
  }
}
