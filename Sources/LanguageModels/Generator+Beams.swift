import Foundation
import Layers
import Tensors

/// A sequence that a beam search finished.
public struct BeamHypothesis: Sendable, Hashable {
  /// Generated ids, the end token among them if it came.
  public let ids: [Int32]
  /// Σ log p / length^penalty, the length in generated ids.
  public let score: Double
}

extension Generator {
  /// Beam search: several beginnings are carried on side by side, the best sequences kept.
  ///
  /// Source: `generate` of transformers 5.24 with `num_beams`, `length_penalty` and `early_stopping` (true
  /// or false), sampling off. Of all continuations the best 2·width are looked at; those among the first
  /// `width` that end are finished, the best `width` that do not end live on.
  ///
  /// A prefix's keys and values stand in the cache once; beams add their own rows, which move to another
  /// beam's place when that goes on from them.
  ///
  /// - Parameters:
  ///   - prefixes: what each search starts with, at least one row.
  ///   - width: beams.
  ///   - endsEarly: whether a search ends with `width` finished sequences; else when no live beam, at the
  ///     length it has, is better than the worst of them.
  ///   - context: its tape records no gradients; the cache stays on it until it is reset.
  /// - Returns: for each prefix at most `width` sequences, the best first. At the model's largest position
  ///   a search ends as after `maxNewTokens`.
  public func beamSearch(
    prefixes: GenerationPrefixes, maxNewTokens: Int, endTokens: Set<Int32>, width: Int,
    lengthPenalty: Double,
    endsEarly: Bool, in context: Context
  ) -> [[BeamHypothesis]] {
    precondition(width > 0, "a beam search has a beam")
    let lengths = checkedLengths(prefixes, in: context)
    guard maxNewTokens > 0, !lengths.isEmpty else { return lengths.map { _ in [] } }
    let tape = context.tape
    let longest = lengths.reduce(0, max)
    let cache = KeyValueCache(
      for: model, sequences: lengths.count, capacity: longest + width * maxNewTokens, in: context)
    var searches = lengths.indices.map { index in
      BeamSearch(
        width: width, lengthPenalty: lengthPenalty, endsEarly: endsEarly, endTokens: endTokens,
        limit: min(maxNewTokens, max(1, model.maximumPositions - lengths[index] + 1)))
    }
    /// The cache row of generated id `position` of a beam.
    func row(_ search: Int, _ beam: Int, _ position: Int) -> Int {
      cache.row(search, lengths[search] + beam * maxNewTokens + position)
    }
    /// Hands each live beam's logits to its search, and moves the rows of beams that change places.
    func advance(_ logits: Tensor, _ live: [Int]) {
      let count = max(2, 1 + endTokens.count) * width
      let best = tape.likeliest(count, of: logits)
      var first = 0
      var (sources, targets): ([Int32], [Int32]) = ([], [])
      for search in live {
        let beams = searches[search].beams.count
        let parents = searches[search].advance(Array(best[first..<first + beams]))
        first += beams
        for (beam, parent) in parents.enumerated() where beam != parent {
          // All ids but the newest have a row.
          for position in 0..<searches[search].length - 1 {
            sources.append(Int32(row(search, parent, position)))
            targets.append(Int32(row(search, beam, position)))
          }
        }
      }
      cache.move(sources, to: targets, in: context)
    }

    _ = tape.scoped { () -> [Tensor] in
      advance(
        model.logits(prefill(prefixes, cache: cache, in: context), in: context),
        Array(searches.indices))
      return []
    }
    while true {
      let live = searches.indices.filter { !searches[$0].isDone }
      guard !live.isEmpty else { break }
      _ = tape.scoped { () -> [Tensor] in
        var ids: [Int32] = []
        var positions: [Int32] = []
        var rows: [Int32] = []
        var blocks: [AttentionBlock] = []
        for search in live {
          let newest = searches[search].length - 1
          let prefix = cache.row(search, 0)..<cache.row(search, lengths[search])
          for (beam, state) in searches[search].beams.enumerated() {
            let own = row(search, beam, 0)..<row(search, beam, newest) + 1
            blocks.append(
              AttentionBlock(queries: ids.count..<ids.count + 1, shared: prefix, own: own))
            ids.append(state.ids[newest])
            positions.append(Int32(lengths[search] + newest))
            rows.append(Int32(own.upperBound - 1))
          }
        }
        let hidden = model.hidden(
          model.embed(ids, in: context), positions: positions,
          layout: AttentionLayout(blocks: blocks), outputRows: nil,
          cache: cache.writing(to: rows), in: context)
        advance(model.logits(hidden, in: context), live)
        return []
      }
    }
    return searches.map(\.finished)
  }
}

/// The search of one prefix.
private struct BeamSearch {
  struct Beam {
    var ids: [Int32]
    /// Σ log p.
    var score: Double
  }

  let width: Int
  let lengthPenalty: Double
  let endsEarly: Bool
  let endTokens: Set<Int32>
  /// Ids that may be generated.
  let limit: Int
  private(set) var beams = [Beam(ids: [], score: 0)]
  /// The best `width`, the best first.
  private(set) var finished: [BeamHypothesis] = []
  private(set) var isDone = false

  var length: Int { beams.first?.ids.count ?? 0 }

  /// Takes one step.
  ///
  /// - Parameter continuations: of each beam, the likeliest first.
  /// - Returns: for each beam that lives on, which one it goes on from.
  mutating func advance(
    _ continuations: [[(column: Int, logProbability: Double)]]
  ) -> [Int] {
    let kept = max(2, 1 + endTokens.count) * width
    let candidates = continuations.enumerated().flatMap { beam, tokens in
      tokens.map {
        (beam: beam, id: Int32($0.column), score: beams[beam].score + $0.logProbability)
      }
    }.sorted { ($1.score, $0.beam, $0.id) < ($0.score, $1.beam, $1.id) }.prefix(kept)
    let length = length + 1
    let isLast = length == limit
    for candidate in candidates.prefix(width)
    where isLast || endTokens.contains(candidate.id) {
      finished.append(
        BeamHypothesis(
          ids: beams[candidate.beam].ids + [candidate.id],
          score: normalized(candidate.score, length)))
    }
    // Stable: of equals the one that was finished first.
    finished = finished.enumerated().sorted {
      ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
    }.prefix(width).map(\.element)
    let living = candidates.filter { !endTokens.contains($0.id) }.prefix(width)
    beams = living.map { Beam(ids: beams[$0.beam].ids + [$0.id], score: $0.score) }
    if isLast || living.isEmpty {
      isDone = true
    } else if finished.count == width, let worst = finished.last, let best = beams.first {
      isDone = endsEarly || normalized(best.score, length) <= worst.score
    }
    return living.map(\.beam)
  }

  private func normalized(_ score: Double, _ length: Int) -> Double {
    score / pow(Double(length), lengthPenalty)
  }
}
