/// The beam search of METEOR 1.5.
extension METEORAligner {
  /// A way to match the reference's words so far.
  private struct Path<Words: WordSet> {
    var matches = 0
    var chunks = 0
    var distance = 0
    /// Reference word at which the next match may begin.
    var next = 0
    /// Candidate word after the last match, or -1 if the word before was skipped.
    var lastEnd = -1
    /// The last match taken, in `history`.
    var taken = -1
    var candidateUsed: Words
    var referenceUsed: Words

    /// Counts a match whose words are marked as used, or about to be.
    mutating func take(_ match: METEORMatch, isExact: Bool, _ entry: Int) {
      // As integers: half a match rounds down, on each side by itself.
      matches += isExact ? match.matchLength : match.matchLength / 2
      matches += isExact ? match.length : match.length / 2
      if lastEnd != -1, match.matchStart != lastEnd { chunks += 1 }
      next = match.start + match.length
      lastEnd = match.matchStart + match.matchLength
      taken = entry
    }

    /// More matches go first, then fewer chunks, then the smaller distance.
    static func < (a: Self, b: Self) -> Bool {
      (-a.matches, a.chunks, a.distance) < (-b.matches, b.chunks, b.distance)
    }
  }

  /// The matches of the best alignment, in reference order.
  mutating func resolve<Words: WordSet>(
    _ candidateLength: Int, _ referenceLength: Int, as: Words.Type
  ) -> [METEORMatch] {
    var start = Path(candidateUsed: Words(candidateLength), referenceUsed: Words(referenceLength))
    let definite = takeDefinite(&start, referenceLength)
    let definiteMatches = definite.filter { $0 >= 0 }
    // Without a choice there is nothing to search.
    if definiteMatches.count == matches.count { return definiteMatches.map { matches[$0] } }
    history.removeAll(keepingCapacity: true)
    var paths = [start]
    var nextPaths: [Path<Words>] = []
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
  private func takeDefinite<Words>(_ path: inout Path<Words>, _ referenceLength: Int) -> [Int] {
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
  private mutating func advance<Words>(
    _ start: Path<Words>, _ current: Int, _ definite: Int, _ result: inout [Path<Words>]
  ) {
    var path = start
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

  /// Puts paths in order; equal ones keep theirs.
  private static func sort<Words>(_ paths: inout [Path<Words>]) {
    let isSorted = zip(paths, paths.dropFirst()).allSatisfy { !($1 < $0) }
    if isSorted { return }
    let order = paths.indices.sorted { a, b in
      paths[a] < paths[b] || (!(paths[b] < paths[a]) && a < b)
    }
    paths = order.map { paths[$0] }
  }
}
