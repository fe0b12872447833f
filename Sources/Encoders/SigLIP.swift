import Configuration
import Datasets
import Layers
import Storage
import Tensors

/// `SiglipVisionModel`: no class token, pre-norm layers, final norm, a head that attends to the
/// patches.
///
/// Shapes: B images of C·H·W pixels → `[Σ patches, D]`.
///
/// Source: Zhai et al. 2023, *SigLIP*, arXiv:2303.15343, and in its folders of fixed resolution, whose
/// `model_type` is `siglip` too, Tschannen et al. 2025, *SigLIP 2*, arXiv:2502.14786; names and order of operations as
/// `transformers.SiglipVisionModel` (4.57).
public struct SiglipVisionModel: FolderEncoder {
  public static let kind = "siglip"
  public static let modelTypes = ["siglip_vision_model", kind]

  public let description: VisionTransformerDescription
  private let embeddings: PatchEmbedding
  private let layers: [PreNormLayer]
  private let norm: LayerNorm
  private let head: SiglipPoolingHead?

  public var width: Int { description.hiddenSize }
  public var patchSize: Int { description.patchSize }
  public var layerCount: Int { layers.count }
  public var leadingTokens: Int { 0 }
  public var normsLastHiddenState: Bool { true }
  public var parameters: [Parameter] {
    embeddings.parameters + layers.flatMap(\.parameters) + norm.parameters
      + (head?.parameters ?? [])
  }

  /// What a `config.json` that says nothing means.
  public static let defaults = VisionTransformerDescription(
    layerNormEpsilon: 1e-6, activation: .geluTanh)

  public init(
    _ description: VisionTransformerDescription, head: Bool = true, in scope: ParameterScope
  ) throws {
    self.description = description
    let model = scope("vision_model")
    embeddings = try PatchEmbedding(
      width: description.hiddenSize,
      input: .square(description.imageSize, channels: description.channels),
      patch: description.patchSize, names: .siglip,
      in: model("embeddings"))
    layers = try description.layers(in: model("encoder")("layers"))
    norm = try LayerNorm(
      description.hiddenSize, epsilon: description.layerNormEpsilon, in: model("post_layernorm"))
    self.head = head ? try SiglipPoolingHead(description, in: model("head")) : nil
  }

  /// Reads a model of Hugging Face's layout; of a `SiglipModel` the vision side.
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
    let whole = try ModelConfigFile(folder, encoder: Self.modelTypes)
    let file = try whole.member("vision_config") ?? whole
    let description = try VisionTransformerDescription(file, defaults: Self.defaults)
    let weights = try EncoderWeights(folder, choice, store: store)
    try self.init(
      description, head: file.bool("vision_use_head", else: true), in: weights.scope())
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
    try copy(prefix: prefix) { try Self(description, head: head != nil, in: $0) }
  }

  /// `pooler_output`, one row an image: `[B, D]`; nil without a head.
  ///
  /// - Parameter last: the last hidden state, after the final norm.
  public func pooled(_ last: Rows, in context: Context) -> Tensor? {
    head.map { $0(last, in: context) }
  }
}

/// A learned probe attends to all tokens, then x + FFN(norm(x)).
private struct SiglipPoolingHead: Module {
  let probe: Parameter
  let attention: Attention
  let norm: LayerNorm
  let ffn: FeedForward

  var parameters: [Parameter] {
    [probe] + attention.parameters + norm.parameters + ffn.parameters
  }

  init(_ description: VisionTransformerDescription, in scope: ParameterScope) throws {
    let width = description.hiddenSize
    probe = try scope.parameter("probe", shape: [1, 1, width], start: .normal(deviation: 0.02))
    attention = try Attention(
      width, heads: description.attentionHeads, in: scope("attention"))
    norm = try LayerNorm(width, epsilon: description.layerNormEpsilon, in: scope("layernorm"))
    ffn = try FeedForward(
      width, hidden: description.intermediateSize, activation: description.activation,
      in: scope("mlp"))
  }

  func callAsFunction(_ rows: Rows, in context: Context) -> Tensor {
    let probes = context.tape.repeated(probe, times: rows.count)
    let seen = attention(probes, attendingTo: rows, in: context)
    return ffn(norm(seen, in: context).tensor, addingTo: seen.tensor, in: context)
  }
}
