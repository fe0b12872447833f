import Layers
import Tensors

/// One image's part of a batch of captions.
public struct CaptionedImage: Sendable, Hashable {
  /// How many rows stand for the image.
  public var visualTokens: Int
  /// Token ids between the visual tokens and each caption (prompt, question); not supervised.
  public var prompt: [Int32]
  /// Token ids of each caption, without the end token.
  public var captions: [[Int32]]

  public init(visualTokens: Int, prompt: [Int32] = [], captions: [[Int32]]) {
    self.visualTokens = visualTokens
    self.prompt = prompt
    self.captions = captions
  }
}

/// Images and their captions as packed sequences with a shared prefix.
///
/// The rows of an image are `[opening][visual tokens][prompt]` once, the prefix, then the tokens of each
/// caption. The prefix is causal on itself; a caption's rows see the whole prefix and their own caption up
/// to themselves, and its positions go on from the prefix's end. So each caption gets what it would get in
/// a sequence of its own, `[opening][visual tokens][prompt][caption]`, while the prefix is computed once.
///
/// Supervised are each caption's tokens and the end token after it: the prefix's last row predicts the first
/// token of every caption, a caption's row the next token, its last row the end. The last of these tokens
/// predicts nothing and has no row.
public struct CaptionBatch: Sendable {
  /// Ids to look up, in the order ``runs`` takes them (as source 1).
  public let ids: [Int32]
  /// The rows' order: source 0 is the visual tokens, source 1 the embedded ids.
  public let runs: [RowRun]
  /// Of each row within its sequence.
  public let positions: [Int32]
  public let layout: AttentionLayout
  /// Rows that predict a token, ascending, each once.
  public let outputRows: [Int32]
  /// For each supervised token, which of the output rows predicts it; nil if it is each in turn.
  public let predictingRows: [Int32]?
  /// The supervised tokens.
  public let targets: [Int32]
  /// Rows of visual tokens.
  public let visualRows: Int

  /// - Parameters:
  ///   - opening: ids before the visual tokens: the begin token if the tokenizer adds one, the head of a chat
  ///     template.
  ///   - end: the id that ends a caption; nil to supervise the caption's tokens only.
  /// - Precondition: an image that has captions has a prefix of at least one row, or captions of at least
  ///   one token (whose first is then not supervised).
  public init(images: [CaptionedImage], opening: [Int32] = [], end: Int32?) {
    var packing = Packing()
    for image in images {
      let start = packing.row
      packing.append(ids: opening)
      packing.append(visualTokens: image.visualTokens)
      packing.append(ids: image.prompt)
      let prefix = start..<packing.row
      if !prefix.isEmpty {
        packing.blocks.append(AttentionBlock(queries: prefix, own: prefix, visible: 1))
      }
      if let last = prefix.last, !image.captions.isEmpty { packing.outputRows.append(Int32(last)) }
      let prefixOutput = packing.outputRows.count - 1
      for caption in image.captions {
        packing.position = Int32(prefix.count)
        let tokens = end.map { caption + [$0] } ?? caption
        if let first = tokens.first, !prefix.isEmpty {
          packing.supervise(first, predictedBy: prefixOutput)
        }
        guard tokens.count > 1 else { continue }
        let rows = packing.row..<packing.row + tokens.count - 1
        packing.append(ids: Array(tokens.dropLast()))
        packing.blocks.append(
          AttentionBlock(queries: rows, shared: prefix, own: rows, visible: 1))
        for (row, next) in zip(rows, tokens.dropFirst()) {
          packing.outputRows.append(Int32(row))
          packing.supervise(next, predictedBy: packing.outputRows.count - 1)
        }
      }
      packing.position = 0
    }
    ids = packing.ids
    runs = packing.runs
    positions = packing.positions
    layout = AttentionLayout(blocks: packing.blocks)
    outputRows = packing.outputRows
    let inTurn = packing.predictingRows.elementsEqual(0..<Int32(outputRows.count))
    predictingRows = inTurn ? nil : packing.predictingRows
    targets = packing.targets
    visualRows = packing.visualRows
  }

  /// How many rows the decoder computes.
  public var rows: Int { positions.count }
  public var supervisedTokens: Int { targets.count }
  /// For ``LanguageModel/forwardFLOPs(_:)``.
  public var work: DecoderWork {
    DecoderWork(layout: layout, outputRows: outputRows, logitRows: targets.count)
  }

  /// How many tokens a batch supervises, the denominator of its loss; known before it is cut into lanes.
  public static func supervisedTokens(
    _ images: [CaptionedImage], opening: [Int32] = [], end: Int32?
  ) -> Int {
    images.reduce(0) { sum, image in
      let hasPrefix = image.visualTokens + image.prompt.count + opening.count > 0
      return sum
        + image.captions.reduce(0) { sum, caption in
          sum + max(0, caption.count + (end == nil ? 0 : 1) - (hasPrefix ? 0 : 1))
        }
    }
  }
}

/// The rows laid out so far.
private struct Packing {
  var row = 0
  var position: Int32 = 0
  var ids: [Int32] = []
  var runs: [RowRun] = []
  var positions: [Int32] = []
  var blocks: [AttentionBlock] = []
  var outputRows: [Int32] = []
  var predictingRows: [Int32] = []
  var targets: [Int32] = []
  var visualRows = 0

  mutating func append(ids new: [Int32]) {
    append(source: 1, from: ids.count, count: new.count)
    ids += new
  }

  mutating func append(visualTokens count: Int) {
    append(source: 0, from: visualRows, count: count)
    visualRows += count
  }

  private mutating func append(source: Int, from first: Int, count: Int) {
    guard count > 0 else { return }
    if let last = runs.last, last.source == source, last.rows.upperBound == first {
      runs[runs.count - 1] = RowRun(source: source, rows: last.rows.lowerBound..<first + count)
    } else {
      runs.append(RowRun(source: source, rows: first..<first + count))
    }
    for _ in 0..<count {
      positions.append(position)
      position += 1
    }
    row += count
  }

  mutating func supervise(_ target: Int32, predictedBy output: Int) {
    targets.append(target)
    predictingRows.append(Int32(output))
  }
}

extension LanguageModel {
  /// scale · Σ of −log p(token) over the batch's supervised tokens.
  ///
  /// - Parameters:
  ///   - visual: visual tokens of the batch's images, `[visual rows, H]`; nil if no image has any.
  ///   - scale: 1 over the supervised tokens of the whole batch, of which `batch` may be one lane's share.
  public func captionLoss(
    visual: Tensor?, _ batch: CaptionBatch, scale: Float, in context: Context
  ) -> Loss {
    let tape = context.tape
    precondition(
      batch.visualRows == visual?.rows ?? 0,
      "the batch has \(batch.visualRows) visual rows, the tensor \(visual?.rows ?? 0)")
    let outputs = context.scoped {
      let text = embed(batch.ids, in: context)
      // Without images the looked-up rows are already in order.
      let embeddings = visual.map { tape.join([$0, text], runs: batch.runs) } ?? text
      let hidden = hidden(
        embeddings, positions: batch.positions, layout: batch.layout,
        outputRows: batch.outputRows, in: context)
      return batch.predictingRows.map { tape.gather(hidden, rows: $0) } ?? hidden
    }
    return tape.crossEntropy(outputs, head: headWeight, targets: batch.targets, scale: scale)
  }

  /// Prefixes to generate from: `[opening][visual tokens][prompt]` of each image.
  ///
  /// - Parameters:
  ///   - visual: B sequences of visual tokens.
  ///   - prompts: one an image.
  public func prefixes(
    visual: Rows, opening: [Int32] = [], prompts: [[Int32]], in context: Context
  ) -> Rows {
    precondition(
      visual.count == prompts.count, "\(prompts.count) prompts for \(visual.count) images")
    let images = zip(visual.segments.lengths, prompts).map {
      CaptionedImage(visualTokens: $0, prompt: $1, captions: [])
    }
    let batch = CaptionBatch(images: images, opening: opening, end: nil)
    let lengths = images.map { opening.count + $0.visualTokens + $0.prompt.count }
    let text = embed(batch.ids, in: context)
    return Rows(
      context.tape.join([visual.tensor, text], runs: batch.runs), Segments(lengths: lengths))
  }
}

/// A caption's text as it stands after a prompt: with a space before it, unless the prompt is empty.
public func captionText(_ caption: String, after prompt: String) -> String {
  prompt.isEmpty ? caption : " " + caption
}
