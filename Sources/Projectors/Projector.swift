import Layers
import Tensors

/// Maps patch features to visual tokens of the language model's width.
///
/// Shapes: B media of P₁ … P_B patches `[ΣP, D]` → B sequences of visual tokens `[ΣL, H]`.
public protocol Projector: Module {
  func callAsFunction(_ patches: Patches, in context: Context) -> Rows

  /// Whether media of this grid can be projected; any can, unless a projector says otherwise.
  ///
  /// - Throws: ``ProjectorError`` that says why not.
  func check(_ grid: PatchGrid) throws(ProjectorError)

  /// L, for a medium of this grid.
  func visualTokens(of grid: PatchGrid) -> Int

  /// Whether the visual tokens depend on the patches; not those of a control that never sees an image.
  var readsPatches: Bool { get }

  /// FLOPs of the forward pass for one medium: matrix products only, a multiply-add counts as 2.
  func flops(of grid: PatchGrid) -> Int

  /// What one learned query of ``attentionMaps`` is called ("query", "latent"); nil for a projector without.
  var queryNoun: String? { get }

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
  public func check(_ grid: PatchGrid) throws(ProjectorError) {}
  public var readsPatches: Bool { true }
  public var queryNoun: String? { nil }
  public var attentionMaps: [AttentionMap] { [] }
  public var attentionFlow: [AttentionMap] { attentionMaps }
}

/// Attention probabilities that a projector leaves in `Captures`, and what they lie over.
public struct AttentionMap: Sendable, Hashable {
  /// Under which name.
  public let name: String
  /// The layer it belongs to, from 0.
  public let layer: Int

  public init(name: String, layer: Int) {
    self.name = name
    self.layer = layer
  }
}
