/// A token that is found in the text itself, before any splitting: `<|im_end|>` and the like.
struct AddedToken: Sendable, Equatable {
  let content: String
  let id: Int32
  /// Left out of decoded text when special tokens are skipped.
  var isSpecial = false
  /// Matches only between characters that are not part of a word.
  var isSingleWord = false
  /// Takes the spaces before it into the match.
  var stripsLeft = false
  /// Takes the spaces after it into the match.
  var stripsRight = false
  /// Is looked for in the normalised text.
  var isNormalized = false
}

/// Finds added tokens: at the leftmost place the longest wins.
///
/// Source: `AddedVocabulary::find_matches` in huggingface/tokenizers.
struct AddedTokenFinder: Sendable {
  private struct Entry {
    let token: AddedToken
    let pattern: [UInt8]
  }

  /// Entries whose pattern begins with each byte, longest first.
  private var entries = [[Entry]](repeating: [], count: 256)
  private(set) var isEmpty = true

  /// `pattern` says how each token is spelt in the text that will be searched.
  init(_ tokens: [AddedToken], pattern: (String) -> String = { $0 }) {
    for token in tokens {
      let bytes = Array(pattern(token.content).utf8)
      guard let first = bytes.first else { continue }
      entries[Int(first)].append(Entry(token: token, pattern: bytes))
      isEmpty = false
    }
    for byte in entries.indices {
      // A stable sort: of equal patterns the first one given wins.
      entries[byte] = entries[byte].enumerated().sorted {
        ($1.element.pattern.count, $0.offset) < ($0.element.pattern.count, $1.offset)
      }.map(\.element)
    }
  }

  /// A piece of text: a token, or what lies between tokens.
  struct Piece: Equatable {
    let token: Int32?
    let range: Range<Int>
  }

  /// Cuts `range` into tokens and the text between them.
  ///
  /// O(bytes × tokens that share a first byte).
  func pieces(of text: TextBytes, _ range: Range<Int>) -> [Piece] {
    var pieces: [Piece] = []
    var done = range.lowerBound
    var position = range.lowerBound
    while position < range.upperBound {
      guard let entry = match(text, position, range.upperBound) else {
        position += 1
        continue
      }
      var start = position
      var stop = position + entry.pattern.count
      position = stop
      let token = entry.token
      if token.isSingleWord, touchesWord(text, start, stop, range) { continue }
      if token.stripsLeft {
        while start > done {
          let before = text.start(ofCharacterEndingAt: start)
          guard before >= done, text.characterClass(at: before) == .space else { break }
          start = before
        }
      }
      if token.stripsRight {
        stop = text.endOfRun(of: .space, from: stop, to: range.upperBound)
        position = stop
      }
      if done < start { pieces.append(Piece(token: nil, range: done..<start)) }
      pieces.append(Piece(token: token.id, range: start..<stop))
      done = stop
    }
    if done < range.upperBound { pieces.append(Piece(token: nil, range: done..<range.upperBound)) }
    return pieces
  }

  private func match(_ text: TextBytes, _ position: Int, _ end: Int) -> Entry? {
    entries[Int(text.bytes[position])].first { entry in
      guard position + entry.pattern.count <= end else { return false }
      return entry.pattern.indices.allSatisfy {
        text.bytes[position + $0] == entry.pattern[$0]
      }
    }
  }

  private func touchesWord(_ text: TextBytes, _ start: Int, _ stop: Int, _ range: Range<Int>)
    -> Bool
  {
    let before =
      start > range.lowerBound
      && Self.isWordCharacter(text.scalar(at: text.start(ofCharacterEndingAt: start)))
    let after = stop < range.upperBound && Self.isWordCharacter(text.scalar(at: stop))
    return before || after
  }

  /// `\w` of Unicode Technical Standard 18, annex C.
  private static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark:
      return true
    default: return false
    }
  }
}
