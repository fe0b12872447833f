/// Names that a reader may have meant.
package enum Similarity {
  /// At most three of `names` within a third of the name's length in edits (insert, delete, replace),
  /// nearest first.
  package static func closest(to name: String, among names: [String]) -> [String] {
    let limit = max(1, name.utf8.count / 3)
    let wanted = Array(name.utf8)
    let near = names.prefix(4096).compactMap { candidate -> (distance: Int, name: String)? in
      guard abs(candidate.utf8.count - wanted.count) <= limit, wanted.count <= 256 else {
        return nil
      }
      let distance = edits(wanted, Array(candidate.utf8))
      return distance <= limit ? (distance, candidate) : nil
    }
    return near.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
  }

  private static func edits(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var row = Array(0...second.count)
    for (i, a) in first.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in second.enumerated() {
        let replaced = diagonal + (a == b ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[second.count]
  }
}
