import Layers
import Storage
import Tensors

/// What `config.json` says of a vision transformer: the part that CLIP, SigLIP and ViT share.
public struct VisionTransformerDescription: Sendable, Hashable {
  public var hiddenSize = 768
  public var hiddenLayers = 12
  public var attentionHeads = 12
  public var intermediateSize = 3072
  /// Side of the square images that the position table belongs to.
  public var imageSize = 224
  public var patchSize = 16
  public var channels = 3
  public var layerNormEpsilon: Float
  public var activation: Activation

  public init(layerNormEpsilon: Float, activation: Activation) {
    self.layerNormEpsilon = layerNormEpsilon
    self.activation = activation
  }

  /// What the file says, over the class's defaults.
  init(_ file: ModelConfigFile, defaults: Self) throws(ModelFileError) {
    self = defaults
    (hiddenSize, attentionHeads) = try file.widthAndHeads(
      width: defaults.hiddenSize, heads: defaults.attentionHeads)
    (imageSize, patchSize) = try file.imageAndPatch(
      image: defaults.imageSize, patch: defaults.patchSize)
    hiddenLayers = try file.count("num_hidden_layers", else: defaults.hiddenLayers)
    intermediateSize = try file.count("intermediate_size", else: defaults.intermediateSize)
    channels = try file.count("num_channels", else: defaults.channels)
    layerNormEpsilon = Float(
      try file.positive("layer_norm_eps", else: Double(defaults.layerNormEpsilon)))
    activation = try file.activation("hidden_act", else: defaults.activation)
  }

  /// The layers, each under its number.
  func layers(
    _ names: PreNormLayer.Names = PreNormLayer.Names(), in scope: ParameterScope
  ) throws -> [PreNormLayer] {
    try (0..<hiddenLayers).map { index in
      try PreNormLayer(
        hiddenSize, hidden: intermediateSize, heads: attentionHeads, activation: activation,
        epsilon: layerNormEpsilon, names: names, in: scope(index))
    }
  }
}
