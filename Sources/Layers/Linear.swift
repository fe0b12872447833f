import Tensors

/// y = x Wᵀ + b.
///
/// Shapes: `[R, in]` → `[R, out]`; W is `[out, in]` as in `torch.nn.Linear`, whose start values it
/// takes by default: uniform within 1/√in for weight and bias.
public struct Linear: Module {
  public let weight: Parameter
  public let bias: Parameter?

  public var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }
  public var inputWidth: Int { weight.count / weight.shape[0] }
  public var outputWidth: Int { weight.shape[0] }

  /// A map with weights made elsewhere; W may have more than two axes, all but the first read
  /// together.
  public init(weight: Parameter, bias: Parameter?) {
    self.weight = weight
    self.bias = bias
  }

  /// - Parameters:
  ///   - deviation: when given, weights start normal with this standard deviation and the bias 0.
  public init(
    _ inputWidth: Int, _ outputWidth: Int, bias: Bool = true, deviation: Float? = nil,
    in scope: ParameterScope
  ) throws {
    let bound = 1 / Float(inputWidth).squareRoot()
    weight = try scope.matrix(
      "weight", shape: [outputWidth, inputWidth],
      start: deviation.map { .normal(deviation: $0) } ?? .uniform(bound: bound))
    self.bias =
      bias
      ? try scope.parameter(
        "bias", shape: [outputWidth], start: deviation == nil ? .uniform(bound: bound) : .zeros)
      : nil
  }

  /// - Parameter residual: added to the result in the same pass.
  public func callAsFunction(
    _ input: Tensor, addingTo residual: Tensor? = nil, in context: Context
  ) -> Tensor {
    context.tape.linear(input, weight, bias: bias, addingTo: residual)
  }

  public func callAsFunction(_ input: Rows, in context: Context) -> Rows {
    input.with(self(input.tensor, in: context))
  }

  /// Forward FLOPs; a multiply-add counts as 2.
  public func flops(rows: Int) -> Int { 2 * rows * weight.count }
}
