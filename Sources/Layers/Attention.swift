import Tensors

/// Multi-head attention (Vaswani et al. 2017, arXiv:1706.03762, §3.2.2), as
/// `torch.nn.MultiheadAttention` with its input projection split in three.
///
/// Shapes: queries `[Q, D]`, keys and values `[K, E]` → `[Q, D]`; scale 1/√(D / heads). The layout
/// says which keys a query sees, so self, cross and causal attention are this one module.
public struct Attention: Module {
  /// What the four projections are called in the checkpoint.
  public struct Names: Sendable, Hashable {
    public var query: String
    public var key: String
    public var value: String
    public var output: String

    public init(
      query: String = "q_proj", key: String = "k_proj", value: String = "v_proj",
      output: String = "out_proj"
    ) {
      self.query = query
      self.key = key
      self.value = value
      self.output = output
    }
  }

  public let query: Linear
  public let key: Linear
  public let value: Linear
  public let output: Linear
  public let heads: Int
  /// Its probabilities' name in ``Captures``: the module's path in the checkpoint.
  public let name: String

  public var parameters: [Parameter] { [query, key, value, output].flatMap(\.parameters) }

  /// - Parameters:
  ///   - width: D.
  ///   - keyWidth: E; D when nil.
  ///   - deviation: of the weights' normal start; nil for PyTorch's uniform one of `Linear`.
  /// - Precondition: `heads` divides `width`.
  public init(
    _ width: Int, keyWidth: Int? = nil, heads: Int, bias: Bool = true, deviation: Float? = 0.02,
    names: Names = Names(), in scope: ParameterScope
  ) throws {
    precondition(heads > 0 && width % heads == 0, "\(heads) heads do not divide width \(width)")
    func linear(_ inputWidth: Int, _ name: String) throws -> Linear {
      try Linear(inputWidth, width, bias: bias, deviation: deviation, in: scope(name))
    }
    query = try linear(width, names.query)
    key = try linear(keyWidth ?? width, names.key)
    value = try linear(keyWidth ?? width, names.value)
    output = try linear(width, names.output)
    self.heads = heads
    name = scope.path
  }

  /// - Parameters:
  ///   - layout: each sequence of queries sees all keys of the sequence of the same index when nil.
  ///   - residual: added to the result in the same pass.
  public func callAsFunction(
    _ queries: Rows, attendingTo keys: Rows, layout: AttentionLayout? = nil,
    addingTo residual: Tensor? = nil, in context: Context
  ) -> Rows {
    queries.with(
      context.scoped {
        let mixed = context.tape.attention(
          queries: query(queries.tensor, in: context), keys: key(keys.tensor, in: context),
          values: value(keys.tensor, in: context), heads: heads,
          layout: layout ?? .full(queries: queries.segments, keys: keys.segments), name: name)
        return output(mixed, addingTo: residual, in: context)
      })
  }

  /// Forward FLOPs of one sequence in which every query sees every key.
  public func flops(queries: Int, keys: Int) -> Int {
    query.flops(rows: queries) + key.flops(rows: keys) + value.flops(rows: keys)
      + output.flops(rows: queries) + 4 * queries * keys * query.outputWidth
  }
}
