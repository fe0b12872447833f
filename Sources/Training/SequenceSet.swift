import Datasets
import Foundation
import LanguageModels

/// Why examples could not be made into sequences.
public struct SequenceError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public let rule: String

  init(_ rule: String) { self.rule = rule }

  public var description: String { rule + "." }
  public var errorDescription: String? { description }
}

/// The samples of a data set, tokenised once for every arm, seed and stage.
public struct SequenceSet: Sendable {
  public var samples: [SequenceSample]
  /// Of each sample, the branches of each of its examples: these are alternatives of each other.
  public var alternatives: [[Range<Int>]]
  /// Of each sample, the places of its examples in the data set's list.
  public var examples: [[Int]]
  /// Answers that a limit of text tokens shortened or left out.
  public var cutAnswers = 0
  /// The tokens that they lost.
  public var cutTokens = 0

  public init(samples: [SequenceSample], alternatives: [[Range<Int>]], examples: [[Int]]) {
    precondition(samples.count == alternatives.count && samples.count == examples.count)
    self.samples = samples
    self.alternatives = alternatives
    self.examples = examples
  }

  /// Samples of one example each, whose branches are alternatives.
  public init(_ samples: [SequenceSample]) {
    self.init(
      samples: samples, alternatives: samples.map { [$0.branches.indices] },
      examples: samples.indices.map { [$0] })
  }

  /// Answers of all branches.
  public var answers: Int {
    samples.reduce(0) { sum, sample in
      sample.branches.reduce(sum) { sum, branch in
        sum + branch.count { if case .answer = $0 { true } else { false } }
      }
    }
  }

  /// The same with at most `limit` text tokens in a sequence: everything after its first visual tokens,
  /// end tokens counted. An answer that does not fit is cut and not taught its end; what would follow it is
  /// left out.
  ///
  /// - Parameters:
  ///   - examples: of the data set, for errors.
  ///   - key: of the setting, for errors.
  /// - Throws: ``SequenceError`` where nothing is left of a branch's first answer.
  public func cut(
    toTextTokens limit: Int, of examples: [Example], key: String = "max_text_tokens"
  ) throws -> SequenceSet {
    var result = self
    for index in samples.indices {
      let prefix = samples[index].prefix
      let hasMedia = (prefix + samples[index].branches.joined()).contains(where: \.isVisual)
      for branch in samples[index].branches.indices {
        var budget = TextBudget(left: limit, isCounting: !hasMedia)
        for piece in prefix { _ = budget.take(piece) }
        let pieces = samples[index].branches[branch]
        var kept: [SequencePiece] = []
        for (place, piece) in pieces.enumerated() {
          guard let fitting = budget.take(piece) else {
            let lost = pieces[place...].filter(\.isAnswer)
            result.cutAnswers += lost.count
            result.cutTokens += lost.reduce(0) { $0 + $1.tokens }
            break
          }
          kept.append(fitting)
          guard fitting == piece else {
            let lost = pieces[place...].filter(\.isAnswer)
            result.cutAnswers += lost.count
            result.cutTokens += lost.reduce(0) { $0 + $1.tokens } - fitting.tokens
            break
          }
        }
        guard kept.contains(where: \.isAnswer) else {
          let owner = alternatives[index].firstIndex { $0.contains(branch) } ?? 0
          let example =
            self.examples[index].indices.contains(owner) ? self.examples[index][owner] : index
          let name =
            examples.indices.contains(example) ? examples[example].id.text : "sample \(index)"
          throw SequenceError(
            "\(name): prompt and question take all of \(key) \(limit), nothing is left of the "
              + "answer. Raise \(key) or shorten the prompt")
        }
        result.samples[index].branches[branch] = kept
      }
    }
    return result
  }
}

/// How many more text tokens a sequence may have.
private struct TextBudget {
  var left: Int
  /// Whether the first visual tokens have come.
  var isCounting: Bool

  /// The piece as far as it fits; nil if nothing of it does.
  mutating func take(_ piece: SequencePiece) -> SequencePiece? {
    guard isCounting else {
      isCounting = piece.isVisual
      return piece
    }
    let room = left
    left -= piece.tokens
    guard left < 0, case .answer(let ids, _) = piece else { return left < 0 ? nil : piece }
    left = 0
    return room > 0 ? .answer(Array(ids.prefix(room)), isWhole: false) : nil
  }
}

extension SequencePiece {
  var isVisual: Bool { if case .visual = self { true } else { false } }
  var isAnswer: Bool { if case .answer = self { true } else { false } }

  /// Text tokens, the end token of a whole answer counted.
  fileprivate var tokens: Int {
    switch self {
    case .visual: 0
    case .text(let ids): ids.count
    case .answer(let ids, let isWhole): ids.count + (isWhole ? 1 : 0)
    }
  }
}
