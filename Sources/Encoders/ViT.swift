import Configuration
import Datasets
import Layers
import Storage
import Tensors

/// `ViTModel`: class token, pre-norm layers, final norm, a pooler on the class token.
///
/// Shapes: B images of C·H·W pixels → `[Σ (1 + patches), D]`, class token first.
///
/// Source: Dosovitskiy et al. 2021, *ViT*, arXiv:2010.11929; names and order of operations as
/// `transformers.ViTModel` (4.57).
public struct ViTModel: FolderEncoder {
  public static let kind = "vit"
  public static let modelTypes = [kind]

  public let description: VisionTransformerDescription
  private let embeddings: PatchEmbedding
  private let layers: [PreNormLayer]
  private let norm: LayerNorm
  private let pooler: Linear?

  public var width: Int { description.hiddenSize }
  public var patchSize: Int { description.patchSize }
  public var layerCount: Int { layers.count }
  public var leadingTokens: Int { 1 }
  public var normsLastHiddenState: Bool { true }
  public var parameters: [Parameter] {
    embeddings.parameters + layers.flatMap(\.parameters) + norm.parameters
      + (pooler?.parameters ?? [])
  }

  /// What a `config.json` that says nothing means.
  public static let defaults = VisionTransformerDescription(
    layerNormEpsilon: 1e-12, activation: .gelu)

  /// - Parameter pooler: whether the model has one; a classifier's checkpoint has none.
  public init(
    _ description: VisionTransformerDescription, pooler: Bool = true, in scope: ParameterScope
  ) throws {
    self.description = description
    embeddings = try PatchEmbedding(
      width: description.hiddenSize,
      input: .square(description.imageSize, channels: description.channels),
      patch: description.patchSize, names: .vit,
      in: scope("embeddings"))
    let names = PreNormLayer.Names(
      norm1: "layernorm_before", attention: "attention",
      projections: Attention.Names(
        query: "attention.query", key: "attention.key", value: "attention.value",
        output: "output.dense"),
      norm2: "layernorm_after",
      ffn: FeedForward.Names(first: "intermediate.dense", second: "output.dense"))
    layers = try description.layers(names, in: scope("encoder")("layer"))
    norm = try LayerNorm(
      description.hiddenSize, epsilon: description.layerNormEpsilon, in: scope("layernorm"))
    self.pooler =
      pooler
      ? try Linear(description.hiddenSize, description.hiddenSize, in: scope("pooler")("dense"))
      : nil
  }

  /// Reads a model of Hugging Face's layout; a `ViTForImageClassification` gives its `vit.` part.
  ///
  /// - Parameters:
  ///   - weights: `random` reads `config.json` only.
  ///   - executor: whose threads convert the weights.
  /// - Throws: `ModelFileError` for what `config.json` says, `CheckpointReaderError` for a weight
  ///   that is absent or of another shape, `ModelFolderError` for a file that can't be read.
  public init(
    _ folder: ModelFolder, store: ParameterStore, weights choice: WeightsChoice = .pretrained,
    executor: LaneExecutor
  ) throws {
    let file = try ModelConfigFile(folder, encoder: Self.modelTypes)
    let description = try VisionTransformerDescription(file, defaults: Self.defaults)
    guard try file.bool("qkv_bias", else: true) else {
      throw file.reject("qkv_bias", "must be true: the form without is not supported", "false")
    }
    let weights = try EncoderWeights(folder, choice, store: store)
    let prefix = weights.prefix("vit", of: "layernorm.weight")
    try self.init(
      description, pooler: weights.contains("\(prefix)pooler.dense.weight"),
      in: weights.scope(prefix: prefix))
    try weights.read(on: executor)
  }

  public func hidden(
    _ images: [ImageBatch], depth: Int, finalNorm: Bool, in context: Context
  ) -> Rows {
    precondition(depth >= 0 && depth <= layerCount, "layer \(depth) of \(layerCount)")
    let rows = layers.prefix(depth).reduce(embeddings(images, in: context)) { rows, layer in
      layer(rows, in: context)
    }
    return finalNorm ? norm(rows, in: context) : rows
  }

  public func parameters(depth: Int, finalNorm: Bool) -> [Parameter] {
    embeddings.parameters + layers.prefix(depth).flatMap(\.parameters)
      + (finalNorm ? norm.parameters : [])
  }

  public func forwardFLOPs(height: Int, width: Int, depth: Int) -> Double {
    flops(embeddings, layers.prefix(depth), height: height, width: width)
  }

  public func copied(prefix: String) throws -> Self {
    try copy(prefix: prefix) { try Self(description, pooler: pooler != nil, in: $0) }
  }

  /// `pooler_output`, one row an image: `[B, D]`; nil without a pooler.
  ///
  /// - Parameter last: the last hidden state, after the final norm.
  public func pooled(_ last: Rows, in context: Context) -> Tensor? {
    pooler.map { pooler in
      context.tape.activation(.tanh, pooler(last.firstRows(on: context.tape), in: context))
    }
  }
}
