import Tensors

/// What sequences start with: rows that several of them share, and rows of their own after these.
///
/// A picture's visual tokens stand here once, whatever the number of its questions or of the answers drawn to
/// one of them.
public struct GenerationPrefixes: Sendable {
  /// Sequences that begin alike, next to each other.
  struct Family: Sendable {
    /// Rows of all of its sequences.
    let shared: Int
    /// Rows of each sequence after these; at least one sequence.
    let own: [Int]

    var rows: Int { own.reduce(shared, +) }
  }

  /// Family by family its shared rows, then each sequence's own: `[rows, H]`.
  let tensor: Tensor
  let families: [Family]

  /// Sequences with nothing in common.
  public init(_ rows: Rows) {
    tensor = rows.tensor
    families = rows.segments.lengths.map { Family(shared: $0, own: [0]) }
  }

  /// - Precondition: the families' rows are the tensor's.
  init(_ tensor: Tensor, _ families: [Family]) {
    let rows = families.reduce(0) { $0 + $1.rows }
    precondition(rows == tensor.rows, "prefixes of \(rows) rows in a tensor of \(tensor.rows)")
    self.tensor = tensor
    self.families = families
  }

  /// The length of each sequence.
  var lengths: [Int] { families.flatMap { family in family.own.map { family.shared + $0 } } }
}

/// The rows of one pass over prefixes, and where they belong.
struct PrefixPass {
  /// First row of the pass among the prefixes' rows, and the row after its last.
  private(set) var rows: Range<Int>
  private(set) var positions: [Int32] = []
  /// The cache row that each row writes.
  private(set) var destinations: [Int32] = []
  private(set) var blocks: [AttentionBlock] = []
  /// The rows that a sequence's first logits come from, ascending, and for each sequence which of them.
  private(set) var outputRows: [Int32] = []
  private(set) var outputs: [Int32] = []
  /// Cache rows of shared keys and values, and where the other sequences have them.
  private(set) var copied: (sources: [Int32], targets: [Int32]) = ([], [])

  init(from row: Int) { rows = row..<row }

  /// - Parameter first: the family's first sequence.
  mutating func append(_ family: GenerationPrefixes.Family, first: Int, cache: KeyValueCache) {
    let shared = cache.row(first, 0)..<cache.row(first, family.shared)
    append(family.shared, at: 0, shared: 0..<0, to: shared)
    let last = Int32(rows.count - 1)
    if family.own.contains(0) { outputRows.append(last) }
    let lastOutput = Int32(outputRows.count - 1)
    for (index, length) in family.own.enumerated() {
      let start = cache.row(first + index, family.shared)
      append(length, at: family.shared, shared: shared, to: start..<start + length)
      if length > 0 { outputRows.append(Int32(rows.count - 1)) }
      outputs.append(length > 0 ? Int32(outputRows.count - 1) : lastOutput)
      guard index > 0 else { continue }
      copied.sources += shared.map { Int32($0) }
      copied.targets += (0..<family.shared).map { Int32(cache.row(first + index, $0)) }
    }
  }

  private mutating func append(
    _ count: Int, at position: Int, shared: Range<Int>, to cacheRows: Range<Int>
  ) {
    guard count > 0 else { return }
    let start = rows.count
    blocks.append(
      AttentionBlock(queries: start..<start + count, shared: shared, own: cacheRows, visible: 1))
    positions += (0..<count).map { Int32(position + $0) }
    destinations += cacheRows.map { Int32($0) }
    rows = rows.lowerBound..<rows.upperBound + count
  }
}

extension SequenceSample {
  /// Samples to generate from, neighbours with the same media as one: what they begin alike with is its
  /// prefix, the rest of each a branch.
  ///
  /// The branches of all samples, one after the other, are the given samples in their order.
  /// - Precondition: the samples have no branches.
  public static func sharingPrefixes(_ samples: [SequenceSample]) -> [SequenceSample] {
    var merged: [SequenceSample] = []
    for sample in samples {
      precondition(sample.branches.isEmpty, "a sample to generate from has no branches")
      if let last = merged.last, last.media == sample.media, !sample.media.isEmpty,
        let joined = last.joined(with: sample.prefix)
      {
        merged[merged.count - 1] = joined
      } else {
        merged.append(SequenceSample(media: sample.media, prefix: sample.prefix, branches: [[]]))
      }
    }
    return merged
  }

  /// Nil when a medium stands in what they do not share.
  private func joined(with pieces: [SequencePiece]) -> SequenceSample? {
    let common = zip(prefix, pieces).prefix { $0 == $1 }.count
    let rest = Array(pieces[common...])
    let ownRest = Array(prefix[common...])
    guard (rest + ownRest).allSatisfy(\.isText) else { return nil }
    return SequenceSample(
      media: media, prefix: Array(prefix[..<common]),
      branches: branches.map { ownRest + $0 } + [rest])
  }
}

extension SequencePiece {
  fileprivate var isText: Bool {
    if case .text = self { true } else { false }
  }
}
