import Configuration

/// What the stages know about the words of one caption set, by dense word id.
final class METEORLexicon: Sendable {
  private let function: [Bool]
  private let stems: [Int32]
  private let synsets: SynsetTable?

  init(_ words: Vocabulary, stages: [METEORStage], synonyms: SynonymDictionary?) {
    let texts = (0..<Int32(words.count)).map { words[$0] }
    function = texts.map { METEORData.functionWords.contains(Identifier($0)) }
    var stemIDs = Vocabulary()
    if stages.contains(.stem) {
      let stemmer = Stemmer()
      stems = texts.map { stemIDs.intern(stemmer.stem($0)) }
    } else {
      stems = []
    }
    synsets = stages.contains(.synonym) ? synonyms.map { SynsetTable(texts, $0) } : nil
  }

  func isFunction(_ word: Int32) -> Bool { function[Int(word)] }

  func stem(_ word: Int32) -> Int32 { stems[Int(word)] }

  func areSynonyms(_ a: Int32, _ b: Int32) -> Bool { synsets?.share(a, b) ?? false }
}

/// The captions of a set as METEOR's words and, for the paraphrase stage, phrases.
struct METEORText: Sendable {
  private(set) var words = Vocabulary()
  private(set) var candidates = Sentences()
  private(set) var references = Sentences()

  init(_ set: CaptionSet) {
    var reader = LineReader(set.vocabulary)
    for index in 0..<set.references.count {
      reader.read(set.spacedReferences[index], isCandidate: false, into: &references, &words)
    }
    for index in 0..<set.candidates.count {
      reader.read(set.spacedCandidates[index], isCandidate: true, into: &candidates, &words)
    }
  }

  /// Turns tokens into METEOR's words, most of which are the tokens themselves.
  private struct LineReader {
    private let tokens: Vocabulary
    /// Word of a token that normalisation leaves alone; -1 for others, -2 where not looked at yet.
    private var wordOfToken: [Int32]

    init(_ tokens: Vocabulary) {
      self.tokens = tokens
      wordOfToken = Array(repeating: -2, count: tokens.count)
    }

    mutating func read(
      _ line: ArraySlice<Int32>, isCandidate: Bool, into sentences: inout Sentences,
      _ words: inout Vocabulary
    ) {
      for token in line where wordOfToken[Int(token)] == -2 {
        wordOfToken[Int(token)] =
          tokens.isLowercaseAlphanumeric(token) ? tokens.transfer(token, to: &words) : -1
      }
      if line.allSatisfy({ wordOfToken[Int($0)] >= 0 }) {
        for token in line { sentences.append(token: wordOfToken[Int(token)]) }
      } else {
        var text = tokens.text(of: line)
        // The client that pycocoevalcap is to the jar cleans candidates so, not references.
        if isCandidate { text = Self.cleaned(text) }
        for word in METEORNormalizer.words(of: text) {
          sentences.append(token: words.intern(PTBNormalization.lowercase(word)))
        }
      }
      sentences.endSentence()
    }

    /// By bytes: a `String` does not find a bar that a combining mark follows.
    private static func cleaned(_ text: String) -> String {
      let bytes = Array(text.utf8).replacing(Array("|||".utf8), with: [])
        .replacing(Array("  ".utf8), with: Array(" ".utf8))
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}

/// A sentence as the aligner sees it.
struct METEORSentence {
  let words: ArraySlice<Int32>
  /// Phrases of the paraphrase table, by first word, then by length.
  let phrases: ArraySlice<PhraseOccurrence>
}

/// A phrase of the paraphrase table where it occurs in a sentence.
struct PhraseOccurrence: Sendable {
  let start: Int
  let length: Int
  let id: Int32
}
