import Tensors

/// Two maps with a nonlinearity between, row by row: W₂ f(W₁ x + b₁) + b₂ (Vaswani et al. 2017,
/// §3.3).
///
/// Shapes: `[R, D]` → `[R, D]`, through a hidden width.
public struct FeedForward: Module {
  /// What the two maps are called in the checkpoint.
  public struct Names: Sendable, Hashable {
    public var first: String
    public var second: String

    public init(first: String = "fc1", second: String = "fc2") {
      self.first = first
      self.second = second
    }
  }

  public let first: Linear
  public let second: Linear
  public let activation: Activation

  public var parameters: [Parameter] { first.parameters + second.parameters }

  /// - Parameter deviation: of the weights' normal start; nil for PyTorch's uniform one of
  ///   `Linear`.
  public init(
    _ width: Int, hidden: Int, activation: Activation = .gelu, bias: Bool = true,
    deviation: Float? = 0.02, names: Names = Names(), in scope: ParameterScope
  ) throws {
    first = try Linear(width, hidden, bias: bias, deviation: deviation, in: scope(names.first))
    second = try Linear(hidden, width, bias: bias, deviation: deviation, in: scope(names.second))
    self.activation = activation
  }

  /// - Parameter residual: added to the result in the same pass.
  public func callAsFunction(
    _ input: Tensor, addingTo residual: Tensor? = nil, in context: Context
  ) -> Tensor {
    context.scoped {
      let hidden = context.tape.activation(activation, first(input, in: context))
      return second(hidden, addingTo: residual, in: context)
    }
  }

  /// Forward FLOPs.
  public func flops(rows: Int) -> Int { first.flops(rows: rows) + second.flops(rows: rows) }
}
