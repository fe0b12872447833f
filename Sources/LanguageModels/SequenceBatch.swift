import Layers
import Tensors

/// Samples as packed rows with shared prefixes: the one place where a sequence is put together.
///
/// The rows of a sample are its prefix once, then those of each branch. The prefix is causal on itself; a
/// branch's rows see the whole prefix and their own branch up to themselves, and its positions go on from
/// the prefix's end. So each branch gets what it would get in a sequence of its own, prefix then branch,
/// while the prefix is computed once.
///
/// Supervised are the ids of every answer and, where it is whole, the end id after it; the row before a
/// token predicts it. A branch ends before its last supervised token: that one and what follows it predict
/// nothing and have no row.
public struct SequenceBatch: Sendable {
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
  /// The targets of each branch of each sample.
  public let branchTargets: [[Range<Int>]]
  /// Rows of each sample's prefix.
  public let prefixLengths: [Int]
  /// Rows of visual tokens that the batch is given.
  public let visualRows: Int

  /// - Parameters:
  ///   - visualTokens: rows of each medium, sample by sample in the order of ``SequenceSample/media``; a
  ///     medium may stand in several places of its sample, or in none.
  ///   - end: the id that ends an answer.
  /// - Precondition: every medium has a row; a prefix holds no answer.
  public init(_ samples: [SequenceSample], visualTokens: [Int], end: Int32) {
    precondition(
      visualTokens.count == samples.reduce(0) { $0 + $1.media.count },
      "\(visualTokens.count) media with visual tokens for samples of "
        + "\(samples.reduce(0) { $0 + $1.media.count })")
    precondition(visualTokens.allSatisfy { $0 > 0 }, "a medium has no visual token")
    var packing = Packing()
    var medium = 0
    for sample in samples {
      packing.take(visualTokens[medium..<medium + sample.media.count])
      medium += sample.media.count
      packing.append(sample, end: end)
    }
    ids = packing.ids
    runs = packing.runs
    positions = packing.positions
    layout = AttentionLayout(blocks: packing.blocks)
    outputRows = packing.outputRows
    let inTurn = packing.predictingRows.elementsEqual(0..<Int32(outputRows.count))
    predictingRows = inTurn ? nil : packing.predictingRows
    targets = packing.targets
    branchTargets = packing.branchTargets
    prefixLengths = packing.prefixLengths
    visualRows = packing.visualRows
  }

  /// How many rows the decoder computes.
  public var rows: Int { positions.count }
  public var supervisedTokens: Int { targets.count }
  /// For ``LanguageModel/forwardFLOPs(_:)``.
  public var work: DecoderWork {
    DecoderWork(layout: layout, outputRows: outputRows, logitRows: targets.count)
  }

  /// How many tokens of a sample are supervised: what a batch's loss is divided by, known before the batch
  /// is cut into lanes.
  public static func supervisedTokens(of sample: SequenceSample) -> Int {
    let hasPrefix = sample.prefix.contains(where: \.hasRows)
    return sample.branches.reduce(0) { sum, branch in
      var hasRow = hasPrefix
      return branch.reduce(sum) { sum, piece in
        defer { hasRow = hasRow || piece.hasRows }
        // Nothing predicts the first token of a sequence.
        return sum + max(0, piece.taughtTokens - (hasRow ? 0 : 1))
      }
    }
  }
}

extension SequenceSample {
  /// Rows of its longest sequence, prefix and branch, as far as a decoder computes it.
  ///
  /// - Parameter visualTokens: rows of each of its media.
  public func longestSequence(visualTokens: [Int]) -> Int {
    func rows(_ pieces: [SequencePiece]) -> Int {
      pieces.reduce(0) { sum, piece in
        switch piece {
        case .visual(let medium): sum + visualTokens[medium]
        case .text(let ids): sum + ids.count
        case .answer: sum + piece.taughtTokens
        }
      }
    }
    let longest = branches.map { branch in
      let end = branch.lastIndex { $0.taughtTokens > 0 }
      return end.map { rows(Array(branch[...$0])) - 1 } ?? 0
    }
    return rows(prefix) + max(longest.max() ?? 0, 0)
  }
}

extension SequencePiece {
  /// Tokens that are taught if a row stands before them.
  fileprivate var taughtTokens: Int {
    guard case .answer(let ids, let isWhole) = self else { return 0 }
    return ids.count + (isWhole ? 1 : 0)
  }

  fileprivate var hasRows: Bool {
    switch self {
    case .visual: true
    case .text(let ids): !ids.isEmpty
    case .answer: taughtTokens > 0
    }
  }
}

extension [SequencePiece] {
  /// Whether the row before these pieces predicts a token.
  fileprivate var startsWithAnswer: Bool { (first(where: \.hasRows)?.taughtTokens ?? 0) > 0 }
}

/// The rows laid out so far.
private struct Packing {
  var position: Int32 = 0
  var ids: [Int32] = []
  var runs: [RowRun] = []
  var positions: [Int32] = []
  var blocks: [AttentionBlock] = []
  var outputRows: [Int32] = []
  var predictingRows: [Int32] = []
  var targets: [Int32] = []
  var branchTargets: [[Range<Int>]] = []
  var prefixLengths: [Int] = []
  var visualRows = 0
  /// Rows of the visual tokens that belong to each medium of the sample at hand.
  private var media: [Range<Int>] = []
  /// Which output row the last row of the prefix at hand is.
  private var prefixOutput = 0

  private var row: Int { positions.count }

  /// Gives the next sample its visual tokens.
  mutating func take(_ visualTokens: ArraySlice<Int>) {
    media = visualTokens.map { count in
      defer { visualRows += count }
      return visualRows..<visualRows + count
    }
  }

  mutating func append(_ sample: SequenceSample, end: Int32) {
    let start = row
    position = 0
    for piece in sample.prefix {
      switch piece {
      case .visual(let medium): append(visual: medium)
      case .text(let ids): append(ids: ids)
      case .answer: preconditionFailure("an answer in a prefix would be taught once a branch")
      }
    }
    let prefix = start..<row
    prefixLengths.append(prefix.count)
    if !prefix.isEmpty {
      blocks.append(AttentionBlock(queries: prefix, own: prefix, visible: 1))
    }
    // Asked for first, so that output rows ascend; branches share it.
    prefixOutput = outputRows.count
    if let last = prefix.last, sample.branches.contains(where: \.startsWithAnswer) {
      outputRows.append(Int32(last))
    }
    branchTargets.append(
      sample.branches.map { branch in
        let first = targets.count
        append(branch: branch, after: prefix, end: end)
        return first..<targets.count
      })
  }

  private mutating func append(branch: [SequencePiece], after prefix: Range<Int>, end: Int32) {
    position = Int32(prefix.count)
    let start = row
    guard let last = branch.lastIndex(where: { $0.taughtTokens > 0 }) else { return }
    for (index, piece) in branch[...last].enumerated() {
      switch piece {
      case .visual(let medium): append(visual: medium)
      case .text(let ids): append(ids: ids)
      case .answer(let ids, let isWhole):
        let tokens = isWhole ? ids + [end] : ids
        let rows = index == last ? tokens.count - 1 : tokens.count
        for (offset, token) in tokens.enumerated() {
          let before = row + offset - 1
          if before >= start {
            supervise(token, predictedBy: outputRows.count)
            outputRows.append(Int32(before))
          } else if !prefix.isEmpty {
            supervise(token, predictedBy: prefixOutput)
          }
        }
        append(ids: Array(tokens.prefix(rows)))
      }
    }
    guard row > start else { return }
    blocks.append(
      AttentionBlock(queries: start..<row, shared: prefix, own: start..<row, visible: 1))
  }

  private mutating func append(ids new: [Int32]) {
    append(source: 1, from: ids.count, count: new.count)
    ids += new
  }

  private mutating func append(visual medium: Int) {
    precondition(media.indices.contains(medium), "no medium \(medium) among \(media.count)")
    append(source: 0, from: media[medium].lowerBound, count: media[medium].count)
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
  }

  private mutating func supervise(_ target: Int32, predictedBy output: Int) {
    targets.append(target)
    predictingRows.append(Int32(output))
  }
}
