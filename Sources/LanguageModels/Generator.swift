import Tensors

/// Continues prefixes token by token with a key-value cache, all sequences of a batch together.
///
/// A batch runs on one thread; to use several, run several batches, cut by the data and not by the threads:
/// a sequence's bits may depend on which others are in its batch.
public struct Generator {
  /// How the next token is taken from the logits.
  public enum Strategy: Sendable {
    /// The likeliest; the lowest id of equals.
    case greedy
    /// Drawn from softmax(logits / temperature), each sequence with the stream of its own key, among the
    /// likeliest tokens that together have probability `topP`.
    case sample(temperature: Float, topP: Float = 1, keys: [RandomKey])
    /// The best sequence that ``beamSearch(prefixes:maxNewTokens:endTokens:width:lengthPenalty:endsEarly:in:)``
    /// finds.
    case beam(width: Int, lengthPenalty: Double, endsEarly: Bool)
  }

  /// One step's logits, `[sequences, V]`, before their tokens are taken.
  public typealias Observer = (_ sequences: [Int], _ logits: Tensor) -> Void

  public let model: any LanguageModel
  /// Rows that one pass over the prefixes may have.
  private let prefillRows = 1024

  public init(_ model: any LanguageModel) { self.model = model }

  /// - Parameters:
  ///   - prefixes: what each sequence starts with, at least one row; what several share is computed once.
  ///   - endTokens: ids that end a sequence.
  ///   - context: its tape records no gradients; the cache stays on it until it is reset.
  ///   - observer: called at each step, but not of a beam search.
  /// - Returns: for each sequence its new ids, without the end token. A sequence ends at an end token,
  ///   after `maxNewTokens`, or at the model's largest position.
  public func generate(
    prefixes: GenerationPrefixes, maxNewTokens: Int, endTokens: Set<Int32>,
    strategy: Strategy = .greedy,
    in context: Context, observer: Observer? = nil
  ) -> [[Int32]] {
    if case .beam(let width, let lengthPenalty, let endsEarly) = strategy {
      return beamSearch(
        prefixes: prefixes, maxNewTokens: maxNewTokens, endTokens: endTokens, width: width,
        lengthPenalty: lengthPenalty, endsEarly: endsEarly, in: context
      ).map { ($0.first?.ids ?? []).filter { !endTokens.contains($0) } }
    }
    let tape = context.tape
    let lengths = checkedLengths(prefixes, in: context)
    guard maxNewTokens > 0, !lengths.isEmpty else { return lengths.map { _ in [] } }
    let longest = lengths.reduce(0, max)
    let cache = KeyValueCache(
      for: model, sequences: lengths.count, capacity: longest + maxNewTokens - 1, in: context)
    var picker = TokenPicker(strategy, sequences: lengths.count)
    var generated = [[Int32]](repeating: [], count: lengths.count)
    var unfinished = Array(lengths.indices)

    /// Takes each unfinished sequence's token from its logits.
    func advance(_ logits: Tensor) {
      observer?(unfinished, logits)
      let tokens = picker.pick(logits, sequences: unfinished, on: tape)
      for (sequence, token) in zip(unfinished, tokens) where !endTokens.contains(token) {
        generated[sequence].append(token)
      }
      unfinished = zip(unfinished, tokens).compactMap { sequence, token in
        let count = generated[sequence].count
        let isFull =
          count == maxNewTokens || lengths[sequence] + count > model.maximumPositions
        return isFull || endTokens.contains(token) ? nil : sequence
      }
    }

    _ = tape.scoped { () -> [Tensor] in
      advance(model.logits(prefill(prefixes, cache: cache, in: context), in: context))
      return []
    }
    while !unfinished.isEmpty {
      _ = tape.scoped { () -> [Tensor] in
        let tokens = unfinished.map { generated[$0][generated[$0].count - 1] }
        let positions = unfinished.map { lengths[$0] + generated[$0].count - 1 }
        let rows = zip(unfinished, positions).map { cache.row($0, $1) }
        let blocks = unfinished.enumerated().map { index, sequence in
          AttentionBlock(
            queries: index..<index + 1, own: cache.row(sequence, 0)..<rows[index] + 1)
        }
        let hidden = model.hidden(
          model.embed(tokens, in: context), positions: positions.map { Int32($0) },
          layout: AttentionLayout(blocks: blocks), outputRows: nil,
          cache: cache.writing(to: rows.map { Int32($0) }), in: context)
        advance(model.logits(hidden, in: context))
        return []
      }
    }
    return generated
  }

  /// The prefixes' lengths.
  func checkedLengths(_ prefixes: GenerationPrefixes, in context: Context) -> [Int] {
    precondition(
      !context.tape.recordsGradients, "generation needs a tape that records no gradients")
    let lengths = prefixes.lengths
    precondition(lengths.allSatisfy { $0 > 0 }, "a prefix to generate from has no row")
    return lengths
  }

  /// Fills the cache and returns the hidden state of each prefix's last row.
  func prefill(
    _ prefixes: GenerationPrefixes, cache: KeyValueCache, in context: Context
  ) -> Tensor {
    let tape = context.tape
    let lasts = passes(prefixes.families, cache: cache).map { pass in
      let last = context.scoped {
        let rows = tape.join([prefixes.tensor], runs: [RowRun(source: 0, rows: pass.rows)])
        let hidden = model.hidden(
          rows, positions: pass.positions, layout: AttentionLayout(blocks: pass.blocks),
          outputRows: pass.outputRows, cache: cache.writing(to: pass.destinations), in: context)
        return tape.gather(hidden, rows: pass.outputs)
      }
      cache.move(pass.copied.sources, to: pass.copied.targets, in: context)
      return last
    }
    return tape.join(
      lasts, runs: lasts.indices.map { RowRun(source: $0, rows: 0..<lasts[$0].rows) })
  }

  /// The prefixes cut into passes of a bounded size, families whole.
  private func passes(
    _ families: [GenerationPrefixes.Family], cache: KeyValueCache
  ) -> [PrefixPass] {
    var passes: [PrefixPass] = []
    var sequence = 0
    for family in families {
      let end = passes.last?.rows.upperBound ?? 0
      if passes.last.map({ $0.rows.count + family.rows > prefillRows }) ?? true {
        passes.append(PrefixPass(from: end))
      }
      passes[passes.count - 1].append(family, first: sequence, cache: cache)
      sequence += family.own.count
    }
    return passes
  }
}

/// Takes tokens from logits.
private struct TokenPicker {
  private let temperature: Float?
  private let topP: Float
  private var streams: [RandomStream]

  init(_ strategy: Generator.Strategy, sequences: Int) {
    switch strategy {
    case .greedy, .beam:
      temperature = nil
      topP = 1
      streams = []
    case .sample(let temperature, let topP, let keys):
      precondition(temperature > 0, "a temperature is positive, got \(temperature)")
      precondition(keys.count == sequences, "\(keys.count) random keys for \(sequences) sequences")
      precondition(topP > 0 && topP <= 1, "top-p is a probability, got \(topP)")
      self.temperature = temperature
      self.topP = topP
      streams = keys.map(\.stream)
    }
  }

  /// One token a row of `logits`.
  mutating func pick(_ logits: Tensor, sequences: [Int], on tape: Tape) -> [Int32] {
    guard let temperature else { return tape.argmax(logits) }
    let thresholds = sequences.map { streams[$0].uniform() }
    return tape.sample(
      logits, temperature: temperature, topP: topP, thresholds: thresholds)
  }
}
