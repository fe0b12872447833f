import Layers
import Tensors

/// Pixels of several images of one size, normalised as the encoder wants them.
public struct ImageBatch: Sendable {
  /// `[B, C·H·W]`, channel first.
  public let pixels: Tensor
  public let height: Int
  public let width: Int

  public var count: Int { pixels.rows }

  public init(_ pixels: Tensor, height: Int, width: Int) {
    self.pixels = pixels
    self.height = height
    self.width = width
  }
}

/// A vision transformer: images in, one row a token out.
public protocol VisionEncoder: Module {
  /// D, the width of a token.
  var width: Int { get }
  /// Side of a patch in pixels.
  var patchSize: Int { get }
  /// L, the number of transformer layers.
  var layerCount: Int { get }
  /// Tokens before the patches (the class token: 1, SigLIP: 0).
  var leadingTokens: Int { get }
  /// Whether the last of transformers' `hidden_states` comes after the final norm (4.57).
  var normsLastHiddenState: Bool { get }

  /// The hidden states after `depth` layers, class token first: B images → `[Σ tokens, D]`.
  ///
  /// - Parameters:
  ///   - images: of several sizes; the rows are in their order, batch after batch.
  ///   - depth: 0 is what enters the first layer, L what leaves the last one.
  ///   - finalNorm: whether the model's final norm is applied.
  func hidden(_ images: [ImageBatch], depth: Int, finalNorm: Bool, in context: Context) -> Rows

  /// The weights that ``hidden(_:depth:finalNorm:in:)`` reads.
  func parameters(depth: Int, finalNorm: Bool) -> [Parameter]

  /// FLOPs of ``hidden(_:depth:finalNorm:in:)`` for one image of this size: matrix products only, a
  /// multiply-add counts as 2.
  func forwardFLOPs(height: Int, width: Int, depth: Int) -> Double

  /// An encoder with weights of its own, equal to this one's.
  ///
  /// - Parameter prefix: put before the weights' names.
  func copied(prefix: String) throws -> Self
}

extension VisionEncoder {
  public var normsLastHiddenState: Bool { false }

  /// Tokens of an image of this size, leading tokens included.
  public func tokens(height: Int, width: Int) -> Int {
    leadingTokens + (height / patchSize) * (width / patchSize)
  }

  /// ``forwardFLOPs(height:width:depth:)`` of an encoder that is a patch embedding and some layers.
  func flops(
    _ embeddings: PatchEmbedding, _ layers: ArraySlice<some EncoderLayerModule>, height: Int,
    width: Int
  ) -> Double {
    let rows = tokens(height: height, width: width)
    return Double(
      layers.reduce(embeddings.flops(patches: rows - leadingTokens)) { $0 + $1.flops(rows: rows) })
  }

  /// The same through all layers.
  public func forwardFLOPs(height: Int, width: Int) -> Double {
    forwardFLOPs(height: height, width: width, depth: layerCount)
  }

  /// How many layers `hidden_states[index]` has behind it.
  private func depth(_ index: Int) -> Int { index < 0 ? layerCount + 1 + index : index }

  /// How many layers the features of `layer` have behind them.
  public func depth(_ layer: EncoderLayer) -> Int {
    switch layer {
    case .last: layerCount
    case .hiddenState(let index): depth(index)
    }
  }

  /// Whether the features of `layer` come after the final norm.
  func isNormed(_ layer: EncoderLayer) -> Bool {
    layer == .last || normsLastHiddenState && depth(layer) == layerCount
  }

  /// The weights that decide the features of `layer`: those of later layers and of poolers are not among them.
  public func parameters(of layer: EncoderLayer) -> [Parameter] {
    parameters(depth: depth(layer), finalNorm: isNormed(layer))
  }

  /// An encoder that `make` builds, with this one's values in their formats.
  func copy(prefix: String, _ make: (ParameterScope) throws -> Self) throws -> Self {
    let store = ParameterStore(matrices: parameters.first?.store.matrices ?? .float32)
    let copy = try make(ParameterScope(store: store, prefix: prefix, format: { _, _, _ in }))
    let (targets, sources) = (copy.parameters, parameters)
    precondition(
      targets.map(\.shape) == sources.map(\.shape), "a copy has the weights of its original")
    for (target, source) in zip(targets, sources) { target.assign(from: source) }
    return copy
  }
}

/// One layer of an encoder.
protocol EncoderLayerModule: Module {
  /// Forward FLOPs of one sequence in which every row sees every row.
  func flops(rows: Int) -> Int
}
