/// "Did you mean": the known name nearest to what was typed.
package enum Suggestion {
  /// The nearest of `candidates`, or `nil` if none is near enough to be a slip of the hand.
  ///
  /// Case, `-` and `_` don't count. Otherwise at most a third of the letters may differ, by
  /// insertions, deletions, substitutions and swaps of neighbours.
  package static func nearest(to typed: String, among candidates: [String]) -> String? {
    let wanted = folded(typed)
    let ranked = candidates.map { (name: $0, distance: distance(wanted, folded($0))) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, max(wanted.count, best.name.count) / 3) ? best.name : nil
  }

  /// The end of an "unknown …" message: a suggestion, or all there is to choose from.
  package static func hint(for typed: String, among candidates: [String]) -> String {
    if let name = nearest(to: typed, among: candidates) { return "did you mean '\(name)'?" }
    return candidates.isEmpty
      ? "nothing may stand here" : "possible here: \(candidates.joined(separator: ", "))"
  }

  private static func folded(_ name: String) -> [Character] {
    name.lowercased().filter { $0 != "_" && $0 != "-" }
  }

  /// Edit distance with swaps of neighbouring letters (optimal string alignment), O(n·m).
  package static func distance(_ a: [Character], _ b: [Character]) -> Int {
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
