/// Dense ids for all n-grams (n = 1…4) of a caption set.
///
/// An n-gram is interned as the pair (id of its first n − 1 tokens, last token), so ids are exact:
/// no two n-grams share one. Counting then needs arrays and no hashing. Expected O(tokens).
struct NGrams: Sendable {
  static let orders = 4

  /// `candidates[n - 1][p]`: id of the n-gram that *starts* the count at token position `p`.
  ///
  /// Position `p` holds the n-gram that ends there, or -1 where the sentence has begun too late.
  let candidates: [[Int32]]
  let references: [[Int32]]
  /// Number of distinct n-grams of each order.
  let counts: [Int]

  init(_ set: CaptionSet) {
    var candidates = [set.candidates.tokens]
    var references = [set.references.tokens]
    var counts = [set.vocabulary.count]
    for order in 2...Self.orders {
      var table = PairTable(expected: set.references.tokens.count / 2)
      references.append(
        Self.extend(references[order - 2], set.references, by: order, table: &table))
      candidates.append(
        Self.extend(candidates[order - 2], set.candidates, by: order, table: &table))
      counts.append(table.count)
    }
    self.candidates = candidates
    self.references = references
    self.counts = counts
  }

  private static func extend(
    _ shorter: [Int32], _ sentences: Sentences, by order: Int, table: inout PairTable
  ) -> [Int32] {
    var result = [Int32](repeating: -1, count: shorter.count)
    shorter.withUnsafeBufferPointer { shorter in
      sentences.tokens.withUnsafeBufferPointer { tokens in
        result.withUnsafeMutableBufferPointer { result in
          for index in 0..<sentences.count {
            let range = sentences.range(index)
            guard range.count >= order else { continue }
            for position in (range.lowerBound + order - 1)..<range.upperBound {
              result[position] = table.id(shorter[position - 1], tokens[position])
            }
          }
        }
      }
    }
    return result
  }
}

/// Interns pairs of non-negative ids.
///
/// Open addressing, linear probing, at most three quarters full; twelve bytes a slot, since most of
/// the time goes into cache misses.
struct PairTable {
  private var slots: [(first: Int32, second: Int32, value: Int32)]
  private(set) var count = 0

  /// Marks a slot as empty in place of `first`.
  private static let empty: Int32 = -1

  init(expected: Int) {
    var capacity = 1024
    while capacity * 3 / 4 < expected { capacity *= 2 }
    slots = Array(repeating: (Self.empty, 0, 0), count: capacity)
  }

  mutating func id(_ first: Int32, _ second: Int32) -> Int32 {
    let fresh = Int32(count)
    let value = slots.withUnsafeMutableBufferPointer { slots in
      var slot = Self.slot(first, second, slots.count)
      while slots[slot].first != first || slots[slot].second != second {
        if slots[slot].first == Self.empty {
          slots[slot] = (first, second, fresh)
          break
        }
        slot = (slot + 1) & (slots.count - 1)
      }
      return slots[slot].value
    }
    if value == fresh {
      count += 1
      if count > slots.count * 3 / 4 { grow() }
    }
    return value
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: (Self.empty, 0, 0), count: old.count * 2)
    for entry in old where entry.first != Self.empty {
      var slot = Self.slot(entry.first, entry.second, slots.count)
      while slots[slot].first != Self.empty { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = entry
    }
  }

  private static func slot(_ first: Int32, _ second: Int32, _ capacity: Int) -> Int {
    let key = UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
    let hash = key &* 0x9e37_79b9_7f4a_7c15
    return Int(truncatingIfNeeded: hash ^ (hash >> 32)) & (capacity - 1)
  }
}
