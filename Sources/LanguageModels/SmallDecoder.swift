import Layers
import Tensors

/// Self-attention of the small decoder: as many heads of keys as of queries.
struct SmallAttention: Module {
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear
  let heads: Int
  /// Under which captured probabilities are found.
  let name: String

  var parameters: [Parameter] { [query, key, value, output].flatMap(\.parameters) }

  init(_ config: SmallDecoderConfig, in scope: ParameterScope) throws {
    func linear(_ name: String) throws -> Linear {
      try Linear(
        config.width, config.width, bias: config.bias, deviation: SmallDecoder.deviation,
        in: scope(name))
    }
    query = try linear("q_proj")
    key = try linear("k_proj")
    value = try linear("v_proj")
    output = try linear("o_proj")
    heads = config.heads
    name = scope.path
  }

  /// - Parameters:
  ///   - input: rows `[R, H]`.
  ///   - residual: `[output rows, H]`, added to the result; nil for none.
  func callAsFunction(
    _ input: Tensor, addingTo residual: Tensor?, layer: Int, pass: SmallDecoderPass,
    in context: Context
  ) -> Tensor {
    let tape = context.tape
    func turned(_ rows: Tensor, _ positions: [Int32]) -> Tensor {
      pass.rotary.map { tape.rotary(rows, table: $0, positions: positions) } ?? rows
    }
    var keys = turned(key(input, in: context), pass.positions)
    var values = value(input, in: context)
    if let cache = pass.cache {
      (keys, values) = cache.append(layer: layer, keys: keys, values: values, in: context)
    }
    var queryInput = input
    var positions = pass.positions
    var layout = pass.layout
    if let rows = pass.outputRows {
      queryInput = tape.gather(input, rows: rows)
      positions = rows.map { pass.positions[Int($0)] }
      layout = layout.restricted(to: rows)
    }
    let attended = tape.attention(
      queries: turned(query(queryInput, in: context), positions), keys: keys, values: values,
      heads: heads, layout: layout, name: name)
    return output(attended, addingTo: residual, in: context)
  }
}

/// down(silu(gate(x)) · up(x)), or down(relu(up(x))).
struct SmallFeedForward: Module {
  /// Nil for ReLU.
  let gate: Linear?
  let up: Linear
  let down: Linear

  var parameters: [Parameter] { (gate?.parameters ?? []) + up.parameters + down.parameters }

  init(_ config: SmallDecoderConfig, in scope: ParameterScope) throws {
    let hidden = config.width * config.ffnMultiplier
    func linear(_ name: String, _ input: Int, _ output: Int) throws -> Linear {
      try Linear(
        input, output, bias: config.bias, deviation: SmallDecoder.deviation, in: scope(name))
    }
    gate = config.ffn == .swiglu ? try linear("gate_proj", config.width, hidden) : nil
    up = try linear("up_proj", config.width, hidden)
    down = try linear("down_proj", hidden, config.width)
  }

  func callAsFunction(
    _ input: Tensor, addingTo residual: Tensor?, layer: Int, dropout: Float, in context: Context
  ) -> Tensor {
    // The gate first, as Llama's layer has it: the order decides the last bits of gradients.
    let gates = gate.map { $0(input, in: context) }
    let raised = up(input, in: context)
    let activated =
      gates.map { context.tape.swiglu(gate: $0, up: raised) }
      ?? context.tape.activation(.relu, raised)
    let kept = context.dropout(activated, rate: dropout, at: "small decoder ffn inside", layer)
    return down(kept, addingTo: residual, in: context)
  }
}

/// RMSNorm or LayerNorm.
private enum SmallNorm: Module {
  case rms(RMSNorm)
  case layer(LayerNorm)

  var parameters: [Parameter] {
    switch self {
    case .rms(let norm): norm.parameters
    case .layer(let norm): norm.parameters
    }
  }

  init(_ config: SmallDecoderConfig, in scope: ParameterScope) throws {
    switch config.norm {
    case .preRMS: self = .rms(try RMSNorm(config.width, epsilon: 1e-5, in: scope))
    case .postLayer: self = .layer(try LayerNorm(config.width, in: scope))
    }
  }

  func callAsFunction(_ input: Tensor, in context: Context) -> Tensor {
    switch self {
    case .rms(let norm): norm(input, in: context)
    case .layer(let norm): norm(input, in: context)
    }
  }
}

/// pre_rms: x + attention(norm(x)), then x + FFN(norm(x)); post_layer: norm(x + attention(x)), then
/// norm(x + FFN(x)). Dropout on what attention and FFN add.
struct SmallDecoderLayer: Module {
  private let attentionNorm: SmallNorm
  private let attention: SmallAttention
  private let feedForwardNorm: SmallNorm
  private let feedForward: SmallFeedForward
  private let isPostNorm: Bool
  private let dropout: Float

  var parameters: [Parameter] {
    attentionNorm.parameters + attention.parameters + feedForwardNorm.parameters
      + feedForward.parameters
  }

  init(_ config: SmallDecoderConfig, in scope: ParameterScope) throws {
    attentionNorm = try SmallNorm(config, in: scope("input_layernorm"))
    attention = try SmallAttention(config, in: scope("self_attn"))
    feedForwardNorm = try SmallNorm(config, in: scope("post_attention_layernorm"))
    feedForward = try SmallFeedForward(config, in: scope("mlp"))
    isPostNorm = config.norm == .postLayer
    dropout = Float(config.dropout)
  }

  /// `[R, H]` → `[output rows, H]`.
  func callAsFunction(
    _ input: Tensor, layer: Int, pass: SmallDecoderPass, in context: Context
  ) -> Tensor {
    let kept = pass.outputRows.map { context.tape.gather(input, rows: $0) } ?? input
    let attended = sublayer(kept, norm: attentionNorm, "attention", layer, in: context) {
      attention(
        isPostNorm ? input : attentionNorm(input, in: context), addingTo: $0, layer: layer,
        pass: pass, in: context)
    }
    return sublayer(attended, norm: feedForwardNorm, "ffn", layer, in: context) {
      feedForward(
        isPostNorm ? attended : feedForwardNorm(attended, in: context), addingTo: $0, layer: layer,
        dropout: dropout, in: context)
    }
  }

  /// x + f(x) with dropout, normalised behind if that is where the norms stand.
  ///
  /// - Parameter f: adds its argument to its result.
  private func sublayer(
    _ residual: Tensor, norm: SmallNorm, _ place: String, _ layer: Int, in context: Context,
    f: (Tensor?) -> Tensor
  ) -> Tensor {
    context.scoped {
      let sum: Tensor
      if dropout > 0, context.mode == .training {
        let added = context.dropout(
          f(nil), rate: dropout, at: "small decoder \(place)", layer)
        sum = context.tape.add(residual, added)
      } else {
        sum = f(residual)
      }
      return isPostNorm ? norm(sum, in: context) : sum
    }
  }
}

/// What all layers of one pass share.
struct SmallDecoderPass {
  let positions: [Int32]
  let layout: AttentionLayout
  /// Rows the layer returns; all when nil.
  var outputRows: [Int32]?
  /// Nil where positions are learned.
  let rotary: RotaryTable?
  let cache: KeyValueCache?
}

/// A decoder that a run trains itself, of one of several forms.
///
/// With its default settings a Llama decoder (tied embeddings, one head of keys a head of queries), equal to
/// ``LlamaForCausalLM`` in names, start values and bits. With learned positions, `post_layer`, `relu`,
/// biases and a head of its own it is layers of `torch.nn.TransformerEncoderLayer(norm_first=False)`
/// (Vaswani et al. 2017, arXiv:1706.03762, §3) under a causal mask: what course material calls a decoder
/// without an encoder. Such material often takes `TransformerDecoderLayer` and gives its cross-attention
/// one zero vector to attend to; that adds only a bias, and is left out here. So is the dropout of
/// attention probabilities; dropout lies behind attention, inside the FFN and behind it.
///
/// Shapes: R packed rows of width H → hidden states `[R, H]`.
public struct SmallDecoder: LanguageModel {
  /// Of the normal start values of matrices and tables.
  static let deviation: Float = 0.02

  public let config: SmallDecoderConfig
  public let embeddingTable: Parameter
  public let headBias: Parameter?
  /// `[positions, H]`; nil for rotary ones.
  let positionTable: Parameter?
  let layers: [SmallDecoderLayer]
  private let norm: RMSNorm?
  /// Nil when the embedding table is the head.
  private let head: Parameter?
  private let rotary: RotaryTables?

  public var width: Int { config.width }
  public var vocabularySize: Int { embeddingTable.shape[0] }
  public var maximumPositions: Int { config.maximumPositions }
  public var headWeight: Parameter { head ?? embeddingTable }
  public var cacheWidths: [Int] { layers.map { _ in config.width } }

  public var parameters: [Parameter] {
    [embeddingTable, positionTable].compactMap { $0 } + layers.flatMap(\.parameters)
      + (norm?.parameters ?? []) + [head, headBias].compactMap { $0 }
  }

  /// - Precondition: the heads divide the width, for rotary positions into even widths.
  public init(
    _ config: SmallDecoderConfig, vocabularySize: Int, in scope: ParameterScope
  ) throws {
    precondition(config.problems.isEmpty, "a small decoder's settings were checked before")
    self.config = config
    let start = Initialization.normal(deviation: Self.deviation)
    let tableShape = [vocabularySize, config.width]
    let body = scope("model")
    embeddingTable = try body("embed_tokens").matrix("weight", shape: tableShape, start: start)
    positionTable =
      config.positions == .learned
      ? try body("positions").parameter(
        "weight", shape: [config.maximumPositions, config.width], start: start) : nil
    layers = try (0..<config.layers).map { index in
      try SmallDecoderLayer(config, in: body("layers")(index))
    }
    norm =
      config.norm == .preRMS ? try RMSNorm(config.width, epsilon: 1e-5, in: body("norm")) : nil
    let hasHead = config.head == .linear
    head = hasHead ? try scope("lm_head").matrix("weight", shape: tableShape, start: start) : nil
    headBias =
      hasHead
      ? try scope("lm_head").parameter("bias", shape: [vocabularySize], start: .zeros) : nil
    rotary =
      config.positions == .rotary
      ? RotaryTables(
        RotaryTable.inverseFrequencies(
          headDimension: config.width / config.heads, theta: 10000)) : nil
  }

  public func embed(_ ids: [Int32], in context: Context) -> Tensor {
    context.tape.embedding(embeddingTable, ids: ids)
  }

  public func hidden(
    _ embeddings: Tensor, positions: [Int32], layout: AttentionLayout, outputRows: [Int32]?,
    cache: KeyValueCache?, in context: Context
  ) -> Tensor {
    let largest = Int(positions.max() ?? 0)
    precondition(
      embeddings.width == width && positions.count == embeddings.rows,
      "a decoder of width \(width) got \(embeddings.shape) with \(positions.count) positions")
    precondition(
      largest < maximumPositions, "position \(largest) of a decoder for \(maximumPositions)")
    var pass = SmallDecoderPass(
      positions: positions, layout: layout, outputRows: nil,
      rotary: rotary?.table(positions: largest + 1), cache: cache)
    return context.scoped {
      var rows =
        positionTable.map {
          context.tape.add(embeddings, context.tape.embedding($0, ids: positions))
        } ?? embeddings
      for (index, layer) in layers.enumerated() {
        if index == layers.count - 1 { pass.outputRows = outputRows }
        rows = context.scoped { layer(rows, layer: index, pass: pass, in: context) }
      }
      return norm?(rows, in: context) ?? rows
    }
  }

  public func copied(prefix: String) throws -> SmallDecoder {
    let length = embeddingTable.name.count - "model.embed_tokens.weight".count
    return try SmallDecoder(
      config, vocabularySize: vocabularySize,
      in: .copies(of: parameters, dropping: length, prefix: prefix))
  }

  public func forwardFLOPs(_ work: DecoderWork) -> Double {
    let keyWeights = 2 * width * width
    let feedForwardMaps = config.ffn == .swiglu ? 3 : 2
    let rowWeights = 2 * width * width + feedForwardMaps * width * width * config.ffnMultiplier
    func layer(keyRows: Int, rows: Int, pairs: Int) -> Double {
      // Two products a pair, one with the key and one with the value.
      2 * Double(keyRows * keyWeights + rows * rowWeights + 2 * pairs * width)
    }
    return Double(layers.count - 1) * layer(keyRows: work.rows, rows: work.rows, pairs: work.pairs)
      + layer(keyRows: work.rows, rows: work.outputRows, pairs: work.outputPairs)
      + 2 * Double(work.logitRows * vocabularySize * width)
  }
}
