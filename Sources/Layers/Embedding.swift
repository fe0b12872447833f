import Tensors

/// A table of learned rows, looked up by number, as `torch.nn.Embedding`.
///
/// Shapes: R numbers below V → `[R, D]`; the table is `[V, D]`.
public struct Embedding: Module {
  public let weight: Parameter

  public var parameters: [Parameter] { [weight] }
  /// V.
  public var count: Int { weight.shape[0] }
  /// D.
  public var width: Int { weight.shape[1] }

  /// - Parameter deviation: of the table's normal start; 1 is PyTorch's.
  public init(
    _ count: Int, width: Int, deviation: Float = 0.02, in scope: ParameterScope
  ) throws {
    weight = try scope.parameter(
      "weight", shape: [count, width], start: .normal(deviation: deviation))
  }

  /// - Precondition: ids are in 0..<V.
  public func callAsFunction(_ ids: [Int32], in context: Context) -> Tensor {
    context.tape.embedding(weight, ids: ids)
  }
}
