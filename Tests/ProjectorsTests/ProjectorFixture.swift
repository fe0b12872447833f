import Foundation
import Layers
import Projectors
import Storage
import Tensors
import TestSupport
import Testing

/// One folder of `projectors/`: a projector's settings, weights, and what PyTorch makes of them.
struct ProjectorFixture: Sendable, CustomTestStringConvertible {
  struct Config: Decodable {
    let type: String
    let visionDim: Int
    let llmDim: Int
    var numLayers: Int?
    var numQueries: Int?
    var numLatents: Int?
    var numHeads: Int?
    var crossAttentionEvery: Int?
    var ffnMult: Int?
    var grid: [Int]?
    var factor: Factor?
    var hiddenDim: Int?
    var depth: Int?
    var outputGrid: [Int]?
    var mlpDepth: Int?

    /// `N` or `[rows, columns]`.
    struct Factor: Decodable {
      let size: GridSize

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let side = try? container.decode(Int.self) {
          size = GridSize(rows: side, columns: side)
        } else {
          let sides = try container.decode([Int].self)
          size = GridSize(rows: sides[0], columns: sides[1])
        }
      }
    }

    /// How the patches lie; one row where the fixture does not say.
    func patchGrid(tokens: Int) -> PatchGrid {
      grid.map { PatchGrid(rows: $0[0], columns: $0[1]) } ?? .sequence(tokens)
    }
  }

  let name: String
  var testDescription: String { name }

  /// The folders that hold a projector (the optimiser's trajectory has no `type`).
  static let all: [ProjectorFixture] = {
    let root = Fixtures.folder("projectors")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return names.sorted().map(ProjectorFixture.init).filter { (try? $0.config()) != nil }
  }()

  private func file(_ file: String) -> URL {
    Fixtures.folder("projectors").appending(path: name).appending(path: file)
  }

  func config() throws -> Config {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Config.self, from: Data(contentsOf: file("config.json")))
  }

  func io() throws -> SafetensorsFile { try SafetensorsFile(file("io.safetensors")) }

  /// A scope that reads the fixture's weights.
  func scope(_ store: ParameterStore) throws -> ParameterScope {
    let weights = try SafetensorsFile(file("model.safetensors"))
    return ParameterScope(store: store) {
      (name: String, shape: [Int], values: UnsafeMutableBufferPointer<Float>) in
      #expect(weights.info(name)?.shape == shape, "\(name)")
      try weights.read(name, into: values)
    }
  }

  func projector(_ store: ParameterStore) throws -> any Projector {
    let (config, scope) = (try config(), try scope(store))
    return try config.projector(in: scope)
  }

  /// The weights' names in the fixture.
  func weightNames() throws -> Set<String> {
    Set(try SafetensorsFile(file("model.safetensors")).names)
  }
}

extension ProjectorFixture.Config {
  func projector(in scope: ParameterScope) throws -> any Projector {
    var frame = ProjectorFrame()
    if type == "norms_mlp" { (frame.inputNorm, frame.outputNorm) = (true, .text) }
    return try ProjectorConfig(settings(), frame: frame).makeProjector(
      at: ProjectorSite(
        patchWidth: visionDim, grid: patchGrid(tokens: 1), languageWidth: llmDim), in: scope)
  }

  private func settings() throws -> any ProjectorSettings {
    switch type {
    case "linear": return LinearProjectorConfig()
    case "mlp2x_gelu", "norms_mlp": return MLPProjectorConfig()
    case "mlp_gelu_ln":
      var config = MLPProjectorConfig()
      config.layerNorm = true
      return config
    case "average_pool_mlp", "pixel_unshuffle_mlp", "pixel_unshuffle_internvl":
      var config = MLPProjectorConfig()
      config.pool = PoolConfig(
        type == "average_pool_mlp" ? .average : .unshuffle, factor: factor?.size,
        norm: type == "pixel_unshuffle_internvl")
      return config
    case "c_abstractor":
      var config = CAbstractorConfig()
      config.outputGrid =
        outputGrid.map { GridSize(rows: $0[0], columns: $0[1]) } ?? config.outputGrid
      config.depth = depth ?? config.depth
      config.width = hiddenDim
      config.readoutDepth = mlpDepth ?? config.readoutDepth
      return config
    case "cross_attention":
      var config = CrossAttentionConfig()
      config.queries = numQueries ?? config.queries
      config.heads = numHeads
      config.ffnMultiplier = ffnMult ?? config.ffnMultiplier
      return config
    case "qformer":
      var config = QFormerConfig()
      config.layers = numLayers ?? config.layers
      config.queries = numQueries ?? config.queries
      config.heads = numHeads
      config.crossAttentionEvery = crossAttentionEvery ?? config.crossAttentionEvery
      config.ffnMultiplier = ffnMult ?? config.ffnMultiplier
      return config
    default:
      try #require(type == "perceiver")
      var config = PerceiverConfig()
      config.layers = numLayers ?? config.layers
      config.latents = numLatents ?? config.latents
      config.heads = numHeads
      config.ffnMultiplier = ffnMult ?? config.ffnMultiplier
      return config
    }
  }
}

/// Compares element by element: |actual − expected| ≤ absolute + relative · |expected|.
func expectClose(
  _ actual: [Float], _ expected: [Float], absolute: Float, relative: Float, _ label: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record(
      "\(label): \(actual.count) values, not \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  var worst: (excess: Float, index: Int) = (0, -1)
  for index in expected.indices {
    let excess =
      abs(actual[index] - expected[index]) - (absolute + relative * abs(expected[index]))
    if !(excess <= worst.excess) { worst = (excess, index) }
  }
  guard worst.index >= 0 else { return }
  Issue.record(
    "\(label)[\(worst.index)]: \(actual[worst.index]), not \(expected[worst.index])",
    sourceLocation: sourceLocation)
}
