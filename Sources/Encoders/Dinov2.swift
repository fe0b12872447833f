import Configuration
import Datasets
import Layers
import Storage
import Tensors

/// What `config.json` says of a `Dinov2Model` or a `Dinov2WithRegistersModel`.
public struct Dinov2Description: Sendable, Hashable {
  public var hiddenSize = 768
  public var hiddenLayers = 12
  public var attentionHeads = 12
  /// Width of the FFN over `hiddenSize`.
  public var mlpRatio = 4.0
  /// Side of the square images that the position table belongs to.
  public var imageSize = 224
  public var patchSize = 14
  public var channels = 3
  public var layerNormEpsilon: Float = 1e-6
  public var activation = Activation.gelu
  public var qkvBias = true
  /// Tokens between the class token and the patches; `nil` for the model without them, which also resizes its
  /// positions by another rule.
  public var registers: Int?

  public init() {}

  init(_ file: ModelConfigFile) throws(ModelFileError) {
    (hiddenSize, attentionHeads) = try file.widthAndHeads(width: hiddenSize, heads: attentionHeads)
    hiddenLayers = try file.count("num_hidden_layers", else: hiddenLayers)
    mlpRatio = try file.positive("mlp_ratio", else: mlpRatio)
    (imageSize, patchSize) = try file.imageAndPatch(image: imageSize, patch: patchSize)
    channels = try file.count("num_channels", else: channels)
    layerNormEpsilon = Float(try file.positive("layer_norm_eps", else: 1e-6))
    activation = try file.activation("hidden_act", else: activation)
    qkvBias = try file.bool("qkv_bias", else: qkvBias)
    if try file.string("model_type", else: "") == Dinov2Model.withRegisters {
      registers = try file.count("num_register_tokens", else: 4)
    }
    guard try !file.bool("use_swiglu_ffn", else: false) else {
      throw file.reject(
        "use_swiglu_ffn", "must be false: the SwiGLU form is not supported", "true")
    }
  }
}

private struct Dinov2Attention: Module {
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear
  let heads: Int
  let name: String

  var parameters: [Parameter] { [query, key, value, output].flatMap(\.parameters) }

  init(_ description: Dinov2Description, name: String, in scope: ParameterScope) throws {
    let width = description.hiddenSize
    let inner = scope("attention")
    query = try Linear(width, width, bias: description.qkvBias, in: inner("query"))
    key = try Linear(width, width, bias: description.qkvBias, in: inner("key"))
    value = try Linear(width, width, bias: description.qkvBias, in: inner("value"))
    output = try Linear(width, width, in: scope("output")("dense"))
    heads = description.attentionHeads
    self.name = name
  }

  func callAsFunction(_ rows: Rows, in context: Context) -> Tensor {
    let x = rows.tensor
    let mixed = context.tape.attention(
      queries: query(x, in: context), keys: key(x, in: context), values: value(x, in: context),
      heads: heads, layout: .full(queries: rows.segments, keys: rows.segments), name: name)
    return output(mixed, in: context)
  }

  func flops(rows: Int) -> Int {
    [query, key, value, output].reduce(4 * rows * rows * query.outputWidth) {
      $0 + $1.flops(rows: rows)
    }
  }
}

private struct Dinov2Layer: EncoderLayerModule {
  let norm1: LayerNorm
  let attention: Dinov2Attention
  let scale1: Parameter
  let norm2: LayerNorm
  let fc1: Linear
  let fc2: Linear
  let scale2: Parameter
  let activation: Activation

  var parameters: [Parameter] {
    norm1.parameters + attention.parameters + [scale1] + norm2.parameters + fc1.parameters
      + fc2.parameters + [scale2]
  }

  init(
    _ description: Dinov2Description, name: String, in scope: ParameterScope
  ) throws {
    let width = description.hiddenSize
    let inner = Int(Double(width) * description.mlpRatio)
    norm1 = try LayerNorm(width, epsilon: description.layerNormEpsilon, in: scope("norm1"))
    attention = try Dinov2Attention(description, name: name, in: scope("attention"))
    scale1 = try scope("layer_scale1").parameter("lambda1", shape: [width], start: .ones)
    norm2 = try LayerNorm(width, epsilon: description.layerNormEpsilon, in: scope("norm2"))
    fc1 = try Linear(width, inner, in: scope("mlp")("fc1"))
    fc2 = try Linear(inner, width, in: scope("mlp")("fc2"))
    scale2 = try scope("layer_scale2").parameter("lambda1", shape: [width], start: .ones)
    activation = description.activation
  }

  func callAsFunction(_ x: Rows, in context: Context) -> Rows {
    let tape = context.tape
    return x.with(
      context.scoped {
        let mixed = attention(norm1(x, in: context), in: context)
        let middle = tape.add(x.tensor, tape.scaleColumns(mixed, by: scale1))
        let inner = tape.activation(activation, fc1(norm2(middle, in: context), in: context))
        return tape.add(middle, tape.scaleColumns(fc2(inner, in: context), by: scale2))
      })
  }

  func flops(rows: Int) -> Int {
    attention.flops(rows: rows) + fc1.flops(rows: rows) + fc2.flops(rows: rows)
  }
}

/// `Dinov2Model`: a vision transformer with LayerScale and a class token; `Dinov2WithRegistersModel` has
/// register tokens besides.
///
/// Shapes: B images of C·H·W pixels → `[Σ (1 + registers + patches), D]`, class token first, then the
/// registers.
///
/// Source: Oquab et al. 2023, *DINOv2*, arXiv:2304.07193; Darcet et al. 2024, *Vision Transformers Need
/// Registers*, arXiv:2309.16588; names and order of operations as in transformers (4.57). Registers have no
/// position. The SwiGLU form of the giant model is not supported.
public struct Dinov2Model: FolderEncoder {
  public static let kind = "dinov2"
  static let withRegisters = "dinov2_with_registers"
  public static let modelTypes = [kind, withRegisters]

  public let description: Dinov2Description
  private let embeddings: PatchEmbedding
  private let layers: [Dinov2Layer]
  private let norm: LayerNorm

  public var width: Int { description.hiddenSize }
  public var patchSize: Int { description.patchSize }
  public var layerCount: Int { layers.count }
  public var leadingTokens: Int { 1 + (description.registers ?? 0) }
  public var parameters: [Parameter] {
    embeddings.parameters + layers.flatMap(\.parameters) + norm.parameters
  }

  public init(_ description: Dinov2Description, in scope: ParameterScope) throws {
    self.description = description
    embeddings = try PatchEmbedding(
      width: description.hiddenSize,
      input: .square(description.imageSize, channels: description.channels),
      patch: description.patchSize, names: .vit, registers: description.registers ?? 0,
      resizing: description.registers == nil ? .bicubic : .antialiasedBicubic,
      in: scope("embeddings"))
    layers = try (0..<description.hiddenLayers).map { index in
      try Dinov2Layer(
        description, name: "encoder.layer.\(index).attention",
        in: scope("encoder")("layer")(index))
    }
    norm = try LayerNorm(
      description.hiddenSize, epsilon: description.layerNormEpsilon, in: scope("layernorm"))
  }

  /// Reads a model of Hugging Face's layout; a `Dinov2ForImageClassification` gives its `dinov2.`
  /// part, one with registers its `dinov2_with_registers.`.
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
    let description = try Dinov2Description(ModelConfigFile(folder, encoder: Self.modelTypes))
    let weights = try EncoderWeights(folder, choice, store: store)
    let prefix = weights.prefix(
      description.registers == nil ? Self.kind : Self.withRegisters, of: "layernorm.weight")
    try self.init(description, in: weights.scope(prefix: prefix))
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
    try copy(prefix: prefix) { try Self(description, in: $0) }
  }
}
