import Configuration
import Datasets
import Foundation
import Layers
import Storage
import Tensors

/// `CLIPVisionModel`: class token, a norm before the layers and one on the pooled class token.
///
/// Shapes: B images of C·H·W pixels → `[Σ (1 + patches), D]`, class token first. The last hidden
/// state has no norm, as in transformers.
///
/// Source: Radford et al. 2021, *CLIP*, arXiv:2103.00020; names and order of operations as
/// `transformers.CLIPVisionModel` (4.57).
public struct CLIPVisionModel: FolderEncoder {
  public static let kind = "clip"
  public static let modelTypes = ["clip_vision_model", kind]

  public let description: VisionTransformerDescription
  private let embeddings: PatchEmbedding
  private let preNorm: LayerNorm
  private let layers: [PreNormLayer]
  private let postNorm: LayerNorm

  public var width: Int { description.hiddenSize }
  public var patchSize: Int { description.patchSize }
  public var layerCount: Int { layers.count }
  public var leadingTokens: Int { 1 }
  public var parameters: [Parameter] {
    embeddings.parameters + preNorm.parameters + layers.flatMap(\.parameters)
      + postNorm.parameters
  }

  /// What a `config.json` that says nothing means.
  public static let defaults: VisionTransformerDescription = {
    var defaults = VisionTransformerDescription(layerNormEpsilon: 1e-5, activation: .quickGELU)
    defaults.patchSize = 32
    return defaults
  }()

  public init(_ description: VisionTransformerDescription, in scope: ParameterScope) throws {
    self.description = description
    let model = scope("vision_model")
    embeddings = try PatchEmbedding(
      width: description.hiddenSize,
      input: .square(description.imageSize, channels: description.channels),
      patch: description.patchSize, bias: false, names: .clip,
      in: model("embeddings"))
    func norm(_ name: String) throws -> LayerNorm {
      try LayerNorm(
        description.hiddenSize, epsilon: description.layerNormEpsilon, in: model(name))
    }
    preNorm = try norm("pre_layrnorm")
    layers = try description.layers(in: model("encoder")("layers"))
    postNorm = try norm("post_layernorm")
  }

  /// Reads a model of Hugging Face's layout; of a `CLIPModel` the vision side.
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
    let weights = try EncoderWeights(folder, choice, store: store)
    try self.init(
      VisionTransformerDescription(
        whole.member("vision_config") ?? whole, defaults: Self.defaults),
      in: weights.scope())
    try weights.read(on: executor)
  }

  public func hidden(
    _ images: [ImageBatch], depth: Int, finalNorm: Bool, in context: Context
  ) -> Rows {
    precondition(depth >= 0 && depth <= layerCount, "layer \(depth) of \(layerCount)")
    let start = preNorm(embeddings(images, in: context), in: context)
    return layers.prefix(depth).reduce(start) { rows, layer in layer(rows, in: context) }
  }

  public func parameters(depth: Int, finalNorm: Bool) -> [Parameter] {
    embeddings.parameters + preNorm.parameters + layers.prefix(depth).flatMap(\.parameters)
  }

  public func forwardFLOPs(height: Int, width: Int, depth: Int) -> Double {
    flops(embeddings, layers.prefix(depth), height: height, width: width)
  }

  public func copied(prefix: String) throws -> Self {
    try copy(prefix: prefix) { try Self(description, in: $0) }
  }

  /// `pooler_output`, one row an image: `[B, D]`.
  public func pooled(_ last: Rows, in context: Context) -> Tensor {
    postNorm(last.firstRows(on: context.tape), in: context)
  }
}

/// What `config.json` says of a `CLIPTextModel`.
public struct CLIPTextDescription: Sendable, Hashable {
  public var vocabularySize: Int
  public var hiddenSize: Int
  public var intermediateSize: Int
  public var hiddenLayers: Int
  public var attentionHeads: Int
  public var positions: Int
  public var layerNormEpsilon: Float
  public var activation: Activation
  public var endToken: Int32

  init(_ file: ModelConfigFile) throws(ModelFileError) {
    vocabularySize = try file.count("vocab_size", else: 49408)
    (hiddenSize, attentionHeads) = try file.widthAndHeads(width: 512, heads: 8)
    intermediateSize = try file.count("intermediate_size", else: 2048)
    hiddenLayers = try file.count("num_hidden_layers", else: 12)
    positions = try file.count("max_position_embeddings", else: 77)
    layerNormEpsilon = Float(try file.positive("layer_norm_eps", else: 1e-5))
    activation = try file.activation("hidden_act", else: .quickGELU)
    endToken = Int32(clamping: try file.count("eos_token_id", else: 49407))
  }
}

/// `CLIPTextModel`: a causal transformer over a text's tokens.
public struct CLIPTextModel: Module {
  public let description: CLIPTextDescription
  private let tokens: Embedding
  private let positions: Embedding
  private let layers: [PreNormLayer]
  private let norm: LayerNorm

  public var parameters: [Parameter] {
    tokens.parameters + positions.parameters + layers.flatMap(\.parameters) + norm.parameters
  }

  public init(_ description: CLIPTextDescription, in scope: ParameterScope) throws {
    self.description = description
    let model = scope("text_model")
    let embeddings = model("embeddings")
    let width = description.hiddenSize
    tokens = try Embedding(
      description.vocabularySize, width: width, in: embeddings("token_embedding"))
    positions = try Embedding(
      description.positions, width: width, in: embeddings("position_embedding"))
    layers = try (0..<description.hiddenLayers).map { index in
      try PreNormLayer(
        width, hidden: description.intermediateSize, heads: description.attentionHeads,
        activation: description.activation, epsilon: description.layerNormEpsilon,
        in: model("encoder")("layers")(index))
    }
    norm = try LayerNorm(
      width, epsilon: description.layerNormEpsilon, in: model("final_layer_norm"))
  }

  /// The last hidden state, after the final norm: `[R, D]` for texts of R tokens together.
  ///
  /// - Precondition: a text has between 1 token and as many as there are positions.
  public func callAsFunction(_ texts: [[Int32]], in context: Context) -> Rows {
    precondition(
      texts.allSatisfy { (1...positions.count).contains($0.count) },
      "a text has between 1 and \(positions.count) tokens")
    let segments = Segments(lengths: texts.map(\.count))
    let start = Rows(
      context.tape.add(
        tokens(texts.flatMap { $0 }, in: context),
        positions(texts.flatMap { $0.indices.map(Int32.init) }, in: context)), segments)
    let layout = AttentionLayout.causal(segments)
    let rows = layers.reduce(start) { rows, layer in layer(rows, layout: layout, in: context) }
    return norm(rows, in: context)
  }

  /// `pooler_output`, one row a text: the state at its first end token.
  ///
  /// Configurations from before transformers 4.24 name end token 2 wrongly: there the highest id
  /// counts, as in transformers.
  public func pooled(_ last: Rows, texts: [[Int32]], in context: Context) -> Tensor {
    let rows = zip(last.segments.starts, texts).map { start, text in
      let end =
        description.endToken == 2
        ? text.firstIndex(of: text.max() ?? 0) : text.firstIndex(of: description.endToken)
      return Int32(start + (end ?? 0))
    }
    return context.tape.gather(last.tensor, rows: rows)
  }
}

/// `CLIPModel`: both sides, mapped to one width and compared.
public struct CLIPModel: Module {
  public let vision: CLIPVisionModel
  public let text: CLIPTextModel
  private let visualProjection: Linear
  private let textProjection: Linear
  /// One number, the logarithm of what the cosines are multiplied by.
  public let logScale: Parameter

  public var parameters: [Parameter] {
    [logScale] + text.parameters + vision.parameters + visualProjection.parameters
      + textProjection.parameters
  }

  /// Reads a model of Hugging Face's layout.
  ///
  /// - Throws: `ModelFileError` for what `config.json` says, `CheckpointReaderError` for a weight
  ///   that is absent or of another shape, `ModelFolderError` for a file that can't be read.
  public init(_ folder: ModelFolder, store: ParameterStore, executor: LaneExecutor) throws {
    let file = try ModelConfigFile(folder, encoder: ["clip"])
    guard let visionFile = try file.member("vision_config"),
      let textFile = try file.member("text_config")
    else { throw file.reject("vision_config and text_config", "are needed", "absent") }
    let weights = try EncoderWeights(folder, .pretrained, store: store)
    let scope = weights.scope()
    vision = try CLIPVisionModel(
      VisionTransformerDescription(visionFile, defaults: CLIPVisionModel.defaults), in: scope)
    text = try CLIPTextModel(CLIPTextDescription(textFile), in: scope)
    let width = try file.count("projection_dim", else: 512)
    visualProjection = try Linear(
      vision.width, width, bias: false, in: scope("visual_projection"))
    textProjection = try Linear(
      text.description.hiddenSize, width, bias: false, in: scope("text_projection"))
    logScale = try scope.parameter("logit_scale", shape: [], start: .constant(2.6592))
    try weights.read(on: executor)
  }

  /// One unit vector an image: `[B, E]`.
  public func embedding(of images: ImageBatch, in context: Context) -> Tensor {
    let last = vision.hidden([images], depth: vision.layerCount, finalNorm: true, in: context)
    return context.tape.normalize(
      visualProjection(vision.pooled(last, in: context), in: context))
  }

  /// One unit vector a text: `[B, E]`.
  public func embedding(of texts: [[Int32]], in context: Context) -> Tensor {
    let last = text(texts, in: context)
    return context.tape.normalize(
      textProjection(text.pooled(last, texts: texts, in: context), in: context))
  }

  /// `logits_per_image`: exp(``logScale``) times the cosine of every image with every text,
  /// `[images, texts]`.
  public func logits(images: Tensor, texts: Tensor, in context: Context) -> Tensor {
    context.tape.product(images, transposed: texts, scale: Float(exp(Double(logScale.values[0]))))
  }

  /// The loss of images and their texts: the mean of both directions' cross-entropies.
  public func loss(images: Tensor, texts: Tensor, in context: Context) -> Loss {
    context.tape.contrastive(images, texts, logScale: logScale)
  }
}

extension Rows {
  /// The first row of each sequence: the class tokens.
  func firstRows(on tape: Tape) -> Tensor {
    tape.gather(tensor, rows: segments.starts.map(Int32.init))
  }
}
