import Layers
import Tensors

/// How likely a model finds the supervised tokens of one branch.
public struct BranchLikelihood: Sendable, Hashable {
  /// Σ log p over its supervised tokens.
  public let logLikelihood: Double
  public let tokens: Int

  public init(logLikelihood: Double, tokens: Int) {
    self.logLikelihood = logLikelihood
    self.tokens = tokens
  }
}

extension LanguageModel {
  /// scale · Σ of −log p(token) over the batch's supervised tokens.
  ///
  /// - Parameters:
  ///   - visual: visual tokens of the samples' media, `[visual rows, H]`; nil if there are none.
  ///   - scale: 1 over the supervised tokens of the whole batch, of which `batch` may be one lane's share.
  public func answerLoss(
    visual: Tensor?, _ batch: SequenceBatch, scale: Float, in context: Context
  ) -> Loss {
    context.tape.crossEntropy(
      predictions(visual: visual, batch, in: context), head: headWeight, bias: headBias,
      targets: batch.targets, scale: scale)
  }

  /// The likelihood of each branch of each sample; no gradients.
  public func logLikelihoods(
    visual: Tensor?, _ batch: SequenceBatch, in context: Context
  ) -> [[BranchLikelihood]] {
    let values = context.tape.logProbabilities(
      predictions(visual: visual, batch, in: context), head: headWeight, bias: headBias,
      targets: batch.targets)
    return batch.branchTargets.map { branches in
      branches.map {
        BranchLikelihood(logLikelihood: values[$0].reduce(0, +), tokens: $0.count)
      }
    }
  }

  /// Prefixes to generate from: each sample's ``SequenceSample/prefix`` followed by each of its branches, or
  /// alone if it has none.
  ///
  /// - Parameters:
  ///   - visual: a sequence of rows for each medium, sample by sample; nil if there are none.
  ///   - samples: their branches are text.
  public func prefixes(
    visual: Rows?, of samples: [SequenceSample], in context: Context
  ) -> GenerationPrefixes {
    let parts = samples.flatMap { sample in
      [SequenceSample(media: sample.media, prefix: sample.prefix, branches: [])]
        + sample.branches.map { SequenceSample(media: [], prefix: $0, branches: []) }
    }
    let batch = SequenceBatch(parts, visualTokens: visual?.segments.lengths ?? [], end: 0)
    var lengths = batch.prefixLengths[...]
    let families = samples.map { sample in
      let shared = lengths.removeFirst()
      let own = lengths.prefix(sample.branches.count)
      lengths = lengths.dropFirst(own.count)
      return GenerationPrefixes.Family(shared: shared, own: own.isEmpty ? [0] : Array(own))
    }
    return GenerationPrefixes(embeddings(visual: visual?.tensor, batch, in: context), families)
  }

  /// Hidden states of the rows that predict each supervised token, in the tokens' order.
  private func predictions(
    visual: Tensor?, _ batch: SequenceBatch, in context: Context
  ) -> Tensor {
    context.scoped {
      let hidden = hidden(
        embeddings(visual: visual, batch, in: context), positions: batch.positions,
        layout: batch.layout, outputRows: batch.outputRows, in: context)
      return batch.predictingRows.map { context.tape.gather(hidden, rows: $0) } ?? hidden
    }
  }

  /// The batch's rows, `[rows, H]`.
  private func embeddings(
    visual: Tensor?, _ batch: SequenceBatch, in context: Context
  ) -> Tensor {
    precondition(
      batch.visualRows == visual?.rows ?? 0,
      "the batch has \(batch.visualRows) visual rows, the tensor \(visual?.rows ?? 0)")
    let text = embed(batch.ids, in: context)
    // Without images the looked-up rows are already in order.
    return visual.map { context.tape.join([$0, text], runs: batch.runs) } ?? text
  }
}
