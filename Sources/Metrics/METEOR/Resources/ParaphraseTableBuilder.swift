import Foundation

/// Makes the compact form of METEOR's `paraphrase-en.gz`: three lines a pair, a probability, which
/// METEOR ignores, and the two phrases.
struct ParaphraseTableBuilder {
  private var words = Vocabulary()
  /// Child of a node by word, in order of appearance; node 0 is the root.
  private var children = PairTable(expected: 1 << 21)
  private var parents: [Int32] = [-1]
  private var lastWords: [Int32] = [-1]
  private var pairs: [(phrase: Int32, paraphrase: Int32)] = []

  /// About how many pairs the table of METEOR 1.5 has, for progress.
  private static let usualPairs = 5_274_084

  mutating func read(_ path: String, _ progress: (String, Double) -> Void) throws {
    var lines = try GzipLines(path: path)
    var probability: [UInt8] = []
    var phrase: [UInt8] = []
    var paraphrase: [UInt8] = []
    while try lines.next(&probability) {
      guard try lines.next(&phrase), try lines.next(&paraphrase) else {
        throw METEORDataError.damaged(path: path, rule: "pairs take three lines each")
      }
      pairs.append((node(phrase), node(paraphrase)))
      if pairs.count % (1 << 16) == 0 {
        progress(
          "compacting the paraphrase table",
          min(0.9, 0.9 * Double(pairs.count) / Double(Self.usualPairs)))
      }
    }
    guard !pairs.isEmpty else {
      throw METEORDataError.damaged(path: path, rule: "it holds no pair of phrases")
    }
  }

  /// The node of a phrase, made if it is new.
  private mutating func node(_ phrase: [UInt8]) -> Int32 {
    var node: Int32 = 0
    for part in phrase.split(whereSeparator: { $0 == 32 || (9...13).contains($0) }) {
      let word = part.withUnsafeBufferPointer { words.intern($0) }
      let child = children.id(node, word) + 1
      if Int(child) == parents.count {
        parents.append(node)
        lastWords.append(word)
      }
      node = child
    }
    return node
  }

  /// The whole file.
  func content(_ identity: GzipIdentity) -> Data {
    let (rank, wordStarts, wordBytes) = sortedWords()
    let numbers = numbersByLevel(rank)
    let count = parents.count
    var nodeWords = [UInt32](repeating: 0, count: count)
    var firstChildren = [UInt32](repeating: 0, count: count + 1)
    for old in 1..<count {
      nodeWords[Int(numbers[old])] = rank[Int(lastWords[old])]
      firstChildren[Int(numbers[Int(parents[old])]) + 1] += 1
    }
    // The root is node 0, so the first child of all is node 1.
    firstChildren[0] = 1
    for node in 0..<count { firstChildren[node + 1] += firstChildren[node] }
    var firstPairs = [UInt32](repeating: 0, count: count + 1)
    for pair in pairs { firstPairs[Int(numbers[Int(pair.phrase)]) + 1] += 1 }
    for node in 0..<count { firstPairs[node + 1] += firstPairs[node] }
    var next = firstPairs
    var targets = [UInt32](repeating: 0, count: pairs.count)
    for pair in pairs {
      let phrase = Int(numbers[Int(pair.phrase)])
      targets[Int(next[phrase])] = numbers[Int(pair.paraphrase)]
      next[phrase] += 1
    }
    let header = ParaphraseHeader(
      identity: identity, words: words.count, wordBytes: wordBytes.count, nodes: count,
      pairs: pairs.count)
    var body = Data(capacity: header.size)
    body.append(contentsOf: header.bytes(checksum: 0))
    for section in [wordStarts, nil, nodeWords, firstChildren, firstPairs, targets] {
      if let section {
        section.withUnsafeBytes { body.append(contentsOf: $0) }
      } else {
        body.append(contentsOf: wordBytes)
      }
      body.append(contentsOf: [UInt8](repeating: 0, count: (8 - body.count % 8) % 8))
    }
    let checksum = body.withUnsafeBytes { ParaphraseHeader.checksum(of: $0) }
    body.replaceSubrange(0..<ParaphraseHeader.length, with: header.bytes(checksum: checksum))
    return body
  }

  /// The words by their bytes: the place of each, and their text.
  private func sortedWords() -> (rank: [UInt32], starts: [UInt32], bytes: [UInt8]) {
    let texts = (0..<Int32(words.count)).map { Array(words[$0].utf8) }
    let order = texts.indices.sorted { texts[$0].lexicographicallyPrecedes(texts[$1]) }
    var rank = [UInt32](repeating: 0, count: texts.count)
    var starts: [UInt32] = [0]
    var bytes: [UInt8] = []
    for (place, word) in order.enumerated() {
      rank[word] = UInt32(place)
      bytes += texts[word]
      starts.append(UInt32(bytes.count))
    }
    return (rank, starts, bytes)
  }

  /// New numbers of the nodes: by level, then by parent, then by word.
  private func numbersByLevel(_ rank: [UInt32]) -> [UInt32] {
    var levels: [[Int32]] = []
    var level = [Int](repeating: 0, count: parents.count)
    for node in 1..<parents.count {
      // A parent is older than its children.
      level[node] = level[Int(parents[node])] + 1
      if level[node] > levels.count { levels.append([]) }
      levels[level[node] - 1].append(Int32(node))
    }
    var numbers = [UInt32](repeating: 0, count: parents.count)
    var next: UInt32 = 1
    for nodes in levels {
      let keys = nodes.map { node in
        let parent = numbers[Int(parents[Int(node)])]
        let word = rank[Int(lastWords[Int(node)])]
        return (key: UInt64(parent) << 32 | UInt64(word), node: node)
      }.sorted { $0.key < $1.key }
      for entry in keys {
        numbers[Int(entry.node)] = next
        next += 1
      }
    }
    return numbers
  }
}
