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
}
