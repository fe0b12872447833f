import Layers
import Tensors

/// x ← x + attention(norm₁(x)); x ← x + FFN(norm₂(x)): the layer of ViT, CLIP and SigLIP.
///
/// Shapes: `[R, D]` → `[R, D]`.
///
/// Source: Dosovitskiy et al. 2021, *ViT*, arXiv:2010.11929, equations 2 and 3.
struct PreNormLayer: EncoderLayerModule {
  /// What the parts are called in the checkpoint; CLIP's and SigLIP's names unless given.
  struct Names {
    var norm1 = "layer_norm1"
    var attention = "self_attn"
    var projections = Attention.Names()
    var norm2 = "layer_norm2"
    /// Both maps of the FFN, from the layer on.
    var ffn = FeedForward.Names(first: "mlp.fc1", second: "mlp.fc2")
  }

  private let norm1: LayerNorm
  private let attention: Attention
  private let norm2: LayerNorm
  private let ffn: FeedForward

  var parameters: [Parameter] {
    norm1.parameters + attention.parameters + norm2.parameters + ffn.parameters
  }

  /// - Parameter deviation: of the weights' normal start; nil for PyTorch's uniform one.
  /// - Precondition: `heads` divides `width`.
  init(
    _ width: Int, hidden: Int, heads: Int, activation: Activation = .gelu, epsilon: Float = 1e-5,
    deviation: Float? = 0.02, names: Names = Names(), in scope: ParameterScope
  ) throws {
    norm1 = try LayerNorm(width, epsilon: epsilon, in: scope(names.norm1))
    attention = try Attention(
      width, heads: heads, deviation: deviation, names: names.projections,
      in: scope(names.attention))
    norm2 = try LayerNorm(width, epsilon: epsilon, in: scope(names.norm2))
    ffn = try FeedForward(
      width, hidden: hidden, activation: activation, deviation: deviation, names: names.ffn,
      in: scope)
  }

  /// - Parameter layout: which rows a row sees; all of its sequence when nil.
  func callAsFunction(_ x: Rows, layout: AttentionLayout? = nil, in context: Context) -> Rows {
    x.with(
      context.scoped {
        let normed = norm1(x, in: context)
        let middle = attention(
          normed, attendingTo: normed, layout: layout, addingTo: x.tensor, in: context)
        return ffn(norm2(middle, in: context).tensor, addingTo: middle.tensor, in: context)
      })
  }

  func flops(rows: Int) -> Int {
    attention.flops(queries: rows, keys: rows) + ffn.flops(rows: rows)
  }
}
