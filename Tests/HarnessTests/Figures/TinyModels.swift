import Harness
import LanguageModels
import Layers
import Projectors
import Tensors
import Training

/// Small random modules over made-up features, for tests of attention.
struct TinyModels {
  static let patchWidth = 8
  static let languageWidth = 16
  static let vocabulary = 23

  let model: LlamaForCausalLM
  let features: MadeUpFeatures
  let format = CaptionFormat(opening: [1], prompt: [2, 3], end: 0)
  let caption: [Int32] = [5, 9, 4, 17]

  /// - Parameter tokens: patches, and class tokens before them, of an image.
  init(tokens: Int) throws {
    // Normal with deviation 0.4 instead of 0.02, so that attention differs from patch to patch.
    var description = DecoderDescription.small(
      width: Self.languageWidth, layers: 2, heads: 2, feedForwardWidth: 24,
      vocabularySize: Self.vocabulary)
    description.initializerRange = 0.4
    model = try LlamaForCausalLM(
      description, in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 3)))
    features = MadeUpFeatures(tokens: tokens, width: Self.patchWidth)
  }

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

  func mapper(_ projector: any Projector, leading: Int = 0) -> AttentionMapper {
    AttentionMapper(
      projector: projector, model: model, format: format, features: features, leading: leading)
  }
}

/// Features of any image, from its number.
struct MadeUpFeatures: FeatureSource {
  let tokens: Int
  let width: Int

  func patches(of image: Int) -> Int { tokens }

  func copy(_ image: Int, to values: UnsafeMutableBufferPointer<Float>) {
    RandomStream.fillNormal(
      values, key: RandomKey(seed: 11).numbered(image), deviation: 1)
  }
}
