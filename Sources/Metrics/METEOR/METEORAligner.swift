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
  private let stages: [METEORStage]
  private var matches: [METEORMatch] = []
  /// Matches that begin at reference word `i` are `order[firstMatch[i]..<firstMatch[i + 1]]`.
  private var firstMatch: [Int] = []
  private var order: [Int] = []
  private var candidateCoverage: [Int] = []
  private var referenceCoverage: [Int] = []
  private var history: [(match: Int, parent: Int)] = []

  init(_ lexicon: METEORLexicon, stages: [METEORStage]) {
    self.lexicon = lexicon
    self.stages = stages
  }

  /// Sufficient statistics of a pair of sentences: see ``METEORStatistics``.
  mutating func statistics(
    candidate: METEORSentence, reference: METEORSentence
  ) -> [Double] {
    let words = (candidate: candidate.words, reference: reference.words)
    findMatches(candidate, reference)
    let chosen = resolve(words.candidate.count, words.reference.count)
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
    guard let phrases = lexicon.phrases else { return }
    for phrase in reference.phrases {
      for target in phrases.paraphrases(of: phrase.id) {
        for other in candidate.phrases where other.id == target {
          matches.append(
            METEORMatch(
              stage: stage, start: phrase.start, length: phrase.length, matchStart: other.start,
              matchLength: other.length))
        }
      }
    }
    for phrase in candidate.phrases {
      for target in phrases.paraphrases(of: phrase.id) {
        for other in reference.phrases where other.id == target {
          matches.append(
            METEORMatch(
              stage: stage, start: other.start, length: other.length, matchStart: phrase.start,
              matchLength: phrase.length))
        }
      }
    }
  }

  /// Groups matches by their first reference word, in the order found, and counts coverage.
  private mutating func index(_ candidateLength: Int, _ referenceLength: Int) {
    candidateCoverage = Array(repeating: 0, count: candidateLength)
    referenceCoverage = Array(repeating: 0, count: referenceLength)
    firstMatch = Array(repeating: 0, count: referenceLength + 1)
    for match in matches {
      firstMatch[match.start + 1] += 1
      for word in 0..<match.matchLength { candidateCoverage[match.matchStart + word] += 1 }
      for word in 0..<match.length { referenceCoverage[match.start + word] += 1 }
    }
    for word in 0..<referenceLength { firstMatch[word + 1] += firstMatch[word] }
    var next = firstMatch
    order = Array(repeating: 0, count: matches.count)
    for (index, match) in matches.enumerated() {
      order[next[match.start]] = index
      next[match.start] += 1
    }
  }

  // MARK: Search

  private struct Path {
    var matches = 0
    var chunks = 0
    var distance = 0
    /// Reference word at which the next match may begin.
    var next = 0
    /// Candidate word after the last match, or -1 if the word before was skipped.
    var lastEnd = -1
    /// The last match taken, in `history`.
    var taken = -1
    var candidateUsed: WordSet
    var referenceUsed: WordSet

    /// - Precondition: The words of `match` are marked as used, or about to be.
    mutating func take(_ match: METEORMatch, isExact: Bool, _ entry: Int) {
      // As integers: half a match rounds down, on each side by itself.
      matches += isExact ? match.matchLength : match.matchLength / 2
      matches += isExact ? match.length : match.length / 2
      if lastEnd != -1, match.matchStart != lastEnd { chunks += 1 }
      next = match.start + match.length
      lastEnd = match.matchStart + match.matchLength
      taken = entry
    }
  }

  /// The matches of the best alignment, in reference order.
  private mutating func resolve(
    _ candidateLength: Int, _ referenceLength: Int
  ) -> [METEORMatch] {
    var start = Path(
      candidateUsed: WordSet(candidateLength), referenceUsed: WordSet(referenceLength))
    let definite = takeDefinite(&start, referenceLength)
    history.removeAll(keepingCapacity: true)
    var paths = [start]
    var nextPaths: [Path] = []
    for current in 0..<referenceLength {
      Self.sort(&paths)
      nextPaths.removeAll(keepingCapacity: true)
      for rank in 0..<min(Self.beam, paths.count) {
        advance(paths[rank], current, definite[current], &nextPaths)
      }
      if nextPaths.isEmpty { nextPaths.append(paths[0]) }
      swap(&paths, &nextPaths)
    }
    Self.sort(&paths)
    paths.removeSubrange(min(Self.beam, paths.count)...)
    for index in paths.indices where paths[index].lastEnd != -1 { paths[index].chunks += 1 }
    Self.sort(&paths)
    var result: [METEORMatch] = []
    var entry = paths[0].taken
    while entry >= 0 {
      result.append(matches[history[entry].match])
      entry = history[entry].parent
    }
    return result.reversed()
  }

  /// Matches that are alone on all their words are taken before the search.
  ///
  /// Result: for each reference word the definite match that begins there, or -1.
  private func takeDefinite(_ path: inout Path, _ referenceLength: Int) -> [Int] {
    var definite = [Int](repeating: -1, count: referenceLength)
    for word in 0..<referenceLength where firstMatch[word + 1] - firstMatch[word] == 1 {
      let match = matches[order[firstMatch[word]]]
      let isAlone =
        (0..<match.length).allSatisfy { referenceCoverage[match.start + $0] == 1 }
        && (0..<match.matchLength).allSatisfy { candidateCoverage[match.matchStart + $0] == 1 }
      guard isAlone else { continue }
      definite[word] = order[firstMatch[word]]
      path.referenceUsed.insert(match.start, match.length)
      path.candidateUsed.insert(match.matchStart, match.matchLength)
    }
    return definite
  }

  /// Continues a path over one reference word, in all ways.
  private mutating func advance(
    _ path: Path, _ current: Int, _ definite: Int, _ result: inout [Path]
  ) {
    var path = path
    if path.referenceUsed.contains(current) {
      if current < path.next {
        result.append(path)
      } else if definite >= 0 {
        let match = matches[definite]
        history.append((definite, path.taken))
        path.take(match, isExact: stages[match.stage] == .exact, history.count - 1)
        path.distance += abs(match.start - match.matchStart)
        result.append(path)
      }
      return
    }
    for index in order[firstMatch[current]..<firstMatch[current + 1]] {
      let match = matches[index]
      if path.referenceUsed.intersects(match.start, match.length)
        || path.candidateUsed.intersects(match.matchStart, match.matchLength)
      {
        continue
      }
      var taking = path
      taking.referenceUsed.insert(match.start, match.length)
      taking.candidateUsed.insert(match.matchStart, match.matchLength)
      history.append((index, path.taken))
      taking.take(match, isExact: stages[match.stage] == .exact, history.count - 1)
      // As in METEOR 1.5: the distance goes to the path that was left, not to the one that took it.
      path.distance += abs(match.start - match.matchStart)
      result.append(taking)
    }
    if path.lastEnd != -1 {
      path.chunks += 1
      path.lastEnd = -1
    }
    path.next += 1
    result.append(path)
  }

  /// Stable order by matches, chunks, distance.
  private static func sort(_ paths: inout [Path]) {
    guard paths.count > 1 else { return }
    let keys = paths.enumerated().map { index, path in
      (matches: -path.matches, chunks: path.chunks, distance: path.distance, index: index)
    }.sorted { $0 < $1 }
    paths = keys.map { paths[$0.index] }
  }
}

extension ArraySlice {
  /// `count` elements from the `offset`-th on.
  fileprivate subscript(offset offset: Int, count count: Int) -> ArraySlice {
    self[startIndex + offset..<startIndex + offset + count]
  }
}

/// A set of words of a sentence, by position.
struct WordSet {
  private var low: UInt64 = 0
  /// Words from the 65th on; empty for the sentences that are usual.
  private var rest: [UInt64]

  init(_ count: Int) {
    rest = count <= 64 ? [] : Array(repeating: 0, count: (count - 1) / 64)
  }

  func contains(_ word: Int) -> Bool {
    word < 64 ? low >> UInt64(word) & 1 == 1 : rest[word / 64 - 1] >> UInt64(word % 64) & 1 == 1
  }

  func intersects(_ start: Int, _ count: Int) -> Bool {
    (start..<start + count).contains { contains($0) }
  }

  mutating func insert(_ start: Int, _ count: Int) {
    for word in start..<start + count {
      if word < 64 {
        low |= 1 << UInt64(word)
      } else {
        rest[word / 64 - 1] |= 1 << UInt64(word % 64)
      }
    }
  }
}
