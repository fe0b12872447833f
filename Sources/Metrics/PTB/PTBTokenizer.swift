/// Penn Treebank tokens of English captions, as pycocoevalcap gets them from the Stanford tokenizer.
///
/// Captions are lower-cased and lose tokens that are punctuation. Captions that are tokenised together
/// are one text of many lines, as there: whether a caption that ends in `etc.` keeps a second period
/// depends on what the next one begins with. No token reaches past its caption, though, where the
/// Stanford tokenizer lets a quoted attribute of a markup tag do so, and a line separator inside a
/// caption is a space, where pycocoevalcap loses count of the captions.
///
/// Time is linear in the length of the text, some 10 ns a character.
public struct PTBTokenizer: Sendable {
  /// Whether punctuation stays, as in the tokenizer's own output.
  public let keepsPunctuation: Bool

  public init(keepsPunctuation: Bool = false) {
    self.keepsPunctuation = keepsPunctuation
  }

  /// What pycocoevalcap drops, compared after lower-casing, so that `-lrb-` stays.
  private static let punctuation = [
    "''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";",
  ]

  /// The tokens of each caption, joined by single spaces.
  public func tokenize(_ captions: [String]) -> [String] {
    var vocabulary = Vocabulary()
    let sentences = sentences(captions, into: &vocabulary, threads: Parallel.availableThreads)
    return (0..<sentences.count).map { vocabulary.text(of: sentences[$0]) }
  }

  /// Token ids of each caption; a caption without tokens has none.
  package func sentences(
    _ captions: [String], into vocabulary: inout Vocabulary, threads: Int
  ) -> Sentences {
    let text = CaptionText(captions)
    let pieces = Parallel.map(captions.count, threads: threads) { lines in
      [tokens(of: lines, in: text)]
    }
    var sentences = Sentences()
    for piece in pieces { sentences.append(piece.sentences, of: piece.vocabulary, to: &vocabulary) }
    return sentences
  }

  private func tokens(
    of lines: Range<Int>, in text: CaptionText
  ) -> (vocabulary: Vocabulary, sentences: Sentences) {
    var vocabulary = Vocabulary()
    let dropped = keepsPunctuation ? [] : Self.punctuation
    for token in dropped { _ = vocabulary.intern(token) }
    var sentences = Sentences()
    var lexer = PTBLexer(text.units)
    for line in lines {
      lexer.position = text.starts[line]
      while lexer.position < text.starts[line + 1] {
        guard let token = lexer.next(into: &vocabulary), token >= dropped.count else { continue }
        sentences.append(token: token)
      }
      sentences.endSentence()
    }
    return (vocabulary, sentences)
  }
}

/// Captions as lines of one text.
struct CaptionText: Sendable {
  private(set) var units: [UInt16] = []
  /// Line `i`, with the line feed after it, is `units[starts[i]..<starts[i + 1]]`.
  private(set) var starts: [Int] = [0]

  init(_ captions: [String]) {
    for (index, caption) in captions.enumerated() {
      let start = units.count
      units.append(contentsOf: caption.utf16)
      // A caption is one line, whatever it holds.
      for position in start..<units.count where units[position] == 10 { units[position] = 32 }
      if index + 1 < captions.count { units.append(10) }
      starts.append(units.count)
    }
  }
}
