/// A set of words of a sentence, by position.
protocol WordSet {
  init(_ count: Int)
  func contains(_ word: Int) -> Bool
  func intersects(_ start: Int, _ count: Int) -> Bool
  mutating func insert(_ start: Int, _ count: Int)
}

/// For sentences of at most 64 words, which is nearly all.
struct ShortWordSet: WordSet {
  static let capacity = 64
  private var bits: UInt64 = 0

  init(_ count: Int) {}

  func contains(_ word: Int) -> Bool { bits >> UInt64(word) & 1 == 1 }

  func intersects(_ start: Int, _ count: Int) -> Bool { bits & Self.mask(start, count) != 0 }

  mutating func insert(_ start: Int, _ count: Int) { bits |= Self.mask(start, count) }

  private static func mask(_ start: Int, _ count: Int) -> UInt64 {
    count == 0 ? 0 : (UInt64.max >> UInt64(64 - count)) << UInt64(start)
  }
}

/// For sentences of any length.
struct LongWordSet: WordSet {
  private var isMember: [Bool]

  init(_ count: Int) {
    isMember = Array(repeating: false, count: count)
  }

  func contains(_ word: Int) -> Bool { isMember[word] }

  func intersects(_ start: Int, _ count: Int) -> Bool {
    isMember[start..<start + count].contains(true)
  }

  mutating func insert(_ start: Int, _ count: Int) {
    for word in start..<start + count { isMember[word] = true }
  }
}

/// Where each phrase occurs in one sentence: lists threaded through arrays, cleared one by one.
struct PhrasePlaces {
  /// First place of a phrase, -1 if it is not there.
  private var first: [Int32]
  /// The next place of the same phrase, by place less the place of the sentence's first phrase.
  private var next: [Int32] = []
  private var base = 0

  init(phrases: Int) {
    first = Array(repeating: -1, count: phrases)
  }

  mutating func set(_ phrases: ArraySlice<PhraseOccurrence>) {
    base = phrases.startIndex
    next = Array(repeating: -1, count: phrases.count)
    // From the last to the first, so that lists are in order.
    for place in phrases.indices.reversed() {
      let phrase = Int(phrases[place].id)
      next[place - base] = first[phrase]
      first[phrase] = Int32(place - base)
    }
  }

  mutating func clear(_ phrases: ArraySlice<PhraseOccurrence>) {
    for phrase in phrases { first[Int(phrase.id)] = -1 }
  }

  /// The places of a phrase, in order.
  subscript(phrase: Int32) -> some Sequence<Int> {
    sequence(
      state: first[Int(phrase)],
      next: { [next, base] place -> Int? in
        guard place >= 0 else { return nil }
        defer { place = next[Int(place)] }
        return Int(place) + base
      })
  }
}
