/// "Did you mean": the known names nearest to what was typed.
package enum Suggestion {
  /// The nearest of `candidates`, or `nil` if none is near enough to be a slip of the hand.
  package static func nearest(to typed: String, among candidates: [String]) -> String? {
    closest(to: typed, among: candidates, count: 1).first
  }

  /// At most `count` of `candidates` that may have been meant, nearest first.
  ///
  /// Case, `-` and `_` don't count. Otherwise at most a third of the letters may differ, by
  /// insertions, deletions, substitutions and swaps of neighbours. Of very many names only the first
  /// 4096 are tried.
  package static func closest(
    to typed: String, among candidates: [String], count: Int = 3
  ) -> [String] {
    let wanted = folded(typed)
    guard wanted.count <= 256 else { return [] }
    let near = candidates.prefix(4096).enumerated().compactMap {
      offset, name -> (distance: Int, offset: Int, name: String)? in
      let candidate = folded(name)
      let limit = max(1, max(wanted.count, candidate.count) / 3)
      guard abs(candidate.count - wanted.count) <= limit else { return nil }
      let distance = distance(wanted, candidate)
      return distance <= limit ? (distance, offset, name) : nil
    }
    return near.sorted { ($0.distance, $0.offset) < ($1.distance, $1.offset) }
      .prefix(count).map(\.name)
  }

  /// The end of an "unknown …" message: a suggestion, or all there is to choose from.
  package static func hint(for typed: String, among candidates: [String]) -> String {
    if let name = nearest(to: typed, among: candidates) { return "did you mean '\(name)'?" }
    return candidates.isEmpty
      ? "nothing may stand here" : "possible here: \(candidates.joined(separator: ", "))"
  }

  private static func folded(_ name: String) -> [Unicode.Scalar] {
    name.lowercased().unicodeScalars.filter { $0 != "_" && $0 != "-" }
  }

  /// Edit distance with swaps of neighbouring letters (optimal string alignment), O(n·m).
  private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    var table = [[Int]](repeating: [Int](0...b.count), count: a.count + 1)
    for row in 0...a.count { table[row][0] = row }
    for row in a.indices {
      for column in b.indices {
        let substitution = table[row][column] + (a[row] == b[column] ? 0 : 1)
        var best = min(substitution, table[row][column + 1] + 1, table[row + 1][column] + 1)
        if row > 0, column > 0, a[row] == b[column - 1], a[row - 1] == b[column] {
          best = min(best, table[row - 1][column - 1] + 1)
        }
        table[row + 1][column + 1] = best
      }
    }
    return table[a.count][b.count]
  }
}
