import Tensors

/// Anything with weights.
public protocol Module: Sendable {
  /// Every weight once, in the order of the checkpoint.
  var parameters: [Parameter] { get }
}

extension Module {
  /// How many numbers the weights hold.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Marks the weights as learning or frozen.
  public func setTrainable(_ isTrainable: Bool) {
    for parameter in parameters { parameter.store.setTrainable([parameter], isTrainable) }
  }
}

/// Maps patch features to visual tokens of the language model's width.
///
/// Shapes: B images of P patches `[B·P, D]` → B sequences of visual tokens `[B·L, H]`.
public protocol Projector: Module {
  func callAsFunction(_ patches: Rows, in context: Context) -> Rows
}
