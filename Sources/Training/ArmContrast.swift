import Configuration
import Foundation
import LanguageModels
import Layers
import Projectors
import Tensors

/// `training.contrast:`: what contrast stages compare images and texts by.
public struct ContrastConfig: ConfigSection {
  public var embedding = 64
  public var temperature = 0.07

  public init() {}

  public static let fields: [Field<Self>] = [
    .integer("embedding", \.embedding, .positive, "Width of the space of images and texts."),
    .number(
      "temperature", \.temperature, .range(0.01...100),
      "Start value; it is learned, and not below 0.01."),
  ]
}

/// Maps both sides of an arm, which are of the language model's width H, to one space of width E.
///
/// It trains with every stage that learns from contrast, and says afterwards which text fits an image.
public struct ContrastHead: Module {
  let image: Linear
  let text: Linear
  /// ln(1 / temperature), one number.
  public let logScale: Parameter

  public var parameters: [Parameter] { image.parameters + text.parameters + [logScale] }
  /// E.
  public var width: Int { image.outputWidth }

  /// - Parameter width: H.
  public init(_ config: ContrastConfig = ContrastConfig(), width: Int, in scope: ParameterScope)
    throws
  {
    image = try Linear(width, config.embedding, bias: false, in: scope("image_projection"))
    text = try Linear(width, config.embedding, bias: false, in: scope("text_projection"))
    logScale = try scope.parameter(
      "log_scale", shape: [1], start: .constant(Float(-log(config.temperature))))
  }
}

/// Pictures by a projector's visual tokens, captions by the language model's hidden states.
///
/// An image's embedding is the mean of its visual tokens, a caption's that of the hidden states of its tokens
/// (after the final norm, each of which sees the opening and the caption up to itself); both are mapped by the
/// head and scaled to unit length. Gradients flow to all that trains.
public struct ArmEmbeddings: EmbeddingPair {
  let projector: any Projector
  let model: any LanguageModel
  let patches: any PatchSource
  public let head: ContrastHead
  /// Of each sample, in the patch source.
  let media: [[Int]]
  let opening: [Int32]

  public var logScale: Parameter { head.logScale }

  /// - Parameters:
  ///   - media: of each sample, places in the patch source; an embedding is the mean over all of them.
  ///   - opening: the begin token, if the tokenizer adds one.
  /// - Precondition: every sample has a medium.
  public init(
    projector: any Projector, model: any LanguageModel, patches: any PatchSource,
    head: ContrastHead, media: [[Int]], opening: [Int32]
  ) {
    precondition(media.allSatisfy { !$0.isEmpty }, "a sample has no medium")
    self.projector = projector
    self.model = model
    self.patches = patches
    self.head = head
    self.media = media
    self.opening = opening
  }

  public func images(_ samples: [Int], in context: Context) throws -> Tensor {
    let visual = projector(
      try patches.patches(of: samples.flatMap { media[$0] }, in: context), in: context)
    var lengths = visual.segments.lengths[...]
    let tokens = samples.map { sample in
      defer { lengths = lengths.dropFirst(media[sample].count) }
      return lengths.prefix(media[sample].count).reduce(0, +)
    }
    let means = context.tape.mean(Rows(visual.tensor, Segments(lengths: tokens)))
    return context.tape.normalize(head.image(means, in: context))
  }

  /// - Precondition: no caption is empty.
  public func texts(_ captions: [[Int32]], in context: Context) -> Tensor {
    precondition(captions.allSatisfy { !$0.isEmpty }, "a caption has no token")
    let sequences = captions.map { opening + $0 }
    let segments = Segments(lengths: sequences.map(\.count))
    let hidden = model.hidden(
      model.embed(sequences.flatMap { $0 }, in: context),
      positions: sequences.flatMap { $0.indices.map(Int32.init) }, layout: .causal(segments),
      outputRows: segments.indices.flatMap { sequence in
        segments[sequence].dropFirst(opening.count).map(Int32.init)
      }, in: context)
    let means = context.tape.mean(Rows(hidden, Segments(lengths: captions.map(\.count))))
    return context.tape.normalize(head.text(means, in: context))
  }
}
