import Configuration
import Datasets
import LanguageModels
import Synchronization
import Tensors
import Training

/// The sequences of an experiment's examples: text becomes ids once per data set, whatever arms, seeds, folds
/// and stages there are.
final class SequenceTable: Sendable {
  private struct Key: Hashable {
    let data: StageData
    let limit: Int?
  }

  /// The sequences of all examples of one kind.
  struct Table: Sendable {
    let set: SequenceSet
    /// By the id of the first example of each: those about the same media are one sample.
    let places: [Identifier: Int]
  }

  private let data: ExperimentData
  private let text: TextSide
  private let executor: LaneExecutor
  private let made = Mutex<[Key: Table]>([:])

  init(data: ExperimentData, text: TextSide, executor: LaneExecutor) {
    self.data = data
    self.text = text
    self.executor = executor
  }

  /// The sequences of some examples: those about the same media together, in the order of their first.
  ///
  /// - Parameter limit: text tokens of a sequence; longer answers are cut.
  /// - Throws: `SequenceError` for marks of media that do not fit, or an answer of which nothing is left.
  func sequences(_ examples: [Example], _ kind: StageData, limit: Int?) throws -> SequenceSet {
    let table = try table(kind, limit: limit)
    let places = examples.compactMap { table.places[$0.id] }
    return SequenceSet(
      samples: places.map { table.set.samples[$0] },
      alternatives: places.map { table.set.alternatives[$0] },
      examples: places.map { table.set.examples[$0] })
  }

  /// All examples of a kind.
  func table(_ kind: StageData, limit: Int?) throws -> Table {
    let key = Key(data: kind, limit: limit)
    if let table = made.withLock({ $0[key] }) { return table }
    // An image is in one part of a fold, so the groups of all examples are those of each part.
    let examples = data.examples.filter { $0.serves(kind) }
    let set: SequenceSet
    if let limit {
      set = try table(kind, limit: nil).set.cut(toTextTokens: limit, of: examples)
    } else {
      set = try text.template.sequences(of: examples, places: data.places, executor: executor)
    }
    var places: [Identifier: Int] = [:]
    for (place, group) in set.examples.enumerated() { places[examples[group[0]].id] = place }
    let table = Table(set: set, places: places)
    made.withLock { $0[key] = table }
    return table
  }
}

extension Example {
  /// Whether a stage on this kind of data takes it.
  func serves(_ data: StageData) -> Bool {
    switch data {
    case .captions, .contrast: content == .captions
    case .questions: content == .questions
    }
  }

  /// The first of those about the same media; those without media are left out.
  static func firstByMedia(_ examples: [Example]) -> [Example] {
    var seen: Set<[Identifier]> = []
    return examples.filter { !$0.media.isEmpty && seen.insert($0.media.map(\.id)).inserted }
  }

  /// Every answer's text.
  var texts: [String] { exchanges.flatMap { ($0.question.map { [$0] } ?? []) + $0.answers } }
}

extension ExperimentInputs {
  /// The begin token, if the tokenizer adds one.
  var opening: [Int32] { text.tokenizer.beginToken.map { [$0] } ?? [] }

  /// Of each example its answers' ids without their ends: for what learns from text alone.
  func texts(of examples: [Example]) -> [[[Int32]]] {
    examples.map { $0.exchanges.flatMap { $0.answers.map(text.tokenizer.encode) } }
  }
}
