import LanguageModels
import Layers
import Projectors
import Tensors
import Training

@testable import Harness

/// Small random modules over made-up features, for tests of attention.
struct TinyModels {
  static let patchWidth = 8
  static let languageWidth = 16
  static let vocabulary = 23

  let model: LlamaForCausalLM
  let features: MadeUpFeatures
  /// The id that ends a caption.
  let end: Int32 = 0
  let caption: [Int32] = [5, 9, 4, 17]

  /// - Parameter grid: of every image.
  init(grid: PatchGrid) throws {
    // Normal with deviation 0.4 instead of 0.02, so that attention differs from patch to patch.
    var description = DecoderDescription.small(
      width: Self.languageWidth, layers: 2, heads: 2, feedForwardWidth: 24,
      vocabularySize: Self.vocabulary)
    description.initializerRange = 0.4
    model = try LlamaForCausalLM(
      description, in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 3)))
    features = MadeUpFeatures(grid: grid, width: Self.patchWidth)
  }

  init(tokens: Int) throws { try self.init(grid: .sequence(tokens)) }

  func qformer(queries: Int = 3, layers: Int = 4) throws -> QFormer {
    try widened(
      QFormer(
        patchWidth: Self.patchWidth, languageWidth: Self.languageWidth, layers: layers,
        queries: queries, heads: 2, in: scope))
  }

  func perceiver(latents: Int = 5, layers: Int = 2) throws -> PerceiverResampler {
    try widened(
      PerceiverResampler(
        patchWidth: Self.patchWidth, languageWidth: Self.languageWidth, layers: layers,
        latents: latents, heads: 2, in: scope))
  }

  private var scope: ParameterScope {
    ParameterScope(store: ParameterStore(), random: RandomKey(seed: 7))
  }

  /// The weights that start with deviation 0.02 made large enough to matter.
  private func widened<Made: Projector>(_ projector: Made) -> Made {
    for parameter in projector.parameters where parameter.shape.count > 1 {
      parameter.assign(parameter.values.map { $0 * 25 })
    }
    return projector
  }

  /// The first tokens of an image stand before its grid.
  func mapper(_ projector: any Projector, leading: Int = 0) -> AttentionMapper {
    var features = features
    let tokens = features.grid.tokens
    features.grid = PatchGrid(rows: 1, columns: tokens - leading, leading: leading)
    return AttentionMapper(arm(projector, features), end: end)
  }

  /// - Parameter source: of the patches; these features if nil.
  func arm(_ projector: any Projector, _ source: (any PatchSource)? = nil) -> ArmModel {
    ArmModel(
      source: source ?? features, projector: projector, languageModel: model, head: nil,
      training: TrainingConfig())
  }

  /// `[begin][image][prompt][caption][end]`, the caption this one's own if nil.
  func sample(of image: Int, _ caption: [Int32]? = nil) -> SequenceSample {
    SequenceSample(
      media: [image], prefix: [.text([1]), .visual(0), .text([2, 3])],
      branches: [[.answer(caption ?? self.caption)]])
  }
}

/// Features of any image, from its number.
struct MadeUpFeatures: PatchSource {
  var grid: PatchGrid
  let width: Int

  func grid(of medium: Int) -> PatchGrid { grid }

  func patches(of media: [Int], in context: Context) -> Patches {
    let count = grid.tokens * width
    let tensor = context.tape.tensor(rows: media.count * grid.tokens, width: width) { values in
      for (place, medium) in media.enumerated() {
        RandomStream.fillNormal(
          UnsafeMutableBufferPointer(rebasing: values[place * count..<(place + 1) * count]),
          key: RandomKey(seed: 11).numbered(medium), deviation: 1)
      }
    }
    return Patches(tensor, grids: media.map { _ in grid })
  }
}
