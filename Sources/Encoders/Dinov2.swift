import Layers
import Tensors

/// `config.json` of a `Dinov2Model`, as far as it decides the numbers.
public struct Dinov2Description: Sendable, Hashable, Decodable {
  public var hiddenSize: Int
  public var hiddenLayers: Int
  public var attentionHeads: Int
  public var mlpRatio: Double
  public var imageSize: Int
  public var patchSize: Int
  public var channels: Int
  public var layerNormEpsilon: Float
  public var activation: String
  public var qkvBias: Bool
  public var usesSwiGLU: Bool

  enum CodingKeys: String, CodingKey {
    case hiddenSize = "hidden_size"
    case hiddenLayers = "num_hidden_layers"
    case attentionHeads = "num_attention_heads"
    case mlpRatio = "mlp_ratio"
    case imageSize = "image_size"
    case patchSize = "patch_size"
    case channels = "num_channels"
    case layerNormEpsilon = "layer_norm_eps"
    case activation = "hidden_act"
    case qkvBias = "qkv_bias"
    case usesSwiGLU = "use_swiglu_ffn"
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

  func callAsFunction(_ x: Tensor, layout: AttentionLayout, in context: Context) -> Tensor {
    let mixed = context.tape.attention(
      queries: query(x, in: context), keys: key(x, in: context), values: value(x, in: context),
      heads: heads, layout: layout, name: name)
    return output(mixed, in: context)
  }
}

private struct Dinov2Layer: Module {
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
    _ description: Dinov2Description, activation: Activation, name: String, in scope: ParameterScope
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
    self.activation = activation
  }

  func callAsFunction(_ x: Tensor, layout: AttentionLayout, in context: Context) -> Tensor {
    let tape = context.tape
    return context.scoped {
      let mixed = attention(norm1(x, in: context), layout: layout, in: context)
      let middle = tape.add(x, tape.scaleColumns(mixed, by: scale1))
      let inner = tape.activation(activation, fc1(norm2(middle, in: context), in: context))
      return tape.add(middle, tape.scaleColumns(fc2(inner, in: context), by: scale2))
    }
  }
}

/// `Dinov2Model`: a vision transformer with LayerScale and a class token.
///
/// Shapes: B images of C·H·W pixels → `[B · (1 + patches), D]`, class token first.
///
/// Source: Oquab et al. 2023, *DINOv2*, arXiv:2304.07193; names and order of operations as
/// `transformers.Dinov2Model` (4.57). The SwiGLU form of the giant model is not supported.
public struct Dinov2Model: VisionEncoder {
  public let description: Dinov2Description
  private let patches: Linear
  private let classToken: Parameter
  private let positions: PositionTable
  private let layers: [Dinov2Layer]
  private let norm: LayerNorm

  public var width: Int { description.hiddenSize }
  public var patchSize: Int { description.patchSize }
  public var layerCount: Int { layers.count }
  public var leadingTokens: Int { 1 }
  public var parameters: [Parameter] {
    [classToken] + positions.parameters + patches.parameters + layers.flatMap(\.parameters)
      + norm.parameters
  }

  public init(_ description: Dinov2Description, in scope: ParameterScope) throws {
    guard let activation = Activation(rawValue: description.activation) else {
      throw EncoderError(
        key: "hidden_act", rule: "must be one of \(Activation.allCases.map(\.rawValue))",
        found: description.activation)
    }
    guard !description.usesSwiGLU else {
      throw EncoderError(
        key: "use_swiglu_ffn", rule: "must be false: the SwiGLU form is not supported",
        found: "true")
    }
    self.description = description
    let width = description.hiddenSize
    let embeddings = scope("embeddings")
    let side = description.patchSize
    let grid = description.imageSize / side
    classToken = try embeddings.parameter(
      "cls_token", shape: [1, 1, width], start: .normal(deviation: 0.02))
    positions = PositionTable(
      try embeddings.parameter(
        "position_embeddings", shape: [1, 1 + grid * grid, width],
        start: .normal(deviation: 0.02)), leading: 1)
    let projection = embeddings("patch_embeddings")("projection")
    patches = try Linear(
      convolution: [width, description.channels, side, side], bias: true, in: projection)
    layers = try (0..<description.hiddenLayers).map { index in
      try Dinov2Layer(
        description, activation: activation, name: "encoder.layer.\(index).attention",
        in: scope("encoder")("layer")(index))
    }
    norm = try LayerNorm(width, epsilon: description.layerNormEpsilon, in: scope("layernorm"))
  }

  public func hidden(
    _ images: ImageBatch, depth: Int, finalNorm: Bool, in context: Context
  ) -> Rows {
    precondition(depth >= 0 && depth <= layerCount, "layer \(depth) of \(layerCount)")
    let geometry = PatchGeometry(
      channels: description.channels, height: images.height, width: images.width, patch: patchSize)
    let tape = context.tape
    let rows = context.embedded(images, geometry, patches: patches, classToken: classToken)
    let layout = AttentionLayout.full(queries: rows.segments, keys: rows.segments)
    var x = tape.addRepeated(
      rows.tensor, positions.table(rows: geometry.gridRows, columns: geometry.gridColumns))
    for layer in layers.prefix(depth) { x = layer(x, layout: layout, in: context) }
    return rows.with(finalNorm ? norm(x, in: context) : x)
  }
}

extension Context {
  /// Patch embeddings after the class token: `[B · (1 + patches), D]`.
  func embedded(
    _ images: ImageBatch, _ geometry: PatchGeometry, patches: Linear, classToken: Parameter
  ) -> Rows {
    let embedded = Rows(
      patches(tape.unfold(images.pixels, geometry), in: self),
      .uniform(count: images.count, length: geometry.patches))
    return tape.joined(tape.repeated(classToken, times: images.count), embedded)
  }
}

extension Linear {
  /// A convolution whose stride is its kernel: a linear map of unfolded patches.
  ///
  /// - Parameter shape: the checkpoint's `[D, C, p, p]`.
  init(convolution shape: [Int], bias: Bool, in scope: ParameterScope) throws {
    let inputWidth = shape.dropFirst().reduce(1, *)
    let bound = 1 / Float(inputWidth).squareRoot()
    try self.init(
      weight: scope.parameter("weight", shape: shape, start: .uniform(bound: bound)),
      bias: bias
        ? scope.parameter("bias", shape: [shape[0]], start: .uniform(bound: bound)) : nil)
  }
}
