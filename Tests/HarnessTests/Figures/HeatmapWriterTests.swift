import Configuration
import Datasets
import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors
import Testing
import Training

@testable import Encoders
@testable import Harness

@Suite("Heatmaps of a run")
struct HeatmapWriterTests {
  let tiny: TinyModels
  let inputs: ExperimentInputs
  let results: ResultsFolder

  /// Two training images, no validation, three test images of 28×14 pixels: 2×4 patches of 7 and a
  /// class token before them.
  init() throws {
    tiny = try TinyModels(grid: PatchGrid(rows: 2, columns: 4, leading: 1))
    func images(_ names: [Identifier]) -> [Example] {
      names.map {
        Example(
          id: $0, source: .drawn(RGBImage(width: 60, height: 40, red: 200, green: 90)),
          captions: ["a red square", "one square"])
      }
    }
    let executor = LaneExecutor(threads: 1)
    let data = ExperimentData(
      folds: [
        ExampleSet(
          name: "made up", description: "", train: images(["t0", "t1"]), validation: [],
          test: images(["e/0.jpg", "e1.jpg", "e2.jpg"]))
      ], executor: executor)
    var decoder = SmallDecoderConfig()
    (decoder.width, decoder.heads) = (16, 2)
    let text = try TextSide(
      decoder, words: ["a red square", "one square", "two red discs"], limit: nil)
    var encoder = SmallEncoderConfig()
    (encoder.width, encoder.heads, encoder.patch) = (16, 2, 7)
    inputs = ExperimentInputs(
      contents: .values, config: ExperimentConfig(), data: data, text: text, model: tiny.model,
      encoder: EncoderSide(
        model: try SmallEncoder(encoder, input: .square(28), in: .shapes),
        processor: ImageProcessor(
          outputWidth: 28, outputHeight: 14, resize: .exact(width: 28, height: 14), mean: nil,
          standardDeviation: nil),
        layer: .last, classToken: true, precision: .float32, name: "made up", description: nil,
        isMadeByTheRun: false),
      source: tiny.features, recipe: InputRecipe(),
      sequences: SequenceTable(data: data, text: text, executor: executor))
    results = ResultsFolder(
      FileManager.default.temporaryDirectory.appending(path: "heatmaps-\(UUID().uuidString)"))
  }

  func arms() throws -> [HeatmapArm] {
    let mlp = try MLPProjector(
      patchWidth: TinyModels.patchWidth, languageWidth: TinyModels.languageWidth,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 1)))
    func record(_ image: Identifier, _ caption: String) -> AnswerRecord {
      AnswerRecord(image: image, captions: ["trained": caption], references: [])
    }
    let answers = [record("e/0.jpg", "two red discs"), record("e1.jpg", "")]
    func arm(_ name: String, _ settings: any ProjectorSettings, _ projector: any Projector)
      -> HeatmapArm
    {
      HeatmapArm(
        arm: Arm(name: name, config: ArmConfig(ProjectorConfig(settings)), isControl: false),
        model: tiny.arm(projector), answers: answers,
        folder: results.cell(arm: name, "seed-0"))
    }
    return [
      arm("mlp", MLPProjectorConfig(), mlp),
      arm("qformer", QFormerConfig(), try tiny.qformer()),
      arm("perceiver", PerceiverConfig(), try tiny.perceiver()),
    ]
  }

  static func config(_ change: (inout HeatmapsConfig) -> Void = { _ in }) -> ExperimentConfig {
    var config = ExperimentConfig()
    config.figures.heatmaps.images = 2
    change(&config.figures.heatmaps)
    return config
  }

  @discardableResult
  func write(
    _ config: ExperimentConfig = Self.config(), threads: Int = 2, stop: StopSignal = StopSignal()
  ) throws -> [URL] {
    let arms = try arms()
    for arm in arms {
      try FileManager.default.createDirectory(
        at: arm.folder.url, withIntermediateDirectories: true)
    }
    return try writeHeatmaps(
      arms: arms, inputs: inputs, config: config, to: results,
      executor: LaneExecutor(threads: threads), console: Console(quiet: true),
      stop: stop
    ).map(\.url)
  }

  @Test("a stop before drawing writes no figure")
  func stopped() throws {
    defer { try? FileManager.default.removeItem(at: results.url) }
    let stop = StopSignal()
    stop.request()
    #expect(throws: RunStopped.self) { try write(stop: stop) }
    #expect(!FileManager.default.fileExists(atPath: results.figures.path))
  }

  @Test("writes a comparison an image, and a grid of queries an image and arm with attention")
  func files() throws {
    defer { try? FileManager.default.removeItem(at: results.url) }
    let files = try write(Self.config())
    let names = FigureNames(images: inputs.data.media.map(\.id.text))
    let images = ["e/0.jpg", "e1.jpg"]
    #expect(
      Set(files.map(\.lastPathComponent))
        == Set(
          images.flatMap { image in
            [names.attention(of: image)]
              + ["qformer", "perceiver"].map { names.queries(arm: $0, image: image) }
          }))
    for file in files {
      #expect(
        file.deletingLastPathComponent().standardizedFileURL == results.figures.standardizedFileURL)
      let picture = try RGBImage(contentsOf: file)
      // Photo and two heatmaps of 224 points each at two pixels a point, or at least 360 points.
      #expect(picture.width >= (file.lastPathComponent.hasPrefix("attention") ? 1344 : 720))
      #expect(Set(picture.pixels).count > 10)
    }
  }

  @Test("magnitudes are the norms of the patches' features, drawn if asked for")
  func magnitudes() throws {
    defer { try? FileManager.default.removeItem(at: results.url) }
    func write(_ config: ExperimentConfig) throws -> [String] {
      try writeMagnitudes(
        inputs: inputs, config: config, to: results, executor: LaneExecutor(threads: 2),
        stop: StopSignal()
      ).map(\.url.lastPathComponent)
    }
    #expect(try write(Self.config()).isEmpty)
    let names = FigureNames(images: inputs.data.media.map(\.id.text))
    #expect(
      try write(Self.config { $0.magnitude = true })
        == ["e/0.jpg", "e1.jpg"].map(names.magnitude))
    let norms = GivenFeatures(
      grid: PatchGrid(rows: 1, columns: 2, leading: 1), width: 2, values: [9, 9, 3, 4, 0, 2])
    #expect(try norms.magnitudes(of: 0) == [5, 2])
    let plain = GivenFeatures(grid: .sequence(3), width: 2, values: [1, 0, 0, 1, 0, 0])
    #expect(try plain.magnitudes(of: 0) == [1, 1, 0])
  }

  @Test("without each_query only the comparisons are drawn; with no images nothing is")
  func settings() throws {
    defer { try? FileManager.default.removeItem(at: results.url) }
    #expect(try write(Self.config { $0.eachQuery = false }).count == 2)
    #expect(try write(Self.config { $0.images = 0 }).isEmpty)
    #expect(try write(Self.config { $0.images = 50 }).count == 9)
  }

  @Test("the same run draws the same bytes on any number of threads")
  func repeatable() throws {
    defer { try? FileManager.default.removeItem(at: results.url) }
    let first = try write(Self.config(), threads: 1).map { try Data(contentsOf: $0) }
    let second = try write(Self.config(), threads: 2).map { try Data(contentsOf: $0) }
    #expect(first == second)
  }

  @Test("attention.h5 holds each layer's maps of each image, of arms with attention only")
  func numbers() throws {
    defer { try? FileManager.default.removeItem(at: results.url) }
    try write(Self.config())
    let arms = try arms()
    #expect(!FileManager.default.fileExists(atPath: arms[0].folder.attention.path))
    for (arm, queries) in [(arms[1], 3), (arms[2], 5)] {
      let file = try HDF5File(reading: arm.folder.attention)
      #expect(try file.strings("image_id") == ["e/0.jpg", "e1.jpg"])
      // The second image's own caption is empty, so the ground truth was given.
      #expect(try file.strings("caption") == ["two red discs", "a red square"])
      #expect(try file.attribute("grid_rows") == .int(2))
      #expect(try file.attribute("grid_columns") == .int(4))
      for map in arm.model.projector.attentionMaps {
        let values = try file.floats("layer_\(map.layer)/attention")
        #expect(try file.shape(of: "layer_\(map.layer)/attention") == [2, queries, 8])
        #expect(try file.shape(of: "layer_\(map.layer)/gradient") == [2, queries, 8])
        for row in stride(from: 0, to: values.count, by: 8) {
          #expect(abs(values[row..<row + 8].reduce(0, +) - 1) < 1e-5)
        }
        let expected = try #require(
          try AttentionMapper(arm.model, end: inputs.template.end)
            .attention(
              of: inputs.sample(of: inputs.data.folds[0].test[1], answering: "a red square")))
        let layer = try #require(expected.layers.first { $0.layer == map.layer })
        #expect(Array(values.suffix(queries * 8)) == layer.attention.values)
        #expect(
          Array(try file.floats("layer_\(map.layer)/gradient").suffix(queries * 8))
            == layer.gradient.values)
      }
    }
  }

  @Test("the photo is what the encoder saw")
  func photo() throws {
    let photo = try #require(try inputs.photo(of: 3))
    #expect(photo.width == 28 && photo.height == 14)
    #expect(inputs.data.media.map(\.id) == ["t0", "t1", "e/0.jpg", "e1.jpg", "e2.jpg"])
  }

  @Test("a row says when its attention was read with the ground truth")
  func givenCaption() throws {
    let writer = HeatmapWriter(
      arms: try arms(), inputs: inputs, grid: inputs.grid,
      settings: HeatmapSettings(Self.config().figures.heatmaps),
      executor: LaneExecutor(threads: 1), console: Console(quiet: true), stop: StopSignal())
    let studies = try writer.studies(of: inputs.data.folds[0].test)
    #expect(studies.map { $0.captions[1] } == ["two red discs", "", nil])
    #expect(studies.map { $0.given[1] } == ["two red discs", "a red square", "a red square"])
    let notes = studies.map { writer.comparison($0, query: .mean).arms[1].note ?? "" }
    #expect(notes.map { $0.contains("ground truth") } == [false, true, true])
  }

  @Test("an arm without the layer keeps its row and says so")
  func absentLayer() throws {
    let writer = HeatmapWriter(
      arms: try arms(), inputs: inputs, grid: inputs.grid,
      settings: HeatmapSettings(Self.config { $0.layer = .index(2) }.figures.heatmaps),
      executor: LaneExecutor(threads: 1), console: Console(quiet: true), stop: StopSignal())
    let study = try #require(try writer.studies(of: inputs.heatmapExamples(1)).first)
    let figure = writer.comparison(study, query: .mean)
    #expect(figure.arms.map(\.panels.count) == [0, 2, 0])
    #expect(
      figure.arms[2].note
        == "perceiver: layer 2 does not attend to patches; those that do: 0, 1")
    #expect(writer.queryFigure(study, writer.arms[2], try #require(study.attention[2])) == nil)
  }
}

/// One image's features as given.
private struct GivenFeatures: PatchSource {
  let grid: PatchGrid
  let width: Int
  let values: [Float]

  func grid(of medium: Int) -> PatchGrid { grid }

  func patches(of media: [Int], in context: Context) -> Patches {
    Patches(context.tape.tensor(values, rows: grid.tokens, width: width), grids: [grid])
  }
}
