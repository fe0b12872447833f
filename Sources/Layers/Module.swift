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

/// Maps patch features to visual tokens of the language model's width.
///
/// Shapes: B images of P patches `[B·P, D]` → B sequences of visual tokens `[B·L, H]`.
public protocol Projector: Module {
  func callAsFunction(_ patches: Rows, in context: Context) -> Rows

  /// L, for an image of so many patches.
  func visualTokens(patches: Int) -> Int

  /// FLOPs of the forward pass for one image: matrix products only, a multiply-add counts as 2.
  func flopsPerSample(patches: Int) -> Int

  /// Attentions whose queries are learned and whose first P keys are the patches, in their order;
  /// keys past these are no patches (the Perceiver's latents). Empty for a projector without
  /// attention.
  var attentionMaps: [AttentionMap] { get }

  /// Every attention of the queries in the order in which they run, each with a residual connection:
  /// ``attentionMaps``, whose keys past the patches are the queries, and those whose keys are the
  /// queries alone. For rollout; ``attentionMaps`` unless given.
  var attentionFlow: [AttentionMap] { get }
}

extension Projector {
  public var attentionMaps: [AttentionMap] { [] }
  public var attentionFlow: [AttentionMap] { attentionMaps }
}
