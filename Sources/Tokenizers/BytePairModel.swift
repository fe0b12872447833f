/// Merges of token pairs, best rank first: the model of byte-level BPE.
///
/// Source: Sennrich et al. 2016, arXiv:1508.07909, §3.2; order of merges as in
/// huggingface/tokenizers, `models/bpe/word.rs`: lowest rank first, leftmost among equals.
struct BytePairModel: Sendable {
  /// The id of each byte's own token; -1 where the vocabulary has none.
  let byteTokens: [Int32]
  /// Stands for bytes without a token; `nil` leaves them out.
  let unknownToken: Int32?
  /// A run of unknown bytes becomes one unknown token.
  let fusesUnknown: Bool
  let merges: MergeTable
  /// Words that are tokens themselves skip the merges (Llama 3's `ignore_merges`); `nil` otherwise.
  let wholeWords: ByteTable?
  let wholeWordTokens: [Int32]

  /// Appends the tokens of one word.
  func encode(_ word: UnsafeBufferPointer<UInt8>, into ids: inout [Int32]) {
    if let wholeWords, let index = wholeWords.index(of: word) {
      ids.append(wholeWordTokens[index])
      return
    }
    var symbols: [Int32] = []
    symbols.reserveCapacity(word.count)
    var lastWasUnknown = false
    for byte in word {
      let token = byteTokens[Int(byte)]
      if token >= 0 {
        symbols.append(token)
      } else if let unknownToken, !(fusesUnknown && lastWasUnknown) {
        symbols.append(unknownToken)
      }
      lastWasUnknown = token < 0
    }
    if symbols.count <= Self.longestScan {
      mergeByScanning(&symbols)
    } else {
      mergeByQueue(&symbols)
    }
    ids.append(contentsOf: symbols)
  }

  /// Words up to this length are merged by scanning, O(n²); longer ones by a queue, O(n log n).
  static let longestScan = 48

  /// Finds the best pair by looking at all of them, again after every merge.
  func mergeByScanning(_ symbols: inout [Int32]) {
    guard symbols.count > 1 else { return }
    // ranks[i] is the rank of symbols i and i + 1.
    var found = (1..<symbols.count).map { merges.merge(symbols[$0 - 1], symbols[$0]) }
    while true {
      var best = -1
      var bestRank = MergeTable.none.rank
      for index in found.indices where found[index].rank < bestRank {
        bestRank = found[index].rank
        best = index
      }
      if best < 0 { return }
      symbols[best] = found[best].token
      symbols.remove(at: best + 1)
      found.remove(at: best)
      if best > 0 { found[best - 1] = merges.merge(symbols[best - 1], symbols[best]) }
      if best < found.count { found[best] = merges.merge(symbols[best], symbols[best + 1]) }
    }
  }

  /// The same merges with a priority queue over a linked list.
  func mergeByQueue(_ symbols: inout [Int32]) {
    let count = symbols.count
    guard count > 1 else { return }
    var next = Array(1...count)
    var previous = Array(-1..<(count - 1))
    var queue = MergeQueue()
    for index in 0..<(count - 1) {
      queue.push(merges.merge(symbols[index], symbols[index + 1]), at: index)
    }
    while let (candidate, left) = queue.pop() {
      let right = next[left]
      guard symbols[left] >= 0, right < count,
        merges.merge(symbols[left], symbols[right]) == candidate
      else { continue }
      symbols[left] = candidate.token
      symbols[right] = -1
      next[left] = next[right]
      if next[left] < count {
        previous[next[left]] = left
        queue.push(merges.merge(symbols[left], symbols[next[left]]), at: left)
      }
      if previous[left] >= 0 {
        queue.push(merges.merge(symbols[previous[left]], symbols[left]), at: previous[left])
      }
    }
    symbols.removeAll { $0 < 0 }
  }
}

/// What a pair of neighbours merges to.
struct Merge: Equatable, Sendable {
  let rank: UInt32
  let token: Int32
}

/// A hash table from pairs of tokens to their merge; open addressing, at most half full.
struct MergeTable: Sendable {
  static let none = Merge(rank: .max, token: -1)

  private struct Slot {
    var pair: UInt64
    var merge: Merge
  }

  private static let free = UInt64.max
  private var slots: [Slot]

  init(capacity: Int) {
    var size = 64
    while size < capacity * 2 { size *= 2 }
    slots = Array(repeating: Slot(pair: Self.free, merge: Self.none), count: size)
  }

  /// The merge of `left` and `right`, or ``none``.
  func merge(_ left: Int32, _ right: Int32) -> Merge {
    slots[place(of: Self.pair(left, right))].merge
  }

  /// - Precondition: no more merges than the capacity.
  mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
    let pair = Self.pair(left, right)
    slots[place(of: pair)] = Slot(pair: pair, merge: merge)
  }

  private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  private func place(of pair: UInt64) -> Int {
    let mask = slots.count - 1
    var hash = pair &* 0x9E37_79B9_7F4A_7C15
    hash ^= hash >> 32
    var place = Int(truncatingIfNeeded: hash) & mask
    while slots[place].pair != pair, slots[place].pair != Self.free { place = (place + 1) & mask }
    return place
  }
}

/// A binary heap of merges, ordered by rank and then by position.
private struct MergeQueue {
  private var heap: [(merge: Merge, position: Int)] = []

  mutating func push(_ merge: Merge, at position: Int) {
    guard merge != MergeTable.none else { return }
    heap.append((merge, position))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard precedes(child, parent) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  mutating func pop() -> (Merge, Int)? {
    guard let top = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return top }
    heap[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, precedes(child + 1, child) { child += 1 }
      guard precedes(child, parent) else { break }
      heap.swapAt(child, parent)
      parent = child
    }
    return top
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    (heap[a].merge.rank, heap[a].position) < (heap[b].merge.rank, heap[b].position)
  }
}
