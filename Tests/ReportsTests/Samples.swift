import Foundation
import Reports
import Storage
import TestSupport

/// Made-up inputs that several suites draw.
enum Samples {
  /// A picture whose every pixel tells its place.
  static func gradient(width: Int, height: Int) -> RGBImage {
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        pixels += [
          UInt8(x * 255 / max(width - 1, 1)), UInt8(y * 255 / max(height - 1, 1)), 128,
        ]
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  static func solid(_ color: RGBColor, width: Int, height: Int) -> RGBImage {
    RGBImage(
      width: width, height: height, red: color.red, green: color.green, blue: color.blue)
  }

  /// A hill at a place of a square grid, `peak` high, with a ripple that no two hills share.
  static func hill(_ side: Int, row: Double, column: Double, peak: Float) -> ValueGrid {
    let values = (0..<side * side).map { (index: Int) -> Float in
      let down = Double(index / side) - row
      let across = Double(index % side) - column
      let ripple: Double = 0.08 * (1 + sin(Double(index * 37) + row))
      let distance: Double = down * down + across * across
      let height: Double = exp(-distance / 9)
      return peak * Float(height + ripple)
    }
    return ValueGrid(rows: side, columns: side, values: values)
  }

  /// A photograph if the data are there, else a gradient.
  static func photo(_ index: Int) -> RGBImage {
    if let folder = Fixtures.data?.appending(path: "flickr8k-1000/Images") {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      let sorted = names.filter { $0.hasSuffix(".jpg") }.sorted()
      if sorted.indices.contains(index),
        let image = try? RGBImage(contentsOf: folder.appending(path: sorted[index]))
      {
        return image
      }
    }
    return gradient(width: 320, height: 240 + 20 * (index % 5))
  }

  static let truths = [
    "A black dog and a spotted dog are fighting .",
    "A black dog and a tri-colored dog playing with each other on the road .",
    "A black dog and a white dog with brown spots are staring at each other in the street .",
    "Two dogs of different breeds looking at each other on the road .",
    "Two dogs on pavement moving toward each other .",
  ]

  static func attention(photo: RGBImage) -> AttentionFigure {
    AttentionFigure(
      title: "1001773457_577c3a7d70.jpg", photo: photo, groundTruth: truths,
      arms: [
        .init(
          title: "Q-Former, 32 queries",
          panels: [
            .init(
              title: "Attention", grid: hill(16, row: 6, column: 5, peak: 0.021)),
            .init(
              title: "Gradient-weighted attention", grid: hill(16, row: 9, column: 8, peak: 3.1e-7)),
          ],
          caption: "a black dog and a white dog are playing with each other on the street",
          note: "Layer 2, mean over 6 heads and 32 queries"),
        .init(
          title: "Perceiver, 64 latents",
          panels: [
            .init(
              title: "Attention, patches only", grid: hill(16, row: 3, column: 12, peak: 0.0061)),
            .init(
              title: "Gradient-weighted attention", grid: hill(16, row: 8, column: 4, peak: 1.4e-6)),
          ],
          caption: "two dogs run on the road .",
          note: "Layer 2, mean over 6 heads and 64 latents"),
        .init(
          title: "MLP, 256 tokens", panels: [], caption: "a dog is running through the grass .",
          note: "No attention: every patch is a token."),
      ],
      note: "Each panel has its own scale. Photo as the encoder sees it: 224×224, centre crop.")
  }

  static func queries(_ count: Int) -> [ValueGrid] {
    (0..<count).map { (index: Int) -> ValueGrid in
      let row = Double(index * 7 % 16)
      let column = Double(index * 5 % 16)
      let peak: Float = 0.01 + 0.002 * Float(index % 9)
      return hill(16, row: row, column: column, peak: peak)
    }
  }

  static let losses = LinePlot(
    title: "Validation loss",
    xAxis: PlotAxis("Epoch"), yAxis: PlotAxis("Loss (nats per token)"),
    series: ["mlp", "qformer", "perceiver"].enumerated().flatMap { place, arm in
      let seeds: [LinePlot.Series] = [0, 1, 2].map { validation(arm, place: place, seed: $0) }
      return seeds + [training(arm, place: place)]
    })

  private static func validation(_ arm: String, place: Int, seed: Int) -> LinePlot.Series {
    let floor = 2.4 + 0.1 * Double(place) + 0.02 * Double(seed)
    let points = (0...10).map { (epoch: Int) -> PlotPoint in
      let decay: Double = exp(-Double(epoch) / (2 + Double(place)))
      return PlotPoint(Double(epoch), floor + 1.9 * decay)
    }
    return .init(
      name: "\(arm) validation", points: points, colorGroup: arm, showsPoints: seed == 0)
  }

  private static func training(_ arm: String, place: Int) -> LinePlot.Series {
    let points = (0...100).map { (step: Int) -> PlotPoint in
      let epoch = Double(step) / 10
      let noise: Double = 0.15 * sin(Double(step * step + place))
      let decay: Double = exp(-epoch / (2 + Double(place)))
      return PlotPoint(epoch, 2.2 + 1.9 * decay + noise)
    }
    return .init(
      name: "\(arm) training", points: points, stroke: .dashed, colorGroup: arm, isFaint: true)
  }

  static let scores = BarPlot(
    title: "CIDEr-D on 100 test images", axis: "CIDEr-D (95 % interval)",
    bars: [
      .init(label: "mlp", value: 0.412, interval: 0.35...0.48),
      .init(label: "qformer", value: 0.301, interval: 0.25...0.352),
      .init(label: "perceiver", value: 0.355, interval: 0.30...0.411),
      .init(label: "untrained qformer", value: 0.0012, interval: 0.0003...0.0021, isMuted: true),
      .init(label: "learned prompt", value: 0.11, interval: 0.09...0.13, isMuted: true),
      .init(
        label: "shuffled perceiver with a rather long name to wrap", value: 0.1,
        interval: 0.08...0.121, isMuted: true),
    ])

  static let scatter = ScatterPlot(
    title: "Projected features, two principal components",
    xAxis: PlotAxis("First component"), yAxis: PlotAxis("Second component"),
    groups: ["red", "blue", "green"].enumerated().map { place, name in
      .init(name: name, points: (0..<40).map { spiral($0, around: Double(place) * 1.5) })
    })

  private static func spiral(_ index: Int, around center: Double) -> PlotPoint {
    let angle = Double(index) * 2.4
    let radius = sqrt(Double(index)) / 8
    return PlotPoint(center + radius * cos(angle), radius * sin(angle) - 0.4)
  }

  static func captionGrid() -> PictureGrid {
    PictureGrid(
      title: "Captions before and after training (mlp)",
      pictures: (0..<6).map { index in
        .init(
          image: photo(index), title: "image-\(index)_577c3a7d70.jpg",
          lines: [
            .init(.groundTruth, "truth", truths[index % truths.count]),
            .init(.before, "before", index == 2 ? "" : "The first thing that comes to mind is the"),
            .init(.after, "after", "a black dog is running through the snow with a ball ."),
          ])
      }, columns: 3)
  }

  static let captions = CaptionTable(
    title: "Captions of test images",
    entries: (0..<3).map { index in
      .init(
        imageID: "10017734\(index)_577c3a7d70.jpg", groundTruth: Array(truths.prefix(index + 1)),
        captions: ["mlp", "qformer", "perceiver"].map { arm in
          .init(
            arm: arm, before: "The \(arm) | <b>", after: arm == "mlp" ? "" : "two dogs play .")
        }, picture: "figures/photo-\(index).png")
    })
}
