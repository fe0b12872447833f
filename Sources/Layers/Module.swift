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
    parameters.setTrainable(isTrainable)
  }
}
