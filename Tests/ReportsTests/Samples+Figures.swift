import Foundation
import Reports
import Storage

/// Made-up results of trained arms, names as long as they come.
extension Samples {
  static let arms = [
    "mlp", "mlp, average-pooled to 32 tokens", "qformer with 32 queries and 6 layers",
    "perceiver",
  ]

  /// A number in −1...1 that no two places share.
  static func noise(_ place: Int) -> Double { sin(Double(place) * 12.9898) * cos(Double(place)) }

  static let stages = StageCurves(
    title: "shapes_vqa in two stages: loss and accuracy of two arms, three seeds each",
    stages: [
      StageCurves.Stage(title: "Stage 1: the projector learns captions", loss: runs(30, from: 3)),
      StageCurves.Stage(
        title: "Stage 2: projector and decoder learn to answer questions",
        loss: runs(50, from: 0.9),
        accuracy: runs(50, from: 0.8).map { run in
          func turned(_ points: [PlotPoint]) -> [PlotPoint] {
            points.map { PlotPoint($0.x, max(0, 1 - $0.y * 0.9)) }
          }
          return .init(
            arm: run.arm, training: turned(run.training), validation: turned(run.validation))
        }),
    ], note: "Training: mean over an epoch's updates, with dropout.")

  private static func runs(_ epochs: Int, from start: Double) -> [StageCurves.Run] {
    [arms[0], arms[2]].enumerated().flatMap { place, arm in
      (0..<3).map { seed in
        func curve(_ offset: Double) -> [PlotPoint] {
          (0...epochs).map { epoch in
            let decay = exp(-Double(epoch) / (5 + 4 * Double(place) + Double(seed)))
            let jitter = 0.03 * noise(epoch + 100 * seed + 1000 * place)
            return PlotPoint(Double(epoch), start * decay + offset + abs(jitter))
          }
        }
        return .init(arm: arm, training: curve(0.02), validation: curve(0.06))
      }
    }
  }

  /// A shape on black, as `shapes_vqa` draws it.
  static func shape(_ color: RGBColor, row: Int, column: Int) -> RGBImage {
    var image = solid(RGBColor(20, 20, 20), width: 64, height: 64)
    for y in 0..<64 {
      for x in 0..<64 where (y - row) * (y - row) + (x - column) * (x - column) < 100 {
        image.pixels.replaceSubrange(
          (y * 64 + x) * 3..<(y * 64 + x) * 3 + 3, with: [color.red, color.green, color.blue])
      }
    }
    return image
  }

  static func answers() -> AnswerGrid {
    let colors = [RGBColor(255, 26, 26), RGBColor(26, 26, 255), RGBColor(26, 204, 26)]
    let questions = [
      ("what color is it ?", "blue"), ("what shape is it ?", "circle"),
      ("where is it ?", "bottom-left"),
    ]
    return AnswerGrid(
      title: "Answered questions of the test set (seed 0): 16 of 20 right",
      items: (0..<10).map { index in
        let (question, truth) = questions[index % 3]
        return .init(
          image: shape(colors[index % 3], row: 16 + index % 2 * 32, column: 16 + index % 4 * 10),
          name: "test/0\(index)", question: question, truth: [truth],
          answers: [
            .init(arm: "mlp", text: truth, isRight: true),
            .init(
              arm: "perceiver-16-latents-shuffled",
              text: index % 4 == 1 ? "top-right square red" : truth, isRight: index % 4 != 1),
          ])
      })
  }

  static func predictions() -> AnswerGrid {
    let colors = [
      ("red", RGBColor(230, 40, 40)), ("blue", RGBColor(40, 40, 230)),
      ("green", RGBColor(40, 200, 40)),
    ]
    return AnswerGrid(
      title: "Ten test images: prediction and truth",
      items: (0..<10).map { index in
        let (name, color) = colors[index % 3]
        let said = index == 7 ? "green" : name
        return .init(
          image: solid(color, width: 224, height: 224), name: "", truth: [name],
          answers: [.init(arm: "predicted", text: said, isRight: said == name)])
      })
  }

  static let similarity = SimilarityFigure(
    title: "Similarity of images and texts",
    matrices: [
      .init(title: "Before training", values: similarities(12, matched: 0.05)),
      .init(title: "After training (30 epochs, seed 0)", values: similarities(12, matched: 0.8)),
    ],
    images: (0..<12).map { "image-\($0)" },
    texts: (0..<12).map { "a \(["red", "blue", "green"][$0 % 3]) \(["circle", "square"][$0 % 2])" })

  static let similarityOfLongTexts = SimilarityFigure(
    title: "Similarity of photographs and captions",
    matrices: [
      .init(title: "Before training", values: similarities(5, matched: 0.01)),
      .init(title: "After training", values: similarities(5, matched: 0.4)),
    ],
    images: (0..<5).map { "100177345\($0)_577c3a7d70.jpg" }, texts: truths,
    note: "Matched pairs on the diagonal.")

  static let similarityOfMany = SimilarityFigure(
    title: "Similarity of 120 images and their captions",
    matrices: [
      .init(title: "Before training", values: similarities(120, matched: 0)),
      .init(title: "After training", values: similarities(120, matched: 0.6)),
    ], images: (0..<120).map { "\($0)" }, texts: (0..<120).map { "\($0)" })

  static func similarities(_ side: Int, matched: Float) -> ValueGrid {
    ValueGrid(
      rows: side, columns: side,
      values: (0..<side * side).map { place in
        let isMatched = place / side == place % side
        return (isMatched ? matched : 0) + 0.2 * Float(noise(place))
      })
  }

  static func patches(_ side: Int) -> PatchGridFigure {
    PatchGridFigure(
      title: "image 1001773457_577c3a7d70.jpg in \(side)×\(side) patches",
      photo: photo(2).centerSquare(),
      rows: side, columns: side, note: "\(side * side) tokens, numbered row by row from 0.")
  }

  static let scaling = ScalingCurves(
    title: "s5-resampler: what four resolutions cost and bring",
    unit: "Image side (pixels)",
    panels: [
      panel(
        "Accuracy", "Accuracy (95 % interval)", range: -0.02...1.02, interval: 0.05, chance: 0.2
      ) {
        0.9 - 0.7 * exp(-Double($1) / (100 + 40 * Double($0)))
      },
      panel("Time", "Training time (s)") { Double($1 * $1) / Double(800 * ($0 + 1)) },
      panel("Visual tokens", "Tokens", isLogarithmic: true) {
        $0 == 0 ? Double($1 * $1) / 256 : $0 == 1 ? Double($1 * $1) / 1024 : 32 * Double($0 - 1)
      },
    ])

  private static func panel(
    _ title: String, _ label: String, range: ClosedRange<Double>? = nil, interval: Double? = nil,
    isLogarithmic: Bool = false, chance: Double? = nil, _ value: (Int, Int) -> Double
  ) -> ScalingCurves.Panel {
    .init(
      title: title, label: label,
      arms: arms.enumerated().map { place, arm in
        .init(
          name: arm,
          points: [64, 112, 160, 224].map { side in
            let y = value(place, side)
            return .init(Double(side), y, interval: interval.map { y - $0...y + $0 })
          })
      }, range: range, isLogarithmic: isLogarithmic, chance: chance)
  }

  static let detail = FineDetailCurves(
    title: "Where fine detail is lost: four projectors at two budgets",
    probes: [
      .init(
        title: "Counting objects", unit: "Objects",
        arms: detailArms((1...10).map(Double.init)) { 1 / (1 + exp(($1 - 4 - $0) / 1.5)) },
        chance: 0.1),
      .init(
        title: "Reading a word", unit: "Glyph height (pixels)",
        arms: detailArms([4, 6, 8, 12, 16, 24, 32]) { 1 / (1 + exp((10 - 1.2 * $0 - $1) / 2)) },
        chance: 0.05),
    ])

  static let detailOfFew = FineDetailCurves(
    title: "Where fine detail is lost",
    probes: detail.probes.map { probe in
      .init(
        title: probe.title, unit: probe.unit, arms: [probe.arms[0], probe.arms[3], probe.arms[7]],
        chance: probe.chance)
    })

  private static func detailArms(
    _ sizes: [Double], _ accuracy: (Double, Double) -> Double
  ) -> [FineDetailCurves.Arm] {
    ["mlp", "pooled mlp", "qformer", "perceiver"].enumerated().flatMap { place, arm in
      (0...1).map { index -> FineDetailCurves.Arm in
        let budget = [16, 64][index]
        let answers = sizes.map { size -> FineDetailCurves.Answers in
          let share = accuracy(Double(index + place) / 2, size)
          return .init(size: size, accuracy: (share * 40).rounded() / 40, images: 40)
        }
        return FineDetailCurves.Arm(
          name: "\(arm), \(budget) tokens", answers: answers, group: arm,
          stroke: index == 0 ? .dashed : .solid)
      }
    }
  }

  static let features = FeatureScatter(
    title: "Features of 60 test images before and after the projector",
    spaces: [
      .init(title: "Encoder, 128 features", width: 16, concepts: concepts(16, apart: 0.6)),
      .init(title: "Projected, 64 features", width: 8, concepts: concepts(8, apart: 2)),
    ])

  private static func concepts(_ width: Int, apart: Double) -> [FeatureScatter.Concept] {
    ["red", "blue", "green"].enumerated().map { place, name in
      .init(
        name: name,
        rows: (0..<20 * width).map { index in
          let step = index % width == place ? apart * 3 : 0
          return Float(step + noise(index + 7919 * place))
        })
    }
  }

  static let words = FeatureScatter(
    title: "Visual tokens among the embeddings of words",
    spaces: [
      .init(
        title: "Width 8", width: 8,
        concepts: [
          .init(
            name: "embeddings of words", rows: (0..<20 * 8).map { Float(3 * noise($0 + 5)) },
            labels: [
              "pad", "start", "end", "what", "color", "shape", "where", "is", "it", "?", "red",
              "blue", "green", "circle", "square", "top-left", "top-right", "bottom-left",
              "bottom-right", "center",
            ], isBackground: true)
        ] + concepts(8, apart: 0.8))
    ], note: "Components of words and tokens together.")
}
