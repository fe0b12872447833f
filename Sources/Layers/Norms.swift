import Tensors

/// Layer normalisation over the width (Ba et al. 2016, arXiv:1607.06450), as `torch.nn.LayerNorm`.
///
/// Shapes: `[R, D]` → `[R, D]`; weight and bias are `[D]`.
public struct LayerNorm: Module {
  public let weight: Parameter
  public let bias: Parameter
  public let epsilon: Float

  public var parameters: [Parameter] { [weight, bias] }

  /// - Parameter gain: what the weights start at.
  public init(
    _ width: Int, epsilon: Float = 1e-5, gain: Float = 1, in scope: ParameterScope
  ) throws {
    weight = try scope.parameter("weight", shape: [width], start: .constant(gain))
    bias = try scope.parameter("bias", shape: [width], start: .zeros)
    self.epsilon = epsilon
  }

  public func callAsFunction(_ input: Tensor, in context: Context) -> Tensor {
    context.tape.layerNorm(input, weight: weight, bias: bias, epsilon: epsilon)
  }

  public func callAsFunction(_ input: Rows, in context: Context) -> Rows {
    input.with(self(input.tensor, in: context))
  }
}

/// Root-mean-square normalisation (Zhang & Sennrich 2019, arXiv:1910.07467), as `LlamaRMSNorm`.
///
/// Shapes: `[R, D]` → `[R, D]`; weight is `[D]`, or narrower for rows of heads that are normed one by one.
public struct RMSNorm: Module {
  public let weight: Parameter
  public let epsilon: Float

  public var parameters: [Parameter] { [weight] }

  public init(_ width: Int, epsilon: Float, in scope: ParameterScope) throws {
    weight = try scope.parameter("weight", shape: [width], start: .ones)
    self.epsilon = epsilon
  }

  public func callAsFunction(_ input: Tensor, in context: Context) -> Tensor {
    context.tape.rmsNorm(input, weight: weight, epsilon: epsilon)
  }
}
