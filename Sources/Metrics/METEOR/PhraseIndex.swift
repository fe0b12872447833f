/// The phrases of the paraphrase table that occur in a caption set, and the pairs among them.
struct PhraseIndex: Sendable {
  /// Phrases of sentence `i` are `occurrences[starts[i]..<starts[i + 1]]`.
  struct Phrases: Sendable {
    var occurrences: [PhraseOccurrence] = []
    var starts = [0]

    subscript(sentence: Int) -> ArraySlice<PhraseOccurrence> {
      occurrences[starts[sentence]..<starts[sentence + 1]]
    }
  }

  /// Number of distinct phrases, which are numbered from 0.
  private(set) var count = 0
  private(set) var candidates = Phrases()
  private(set) var references = Phrases()
  /// Paraphrases of phrase `i` are `pairs[pairStarts[i]..<pairStarts[i + 1]]`.
  private var pairs: [Int32] = []
  private var pairStarts = [0]

  init(_ text: METEORText, _ table: ParaphraseTable) {
    var walker = Walker(text.words, table)
    references = walker.phrases(of: text.references)
    candidates = walker.phrases(of: text.candidates)
    count = walker.nodes.count
    for node in walker.nodes {
      for paraphrase in table.paraphrases(of: Int(node)) {
        let id = walker.idOfNode[Int(paraphrase)]
        if id >= 0 { pairs.append(id) }
      }
      pairStarts.append(pairs.count)
    }
  }

  /// Paraphrases of a phrase that occur in the set, in the order of the table.
  func paraphrases(of phrase: Int32) -> ArraySlice<Int32> {
    pairs[pairStarts[Int(phrase)]..<pairStarts[Int(phrase) + 1]]
  }

  /// Follows sentences through the tree of phrases.
  private struct Walker {
    /// Nodes met so far, by phrase id.
    private(set) var nodes: [UInt32] = []
    /// Phrase id of each node of the table, or -1.
    private(set) var idOfNode: [Int32]
    private let table: ParaphraseTable
    private let tableWords: [UInt32?]
    /// Steps already taken in the tree, the usual case: node + 1, or 0 where there is no child.
    private var steps = PairTable(expected: 1 << 16)
    private var targets: [Int32] = []

    init(_ words: Vocabulary, _ table: ParaphraseTable) {
      self.table = table
      idOfNode = Array(repeating: -1, count: table.nodeCount)
      tableWords = (0..<Int32(words.count)).map { table.word(words[$0]) }
    }

    mutating func phrases(of sentences: Sentences) -> Phrases {
      var phrases = Phrases()
      for index in 0..<sentences.count {
        let range = sentences.range(index)
        for start in range {
          var node: Int32 = 0
          for position in start..<range.upperBound {
            guard let next = step(node, sentences.tokens[position]) else { break }
            node = next
            phrases.occurrences.append(
              PhraseOccurrence(
                start: start - range.lowerBound, length: position + 1 - start, id: id(node)))
          }
        }
        phrases.starts.append(phrases.occurrences.count)
      }
      return phrases
    }

    private mutating func step(_ node: Int32, _ word: Int32) -> Int32? {
      let known = Int(steps.id(node, word))
      if known == targets.count {
        let child = tableWords[Int(word)].flatMap { table.child(of: Int(node), $0) }
        targets.append(Int32(child ?? 0))
      }
      return targets[known] == 0 ? nil : targets[known]
    }

    private mutating func id(_ node: Int32) -> Int32 {
      if idOfNode[Int(node)] < 0 {
        idOfNode[Int(node)] = Int32(nodes.count)
        nodes.append(UInt32(node))
      }
      return idOfNode[Int(node)]
    }
  }
}
