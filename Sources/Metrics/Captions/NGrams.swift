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
    for index in 0..<sentences.count {
      let range = sentences.range(index)
      guard range.count >= order else { continue }
      for position in (range.lowerBound + order - 1)..<range.upperBound {
        result[position] = table.id(shorter[position - 1], sentences.tokens[position])
      }
    }
    return result
  }
}

/// Interns pairs of non-negative ids.
///
/// Open addressing, linear probing, at most half full.
struct PairTable {
  private var keys: [UInt64]
  private var values: [Int32]
  private(set) var count = 0

  init(expected: Int) {
    var capacity = 1024
    while capacity < expected * 2 { capacity *= 2 }
    keys = Array(repeating: .max, count: capacity)
    values = Array(repeating: 0, count: capacity)
  }

  mutating func id(_ first: Int32, _ second: Int32) -> Int32 {
    let key = UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
    var slot = Self.slot(key, keys.count)
    while keys[slot] != key {
      if keys[slot] == .max {
        keys[slot] = key
        values[slot] = Int32(count)
        count += 1
        if count * 2 > keys.count { grow() }
        return Int32(count - 1)
      }
      slot = (slot + 1) & (keys.count - 1)
    }
    return values[slot]
  }

  /// The id of a pair that may be absent.
  func existing(_ first: Int32, _ second: Int32) -> Int32? {
    let key = UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
    var slot = Self.slot(key, keys.count)
    while keys[slot] != key {
      if keys[slot] == .max { return nil }
      slot = (slot + 1) & (keys.count - 1)
    }
    return values[slot]
  }

  private mutating func grow() {
    let old = (keys, values)
    keys = Array(repeating: .max, count: old.0.count * 2)
    values = Array(repeating: 0, count: old.0.count * 2)
    for (index, key) in old.0.enumerated() where key != .max {
      var slot = Self.slot(key, keys.count)
      while keys[slot] != .max { slot = (slot + 1) & (keys.count - 1) }
      keys[slot] = key
      values[slot] = old.1[index]
    }
  }

  private static func slot(_ key: UInt64, _ capacity: Int) -> Int {
    var hash = key &* 0x9e37_79b9_7f4a_7c15
    hash ^= hash >> 32
    return Int(truncatingIfNeeded: hash) & (capacity - 1)
  }
}
