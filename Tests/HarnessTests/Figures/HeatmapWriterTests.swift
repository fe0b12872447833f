import Configuration
import Datasets
import Foundation
import LanguageModels
import Layers
import Projectors
import Storage
import Tensors
import Testing
import Tokenizers
import Training

@testable import Encoders
@testable import Harness

/// A word is the sum of its letters.
private struct LetterSums: TextTokenizer {
  let beginToken: Int32? = nil
  let endToken: Int32? = 0
  let vocabularySize = TinyModels.vocabulary
  let digestContent: [UInt8] = []

  func encode(_ text: String) -> [Int32] {
    text.split(separator: " ").map { word in
      Int32(word.utf8.reduce(0) { $0 + Int($1) } % (TinyModels.vocabulary - 1) + 1)
    }
  }
  func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String { "\(ids)" }
  func tokenID(of token: String) -> Int32? { nil }
}

@Suite("Heatmaps of a run")
struct HeatmapWriterTests {
  let tiny: TinyModels
  let inputs: ExperimentInputs
  let results: ResultsFolder

  /// Two training images, no validation, three test images of 28×14 pixels: 2×4 patches of 7 and a
  /// class token before them.
  init() throws {
    tiny = try TinyModels(tokens: 9)
    func images(_ names: [String]) -> [Datasets.CaptionedImage] {
      names.map {
        .init(
          id: $0, source: .generated(RGBImage(width: 60, height: 40, red: 200, green: 90)),
          captions: ["a red square", "one square"])
      }
    }
    let features = tiny.features
    let values = (0..<5).flatMap { image in
      [Float](unsafeUninitializedCapacity: 9 * TinyModels.patchWidth) { buffer, count in
        buffer.initialize(repeating: 0)
        features.copy(image, to: buffer)
        count = 9 * TinyModels.patchWidth
      }
    }
    inputs = ExperimentInputs(
      dataset: CaptionDataset(
        name: "made up", description: "", train: images(["t0", "t1"]), validation: [],
        test: images(["e/0.jpg", "e1.jpg", "e2.jpg"])),
      features: FeatureTable(
        tokens: 9, width: TinyModels.patchWidth, count: 5, values: values),
      grid: PatchGrid(rows: 2, columns: 4, leading: 1, imageWidth: 28, imageHeight: 14),
      processor: ImageProcessor(
        outputWidth: 28, outputHeight: 14, resize: .exact(width: 28, height: 14), mean: nil,
        standardDeviation: nil),
      tokenizer: LetterSums(), model: tiny.model,
      sequence: CaptionSequence(
        format: tiny.format, endTokens: [0], captionLead: "", description: ""),
      digest: "", provenance: [], remarks: [])
    results = ResultsFolder(
      FileManager.default.temporaryDirectory.appending(path: "heatmaps-\(UUID().uuidString)"))
  }

  func arms() throws -> [HeatmapArm] {
    let mlp = try MLPProjector(
      patchWidth: TinyModels.patchWidth, languageWidth: TinyModels.languageWidth,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 1)))
    let captions = [
      CaptionRecord(image: "e/0.jpg", captions: ["trained": "two red discs"], references: []),
      CaptionRecord(image: "e1.jpg", captions: ["trained": ""], references: []),
    ]
    func arm(_ name: String, _ config: ProjectorConfig, _ projector: any Projector) -> HeatmapArm {
      HeatmapArm(
        plan: ArmPlan(name: name, config: ArmConfig(config), isControl: false),
        projector: projector, captions: captions, folder: results.run(arm: name, seed: 0))
    }
    return [
      arm("mlp", .mlp(MLPProjectorConfig()), mlp),
      arm("qformer", .qformer(QFormerConfig()), try tiny.qformer()),
      arm("perceiver", .perceiver(PerceiverConfig()), try tiny.perceiver()),
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
    let names = FigureNames(images: inputs.dataset.images.map(\.id))
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
    let names = FigureNames(images: inputs.dataset.images.map(\.id))
    #expect(
      try write(Self.config { $0.magnitude = true })
        == ["e/0.jpg", "e1.jpg"].map(names.magnitude))
    let norms = FeatureTable(
      tokens: 3, width: 2, count: 2, values: [9, 9, 3, 4, 0, 2] + [1, 0, 0, 1, 0, 0])
    #expect(norms.magnitudes(of: 0, leading: 1) == [5, 2])
    #expect(norms.magnitudes(of: 1, leading: 0) == [1, 1, 0])
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
      for map in arm.projector.attentionMaps {
        let values = try file.floats("layer_\(map.layer)/attention")
        #expect(try file.shape(of: "layer_\(map.layer)/attention") == [2, queries, 8])
        #expect(try file.shape(of: "layer_\(map.layer)/gradient") == [2, queries, 8])
        for row in stride(from: 0, to: values.count, by: 8) {
          #expect(abs(values[row..<row + 8].reduce(0, +) - 1) < 1e-5)
        }
        let expected = try #require(
          tiny.mapper(arm.projector, leading: 1)
            .attention(of: 3, caption: inputs.tokenizer.encode("a red square")))
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
    #expect(inputs.image(at: 1).id == "t1" && inputs.image(at: 2).id == "e/0.jpg")
  }

  @Test("a row says when its attention was read with the ground truth")
  func givenCaption() throws {
    let writer = HeatmapWriter(
      arms: try arms(), inputs: inputs, grid: try #require(inputs.grid),
      settings: HeatmapSettings(Self.config().figures.heatmaps),
      executor: LaneExecutor(threads: 1), console: Console(quiet: true), stop: StopSignal())
    let studies = try writer.studies(of: [2, 3, 4])
    #expect(studies.map { $0.captions[1] } == ["two red discs", "", nil])
    #expect(studies.map { $0.given[1] } == ["two red discs", "a red square", "a red square"])
    let notes = studies.map { writer.comparison($0, query: .mean).arms[1].note ?? "" }
    #expect(notes.map { $0.contains("ground truth") } == [false, true, true])
  }

  @Test("an arm without the layer keeps its row and says so")
  func absentLayer() throws {
    let grid = try #require(inputs.grid)
    let writer = HeatmapWriter(
      arms: try arms(), inputs: inputs, grid: grid,
      settings: HeatmapSettings(Self.config { $0.layer = .index(2) }.figures.heatmaps),
      executor: LaneExecutor(threads: 1), console: Console(quiet: true), stop: StopSignal())
    let study = try #require(try writer.studies(of: [2]).first)
    let figure = writer.comparison(study, query: .mean)
    #expect(figure.arms.map(\.panels.count) == [0, 2, 0])
    #expect(
      figure.arms[2].note
        == "perceiver: layer 2 does not attend to patches; those that do: 0, 1")
    #expect(writer.queryFigure(study, writer.arms[2], try #require(study.attention[2])) == nil)
  }
}
