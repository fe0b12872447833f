import LanguageModels
import Layers
import Projectors
import Tensors
import Training

/// Reads where a trained projector looks in an image, and where looking helps its caption.
///
/// Projector and frozen language model run on one tape with a caption given (teacher forcing). The
/// backward pass starts from the caption's log-likelihood, the mean over its tokens and the end
/// token, in nats. So a positive gradient says: more attention from this query to this patch makes
/// the caption likelier. All weights may be frozen: the features are marked as needing a gradient,
/// so that the backward pass reaches every attention that sees them.
///
/// - Attention: the probabilities, mean over heads. Columns of keys that are no patches of the grid
///   (the Perceiver's latents, class and register tokens) are left out, then each row is divided by
///   its sum.
/// - Gradient-weighted attention: ReLU(probability · gradient), mean over heads (Chefer et al. 2021,
///   arXiv:2103.15679, equation 5), the same columns left out.
/// - Rollout: Abnar & Zuidema 2020, arXiv:2005.00928, §3: attention and residual connection weigh
///   one half each, Ā = A/2 + I/2, multiplied from layer to layer. Here the sources are the patches
///   and the queries' start values; shown is the patches' part, each row divided by its sum. MLPs,
///   norms and output projections are not part of it.
struct AttentionMapper: Sendable {
  let model: ArmModel
  let end: Int32
  let pool: BufferPool

  init(_ model: ArmModel, end: Int32, pool: BufferPool = BufferPool()) {
    self.model = model
    self.end = end
    self.pool = pool
  }

  private var projector: any Projector { model.projector }

  /// Of the sample's first medium.
  ///
  /// - Parameter sample: with one branch, the answer that is given.
  /// - Returns: nil for a projector without attention over patches.
  /// - Throws: what reading a medium throws.
  func attention(of sample: SequenceSample) throws -> ImageAttention? {
    guard !projector.attentionMaps.isEmpty, let medium = sample.media.first else { return nil }
    let grid = model.source.grid(of: medium)
    let captures = try captures(of: sample)
    var rollouts = rollouts(captures, grid: grid)
    let layers = projector.attentionMaps.compactMap { map -> ImageAttention.Layer? in
      guard let block = captures.attention[map.name]?.first,
        let rollout = rollouts.removeValue(forKey: map.name)
      else { return nil }
      // There are none where the answer's likelihood does not depend on the image.
      let gradients =
        block.gradients.isEmpty
        ? [Float](repeating: 0, count: block.queries * block.keys) : block.gradientWeighted
      return ImageAttention.Layer(
        layer: map.layer,
        attention: patchColumns(
          block.meanProbabilities, width: block.keys, grid: grid
        ).withUnitRows,
        gradient: patchColumns(gradients, width: block.keys, grid: grid),
        rollout: rollout)
    }
    return layers.isEmpty ? nil : ImageAttention(layers: layers)
  }

  private func captures(of sample: SequenceSample) throws -> Captures {
    let tape = Tape(pool: pool)
    let context = Context(tape: tape)
    let captures = Captures()
    let reading = Tape(pool: pool, recordsGradients: false)
    let read = try model.source.patches(of: sample.media, in: Context(tape: reading))
    // Marked as needing a gradient, so that the backward pass reaches every attention.
    let patches = read.with(
      tape.tensor(
        reading.values(read.tensor), rows: read.tensor.rows, width: read.width,
        needsGradient: true))
    tape.captures = captures
    let visual = projector(patches, in: context)
    // The language model's own attention is not wanted, and is much larger.
    tape.captures = nil
    let batch = SequenceBatch([sample], visualTokens: visual.segments.lengths, end: end)
    let loss = model.languageModel.answerLoss(
      visual: visual.tensor, batch, scale: 1 / Float(batch.supervisedTokens), in: context)
    tape.captures = captures
    // The loss is the negative log-likelihood.
    tape.backward(from: loss.tensor, gradient: [-1])
    return captures
  }

  /// The columns of `values`, `[queries, width]`, that are patches of the grid.
  private func patchColumns(_ values: [Float], width: Int, grid: PatchGrid) -> QueryMap {
    let (tokens, leading) = (grid.tokens, grid.leading)
    precondition(
      width >= tokens && leading < tokens,
      "an attention map is \(width) wide, \(tokens) of it the image's tokens")
    let queries = values.count / width
    var patches: [Float] = []
    patches.reserveCapacity(queries * (tokens - leading))
    for query in 0..<queries {
      patches += values[query * width + leading..<query * width + tokens]
    }
    return QueryMap(queries: queries, patches: tokens - leading, values: patches)
  }

  /// The rollout through each attention that sees the patches, by its name.
  private func rollouts(_ captures: Captures, grid: PatchGrid) -> [String: QueryMap] {
    let tokens = grid.tokens
    let seesPatches = Set(projector.attentionMaps.map(\.name))
    var shares: SourceShares?
    var result: [String: QueryMap] = [:]
    for map in projector.attentionFlow {
      guard let block = captures.attention[map.name]?.first else { continue }
      var next = shares ?? SourceShares(queries: block.queries, tokens: tokens)
      let patchKeys = seesPatches.contains(map.name) ? tokens : 0
      next.attend(block.meanProbabilities, keys: block.keys, patchKeys: patchKeys)
      shares = next
      guard patchKeys > 0 else { continue }
      result[map.name] = patchColumns(next.values, width: next.sources, grid: grid).withUnitRows
    }
    return result
  }
}

/// How much of each source (the tokens of the image, then the queries' start values) each query holds.
private struct SourceShares {
  let queries: Int
  let tokens: Int
  var sources: Int { tokens + queries }
  /// Shape `[queries, sources]`; every row sums to 1.
  private(set) var values: [Float]

  init(queries: Int, tokens: Int) {
    self.queries = queries
    self.tokens = tokens
    values = [Float](repeating: 0, count: queries * (tokens + queries))
    for query in 0..<queries { values[query * sources + tokens + query] = 1 }
  }

  /// One attention with a residual connection of the same weight.
  ///
  /// - Parameters:
  ///   - attention: `[queries, keys]`: the first `patchKeys` keys are the image's tokens, the others
  ///     the queries.
  mutating func attend(_ attention: [Float], keys: Int, patchKeys: Int) {
    precondition(
      keys - patchKeys == 0 || keys - patchKeys == queries,
      "keys past the patches must be the \(queries) queries, got \(keys - patchKeys)")
    var result = values.map { $0 / 2 }
    for query in 0..<queries {
      let row = query * sources
      for key in 0..<patchKeys { result[row + key] += attention[query * keys + key] / 2 }
      for other in 0..<keys - patchKeys {
        let weight = attention[query * keys + patchKeys + other] / 2
        for source in 0..<sources {
          result[row + source] += weight * values[other * sources + source]
        }
      }
    }
    values = result
  }
}
