import Layers
import Synchronization
import Tensors

/// Grouped-query self-attention with rotary positions, in some models with normed queries and keys, in some
/// layers of others without positions.
///
/// Source: `LlamaAttention`, `Qwen2Attention`, `Qwen3Attention` and `SmolLM3Attention` of Hugging Face
/// transformers 4.57 and 5.
struct LlamaAttention: Module {
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear
  /// Of each head of the queries and of the keys, `[head width]`.
  let queryNorm: RMSNorm?
  let keyNorm: RMSNorm?
  let isRotated: Bool
  let heads: Int
  /// Under which captured probabilities are found.
  let name: String

  var parameters: [Parameter] {
    query.parameters + key.parameters + value.parameters + output.parameters
      + (queryNorm?.parameters ?? []) + (keyNorm?.parameters ?? [])
  }

  init(_ shape: DecoderDescription, layer: Int, in scope: ParameterScope) throws {
    func linear(_ name: String, _ input: Int, _ output: Int, bias: Bool) throws -> Linear {
      try Linear(input, output, bias: bias, deviation: shape.initializerRange, in: scope(name))
    }
    let keyWidth = shape.keyValueHeads * shape.headWidth
    let queryWidth = shape.heads * shape.headWidth
    query = try linear("q_proj", shape.width, queryWidth, bias: shape.hasQueryKeyValueBias)
    key = try linear("k_proj", shape.width, keyWidth, bias: shape.hasQueryKeyValueBias)
    value = try linear("v_proj", shape.width, keyWidth, bias: shape.hasQueryKeyValueBias)
    output = try linear("o_proj", queryWidth, shape.width, bias: shape.hasOutputBias)
    func norm(_ name: String) throws -> RMSNorm? {
      guard shape.normsQueriesAndKeys else { return nil }
      return try RMSNorm(shape.headWidth, epsilon: shape.normEpsilon, in: scope(name))
    }
    queryNorm = try norm("q_norm")
    keyNorm = try norm("k_norm")
    isRotated = !shape.layersWithoutRotary.contains(layer)
    heads = shape.heads
    name = String(scope.prefix.dropLast())
  }

  /// Queries or keys as the scores take them.
  private func prepared(
    _ input: Tensor, _ norm: RMSNorm?, positions: [Int32], pass: DecoderPass, in context: Context
  ) -> Tensor {
    let normed = norm.map { $0(input, in: context) } ?? input
    return isRotated
      ? context.tape.rotary(normed, table: pass.rotary, positions: positions) : normed
  }

  /// - Parameters:
  ///   - input: normalised rows `[R, H]`.
  ///   - residual: `[output rows, H]`, added to the result.
  func callAsFunction(
    _ input: Tensor, addingTo residual: Tensor, layer: Int, pass: DecoderPass, in context: Context
  ) -> Tensor {
    let tape = context.tape
    var keys = prepared(
      key(input, in: context), keyNorm, positions: pass.positions, pass: pass, in: context)
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
    let queries = prepared(
      query(queryInput, in: context), queryNorm, positions: positions, pass: pass, in: context)
    let attended = tape.attention(
      queries: queries, keys: keys, values: values, heads: heads, layout: layout, name: name)
    return output(attended, addingTo: residual, in: context)
  }
}

/// down(silu(gate(x)) · up(x)) (Shazeer 2020, arXiv:2002.05202).
struct LlamaFeedForward: Module {
  let gate: Linear
  let up: Linear
  let down: Linear

  var parameters: [Parameter] { gate.parameters + up.parameters + down.parameters }

  init(_ shape: DecoderDescription, in scope: ParameterScope) throws {
    func linear(_ name: String, _ input: Int, _ output: Int) throws -> Linear {
      try Linear(
        input, output, bias: shape.hasFeedForwardBias, deviation: shape.initializerRange,
        in: scope(name))
    }
    gate = try linear("gate_proj", shape.width, shape.feedForwardWidth)
    up = try linear("up_proj", shape.width, shape.feedForwardWidth)
    down = try linear("down_proj", shape.feedForwardWidth, shape.width)
  }

  func callAsFunction(
    _ input: Tensor, addingTo residual: Tensor, in context: Context
  ) -> Tensor {
    let activated = context.tape.swiglu(
      gate: gate(input, in: context), up: up(input, in: context))
    return down(activated, addingTo: residual, in: context)
  }
}

/// x + attention(norm(x)), then x + FFN(norm(x)).
struct LlamaLayer: Module {
  let attentionNorm: RMSNorm
  let attention: LlamaAttention
  let feedForwardNorm: RMSNorm
  let feedForward: LlamaFeedForward

  var parameters: [Parameter] {
    attentionNorm.parameters + attention.parameters + feedForwardNorm.parameters
      + feedForward.parameters
  }

  init(_ shape: DecoderDescription, layer: Int, in scope: ParameterScope) throws {
    attentionNorm = try RMSNorm(
      shape.width, epsilon: shape.normEpsilon, in: scope("input_layernorm"))
    attention = try LlamaAttention(shape, layer: layer, in: scope("self_attn"))
    feedForwardNorm = try RMSNorm(
      shape.width, epsilon: shape.normEpsilon, in: scope("post_attention_layernorm"))
    feedForward = try LlamaFeedForward(shape, in: scope("mlp"))
  }

  /// `[R, H]` → `[output rows, H]`.
  func callAsFunction(
    _ input: Tensor, layer: Int, pass: DecoderPass, in context: Context
  ) -> Tensor {
    let residual = pass.outputRows.map { context.tape.gather(input, rows: $0) } ?? input
    let attended = context.scoped {
      attention(
        attentionNorm(input, in: context), addingTo: residual, layer: layer, pass: pass,
        in: context)
    }
    return context.scoped {
      feedForward(feedForwardNorm(attended, in: context), addingTo: attended, in: context)
    }
  }
}

/// What all layers of one pass share.
struct DecoderPass {
  let positions: [Int32]
  let layout: AttentionLayout
  /// Rows the layer returns; all when nil.
  var outputRows: [Int32]?
  let rotary: RotaryTable
  let cache: KeyValueCache?
}

/// The Llama decoder with its head; with biases on q, k and v the Qwen2 one, with norms on queries and keys
/// the Qwen3 one, with layers that do not rotate the SmolLM3 one. Parameter names are the checkpoint's.
///
/// Shapes: R packed rows of width H → hidden states `[R, H]`.
///
/// Source: Touvron et al. 2023, arXiv:2302.13971; Qwen2 and Qwen3 technical reports, arXiv:2407.10671 and
/// 2505.09388; `LlamaForCausalLM`, `Qwen2ForCausalLM`, `Qwen3ForCausalLM` and `SmolLM3ForCausalLM` of
/// transformers 4.57 and 5. Dropout of `config.json` is not applied.
public struct LlamaForCausalLM: LanguageModel {
  public let description: DecoderDescription
  public let embeddingTable: Parameter
  let layers: [LlamaLayer]
  let norm: RMSNorm
  /// Nil when the embedding table is the head.
  let head: Parameter?
  private let rotary: RotaryTables

  public var width: Int { description.width }
  public var vocabularySize: Int { description.vocabularySize }
  public var maximumPositions: Int { description.maximumPositions }
  public var headWeight: Parameter { head ?? embeddingTable }
  public var cacheWidths: [Int] {
    layers.map { _ in description.keyValueHeads * description.headWidth }
  }

  public var parameters: [Parameter] {
    [embeddingTable] + layers.flatMap(\.parameters) + norm.parameters + (head.map { [$0] } ?? [])
  }

  public init(_ description: DecoderDescription, in scope: ParameterScope) throws {
    self.description = description
    let start = Initialization.normal(deviation: description.initializerRange)
    let tableShape = [description.vocabularySize, description.width]
    let body = scope("model")
    embeddingTable = try body("embed_tokens").matrix("weight", shape: tableShape, start: start)
    layers = try (0..<description.layers).map { index in
      try LlamaLayer(description, layer: index, in: body("layers")(index))
    }
    norm = try RMSNorm(description.width, epsilon: description.normEpsilon, in: body("norm"))
    head =
      description.tiesEmbeddings
      ? nil : try scope("lm_head").matrix("weight", shape: tableShape, start: start)
    rotary = RotaryTables(description.inverseFrequencies)
  }

  public func embed(_ ids: [Int32], in context: Context) -> Tensor {
    context.tape.embedding(embeddingTable, ids: ids)
  }

  public func hidden(
    _ embeddings: Tensor, positions: [Int32], layout: AttentionLayout, outputRows: [Int32]?,
    cache: KeyValueCache?, in context: Context
  ) -> Tensor {
    precondition(
      embeddings.width == width && positions.count == embeddings.rows,
      "a decoder of width \(width) got \(embeddings.shape) with \(positions.count) positions")
    var pass = DecoderPass(
      positions: positions, layout: layout, outputRows: nil,
      rotary: rotary.table(positions: Int(positions.max() ?? 0) + 1), cache: cache)
    return context.scoped {
      var rows = embeddings
      for (index, layer) in layers.enumerated() {
        if index == layers.count - 1 { pass.outputRows = outputRows }
        rows = context.scoped { layer(rows, layer: index, pass: pass, in: context) }
      }
      return norm(rows, in: context)
    }
  }

  public func forwardFLOPs(_ work: DecoderWork) -> Double {
    let d = description
    let queryWidth = d.heads * d.headWidth
    let keyWidth = d.keyValueHeads * d.headWidth
    let keyWeights = 2 * d.width * keyWidth
    let rowWeights = 2 * d.width * queryWidth + 3 * d.width * d.feedForwardWidth
    func layer(keyRows: Int, rows: Int, pairs: Int) -> Double {
      // Two products a pair, one with the key and one with the value.
      2 * Double(keyRows * keyWeights + rows * rowWeights + 2 * pairs * queryWidth)
    }
    return Double(layers.count - 1)
      * layer(keyRows: work.rows, rows: work.rows, pairs: work.pairs)
      + layer(keyRows: work.rows, rows: work.outputRows, pairs: work.outputPairs)
      + 2 * Double(work.logitRows * d.vocabularySize * d.width)
  }
}

/// Rotary tables that grow with the positions asked for.
final class RotaryTables: Sendable {
  private let inverseFrequencies: [Float]
  private let table: Mutex<RotaryTable>

  init(_ inverseFrequencies: [Float]) {
    self.inverseFrequencies = inverseFrequencies
    table = Mutex(RotaryTable(inverseFrequencies: inverseFrequencies, positions: 512))
  }

  func table(positions: Int) -> RotaryTable {
    table.withLock { table in
      if table.positions < positions {
        table = RotaryTable(
          inverseFrequencies: inverseFrequencies, positions: max(positions, 2 * table.positions))
      }
      return table
    }
  }
}
