import Datasets
import Layers
import Tensors

/// A small vision transformer that a run makes itself.
///
/// Shapes: B images of C·H·W pixels, or spectrograms of 1·H·W, → `[Σ patches, D]`; no class token. Without layers it is a convolution
/// whose stride is its kernel, positions where there are some, and LayerNorm.
///
/// Source: Dosovitskiy et al. 2021, *ViT*, arXiv:2010.11929, with pre-norm layers and a final norm.
/// Departure: patches are averaged where one vector an image is wanted.
public struct SmallEncoder: VisionEncoder {
  private let config: SmallEncoderConfig
  private let input: InputShape
  private let embeddings: PatchEmbedding
  private let layers: [PreNormLayer]
  private let norm: LayerNorm

  public var width: Int { config.width }
  public var patchSize: Int { config.patch }
  public var layerCount: Int { layers.count }
  public var leadingTokens: Int { 0 }
  public var parameters: [Parameter] {
    embeddings.parameters + layers.flatMap(\.parameters) + norm.parameters
  }

  /// - Parameter input: channels of all media; height and width of those that the positions are learned
  ///   for.
  /// - Throws: ``EncoderError`` if the patch does not divide height and width; what the scope's reader
  ///   throws.
  public init(_ config: SmallEncoderConfig, input: InputShape, in scope: ParameterScope) throws {
    guard input.height % config.patch == 0, input.width % config.patch == 0 else {
      throw EncoderError(
        key: "patch",
        rule:
          "must divide the height of \(input.height) and the width of \(input.width) of its input",
        found: "\(config.patch)")
    }
    self.config = config
    self.input = input
    embeddings = try PatchEmbedding(
      width: config.width, input: input, patch: config.patch,
      names: config.positions == .learned ? .small : .smallWithoutPositions, in: scope)
    layers = try PreNormLayer.small(config, count: config.layers, in: scope)
    norm = try LayerNorm(config.width, in: scope("norm"))
  }

  public func hidden(
    _ images: [ImageBatch], depth: Int, finalNorm: Bool, in context: Context
  ) -> Rows {
    precondition(depth >= 0 && depth <= layerCount, "layer \(depth) of \(layerCount)")
    let last = layers.prefix(depth).reduce(embeddings(images, in: context)) { rows, layer in
      layer(rows, in: context)
    }
    return finalNorm ? norm(last, in: context) : last
  }

  public func parameters(depth: Int, finalNorm: Bool) -> [Parameter] {
    embeddings.parameters + layers.prefix(depth).flatMap(\.parameters)
      + (finalNorm ? norm.parameters : [])
  }

  public func forwardFLOPs(height: Int, width: Int, depth: Int) -> Double {
    flops(embeddings, layers.prefix(depth), height: height, width: width)
  }

  public func copied(prefix: String) throws -> Self {
    try copy(prefix: prefix) { try Self(config, input: input, in: $0) }
  }
}

/// A small transformer over a caption's tokens, each of which sees all of them.
///
/// Shapes: B captions of R tokens together → `[R, D]`.
public struct SmallTextEncoder: Module {
  private let tokens: Embedding
  private let positions: Embedding
  private let layers: [PreNormLayer]
  private let norm: LayerNorm

  public var parameters: [Parameter] {
    tokens.parameters + positions.parameters + layers.flatMap(\.parameters) + norm.parameters
  }

  /// - Parameters:
  ///   - vocabulary: token ids are below it.
  ///   - length: tokens of a caption that are read; later ones are cut off.
  public init(
    _ config: SmallEncoderConfig, vocabulary: Int, length: Int, in scope: ParameterScope
  ) throws {
    tokens = try Embedding(vocabulary, width: config.width, in: scope("token_embedding"))
    positions = try Embedding(length, width: config.width, in: scope("position_embedding"))
    layers = try PreNormLayer.small(config, count: config.textLayers, in: scope)
    norm = try LayerNorm(config.width, in: scope("norm"))
  }

  /// - Precondition: no caption is empty, ids are below the vocabulary.
  public func callAsFunction(_ captions: [[Int32]], in context: Context) -> Rows {
    let tape = context.tape
    let read = captions.map { $0.prefix(positions.count) }
    let start = Rows(
      tape.add(
        tokens(read.flatMap { $0 }, in: context),
        positions(read.flatMap { (0..<$0.count).map(Int32.init) }, in: context)),
      Segments(lengths: read.map(\.count)))
    precondition(start.segments.lengths.allSatisfy { $0 > 0 }, "a caption has no token")
    return norm(layers.reduce(start) { rows, layer in layer(rows, in: context) }, in: context)
  }
}

extension PreNormLayer {
  /// Layers of either side, with PyTorch's start values of `Linear`.
  fileprivate static func small(
    _ config: SmallEncoderConfig, count: Int, in scope: ParameterScope
  ) throws -> [PreNormLayer] {
    try (0..<count).map { index in
      try PreNormLayer(
        config.width, hidden: config.width * config.ffnMultiplier, heads: config.heads,
        deviation: nil, in: scope("layers")(index))
    }
  }
}
