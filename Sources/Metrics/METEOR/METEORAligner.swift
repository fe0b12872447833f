/// Two stretches of words that a stage holds equal.
struct METEORMatch {
  /// Index of the stage: exact, stem, synonym, paraphrase.
  let stage: Int
  /// First word and number of words in the reference.
  let start: Int
  let length: Int
  /// First word and number of words in the candidate.
  let matchStart: Int
  let matchLength: Int
}

/// METEOR's alignment: all matches of all stages, then the best set that uses no word twice.
///
/// The search is the beam search of METEOR 1.5 (`Aligner.resolve`), its order of paths and its ties
/// included, because ties decide which of equally good alignments is counted: most matched words
/// first (a match that is not exact counts half, rounded down), then fewest chunks, then smallest
/// distance, where the distance of a match is charged to the paths that do not take it.
struct METEORAligner {
  static let beam = 40

  private let lexicon: METEORLexicon
  private let phrases: PhraseIndex?
  let stages: [METEORStage]
  private(set) var matches: [METEORMatch] = []
  /// Matches that begin at reference word `i` are `order[firstMatch[i]..<firstMatch[i + 1]]`.
  private(set) var firstMatch: [Int] = []
  private(set) var order: [Int] = []
  private(set) var candidateCoverage: [Int] = []
  private(set) var referenceCoverage: [Int] = []
  var history: [(match: Int, parent: Int)] = []
  private var places: PhrasePlaces

  init(_ lexicon: METEORLexicon, _ phrases: PhraseIndex?, stages: [METEORStage]) {
    self.lexicon = lexicon
    self.phrases = phrases
    self.stages = stages
    places = PhrasePlaces(phrases: phrases?.count ?? 0)
  }

  /// Sufficient statistics of a pair of sentences: see ``METEORStatistics``.
  mutating func statistics(
    candidate: METEORSentence, reference: METEORSentence
  ) -> [Double] {
    let words = (candidate: candidate.words, reference: reference.words)
    findMatches(candidate, reference)
    let chosen =
      max(words.candidate.count, words.reference.count) <= ShortWordSet.capacity
      ? resolve(words.candidate.count, words.reference.count, as: ShortWordSet.self)
      : resolve(words.candidate.count, words.reference.count, as: LongWordSet.self)
    var result = [Double](repeating: 0, count: METEORStatistics.width(stages: stages.count))
    result[0] = Double(words.candidate.count)
    result[1] = Double(words.reference.count)
    result[2] = Double(words.candidate.count { lexicon.isFunction($0) })
    result[3] = Double(words.reference.count { lexicon.isFunction($0) })
    let last = 4 + 4 * stages.count
    for match in chosen {
      let first = 4 + 4 * match.stage
      for word in words.candidate[offset: match.matchStart, count: match.matchLength] {
        result[first + (lexicon.isFunction(word) ? 2 : 0)] += 1
        result[last + 1] += 1
      }
      for word in words.reference[offset: match.start, count: match.length] {
        result[first + (lexicon.isFunction(word) ? 3 : 1)] += 1
        result[last + 2] += 1
      }
    }
    let chunks = Self.chunks(chosen)
    let isComplete =
      result[last + 1] == result[0] && result[last + 2] == result[1] && chunks == 1
    result[last] = isComplete ? 0 : Double(chunks)
    return result
  }

  /// Runs of matches that are contiguous and in the same order in both sentences.
  private static func chunks(_ matches: [METEORMatch]) -> Int {
    var chunks = 0
    var end = (reference: -1, candidate: -1)
    for match in matches {
      if match.start != end.reference || match.matchStart != end.candidate { chunks += 1 }
      end = (match.start + match.length, match.matchStart + match.matchLength)
    }
    return chunks
  }

  // MARK: Matches

  private mutating func findMatches(_ candidate: METEORSentence, _ reference: METEORSentence) {
    matches.removeAll(keepingCapacity: true)
    // Equal sentences get exact matches only, which saves the beam from errors.
    let isEqual = candidate.words.elementsEqual(reference.words)
    for (stage, kind) in stages.prefix(isEqual ? 1 : stages.count).enumerated() {
      switch kind {
      case .exact: matchWords(stage, candidate, reference) { $0 == $1 }
      case .stem:
        matchWords(stage, candidate, reference) { [lexicon] in
          $0 != $1 && lexicon.stem($0) == lexicon.stem($1)
        }
      case .synonym:
        matchWords(stage, candidate, reference) { [lexicon] in
          $0 != $1 && lexicon.areSynonyms($0, $1)
        }
      case .paraphrase: matchPhrases(stage, candidate, reference)
      }
    }
    index(candidate.words.count, reference.words.count)
  }

  @inline(__always)
  private mutating func matchWords(
    _ stage: Int, _ candidate: METEORSentence, _ reference: METEORSentence,
    _ areEqual: (Int32, Int32) -> Bool
  ) {
    for (start, word) in reference.words.enumerated() {
      for (matchStart, other) in candidate.words.enumerated() where areEqual(other, word) {
        matches.append(
          METEORMatch(
            stage: stage, start: start, length: 1, matchStart: matchStart, matchLength: 1))
      }
    }
  }

  /// Paraphrases of reference phrases in the candidate, then of candidate phrases in the reference.
  private mutating func matchPhrases(
    _ stage: Int, _ candidate: METEORSentence, _ reference: METEORSentence
  ) {
    guard let phrases else { return }
    for isOfReference in [true, false] {
      let (own, others) =
        isOfReference
        ? (reference.phrases, candidate.phrases) : (candidate.phrases, reference.phrases)
      places.set(others)
      for phrase in own {
        for paraphrase in phrases.paraphrases(of: phrase.id) {
          for place in places[paraphrase] {
            let (left, right) =
              isOfReference ? (phrase, others[place]) : (others[place], phrase)
            matches.append(
              METEORMatch(
                stage: stage, start: left.start, length: left.length, matchStart: right.start,
                matchLength: right.length))
          }
        }
      }
      places.clear(others)
    }
  }

  /// Groups matches by their first reference word, in the order found, and counts coverage.
  private mutating func index(_ candidateLength: Int, _ referenceLength: Int) {
    candidateCoverage.reset(count: candidateLength)
    referenceCoverage.reset(count: referenceLength)
    firstMatch.reset(count: referenceLength + 1)
    for match in matches {
      firstMatch[match.start + 1] += 1
      for word in 0..<match.matchLength { candidateCoverage[match.matchStart + word] += 1 }
      for word in 0..<match.length { referenceCoverage[match.start + word] += 1 }
    }
    for word in 0..<referenceLength { firstMatch[word + 1] += firstMatch[word] }
    // Filled from the back, so that `firstMatch` ends where it should.
    for word in 0..<referenceLength { firstMatch[word] = firstMatch[word + 1] }
    order.reset(count: matches.count)
    for (index, match) in matches.enumerated().reversed() {
      firstMatch[match.start] -= 1
      order[firstMatch[match.start]] = index
    }
  }
}

extension [Int] {
  /// Makes all of `count` elements 0, in the memory there is.
  fileprivate mutating func reset(count: Int) {
    removeAll(keepingCapacity: true)
    append(contentsOf: repeatElement(0, count: count))
  }
}

extension ArraySlice {
  /// `count` elements from the `offset`-th on.
  fileprivate subscript(offset offset: Int, count count: Int) -> ArraySlice {
    self[startIndex + offset..<startIndex + offset + count]
  }
}
