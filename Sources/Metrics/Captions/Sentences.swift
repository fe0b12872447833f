/// Sequences of token ids laid end to end, so that 200,000 captions are two arrays.
public struct Sentences: Sendable {
  package private(set) var tokens: [Int32] = []
  /// Sentence `i` is `tokens[starts[i]..<starts[i + 1]]`.
  package private(set) var starts: [Int] = [0]

  public init() {}

  public var count: Int { starts.count - 1 }

  public subscript(index: Int) -> ArraySlice<Int32> { tokens[starts[index]..<starts[index + 1]] }

  package func range(_ index: Int) -> Range<Int> { starts[index]..<starts[index + 1] }

  package mutating func append(token: Int32) { tokens.append(token) }

  package mutating func endSentence() { starts.append(tokens.count) }

  package mutating func append(_ sentence: some Sequence<Int32>) {
    tokens.append(contentsOf: sentence)
    endSentence()
  }

  /// Appends a text split at single ASCII spaces; an empty text is one empty token.
  package mutating func append(line: String, into vocabulary: inout Vocabulary) {
    var line = line
    line.withUTF8 { bytes in
      var start = 0
      for end in 0...bytes.count {
        guard end == bytes.count || bytes[end] == UInt8(ascii: " ") else { continue }
        let token = UnsafeBufferPointer(rebasing: bytes[start..<end])
        append(token: vocabulary.intern(token))
        start = end + 1
      }
    }
    endSentence()
  }

  /// Appends sentences whose ids are another vocabulary's.
  package mutating func append(
    _ other: Sentences, of source: Vocabulary, to vocabulary: inout Vocabulary
  ) {
    var map = [Int32](repeating: -1, count: source.count)
    let offset = tokens.count
    tokens.reserveCapacity(offset + other.tokens.count)
    for token in other.tokens {
      if map[Int(token)] < 0 { map[Int(token)] = source.transfer(token, to: &vocabulary) }
      tokens.append(map[Int(token)])
    }
    starts.append(contentsOf: other.starts.dropFirst().lazy.map { $0 + offset })
  }

  /// The same sentences, where each empty one holds `token`: what splitting "" at spaces gives.
  package func emptiesMarked(by token: Int32) -> Sentences {
    guard (0..<count).contains(where: { range($0).isEmpty }) else { return self }
    var result = Sentences()
    for index in 0..<count {
      result.append(range(index).isEmpty ? [token] : self[index])
    }
    return result
  }
}
