/// Cuts a text into the words that BPE never merges across.
struct PreTokenizer: Sendable, Equatable {
  enum Step: Sendable, Equatable {
    /// Numbers apart from everything else, digit by digit or run by run (Hugging Face's `Digits`).
    case digits(individual: Bool)
    case words(WordPattern)
  }

  /// Each step cuts the pieces of the one before it.
  var steps: [Step]
  /// A piece that does not begin with a space gets one.
  var addsPrefixSpace = false

  /// Calls `body` with the bytes of every word of `range`, in order.
  func forEachWord(in text: TextBytes, _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    cut(text, range, from: 0, body)
  }

  private func cut(
    _ text: TextBytes, _ range: Range<Int>, from index: Int, _ body: (Range<Int>) -> Void
  ) {
    guard index < steps.count else {
      body(range)
      return
    }
    var start = range.lowerBound
    while start < range.upperBound {
      let end =
        switch steps[index] {
        case .digits(let individual):
          Self.digitsEnd(text, start, range.upperBound, individual: individual)
        case .words(let pattern): pattern.end(ofWordAt: start, in: text, to: range.upperBound)
        }
      cut(text, start..<end, from: index + 1, body)
      start = end
    }
  }

  private static func digitsEnd(
    _ text: TextBytes, _ start: Int, _ end: Int, individual: Bool
  ) -> Int {
    var position = start
    while position < end, text.characterClass(at: position) != .number {
      position += text.length(at: position)
    }
    if position > start { return position }
    return individual
      ? start + text.length(at: start) : text.endOfRun(of: .number, from: start, to: end)
  }
}

/// The regular expressions that byte-level BPE vocabularies were trained with, scanned by hand.
///
/// Every character belongs to a match, so the words are contiguous. `\p{L}`, `\p{N}` and `\s` are
/// Unicode's; the tables' version is the Swift runtime's.
enum WordPattern: Sendable, Equatable {
  /// GPT-2's:
  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  case gpt2
  /// Qwen2's (`digits` 1) and Llama 3's (`digits` 3, written `\p{N}{1,3}`):
  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|`
  /// `\s*[\r\n]+|\s+(?!\S)|\s+`
  case qwen2(digits: Int)

  /// The pattern that a `tokenizer.json` spells so; `nil` if it is none of them.
  init?(regularExpression: String) {
    let tail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    let head = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
    switch regularExpression {
    case #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#:
      self = .gpt2
    case head + tail: self = .qwen2(digits: 1)
    case head + "{1,3}" + tail: self = .qwen2(digits: 3)
    default: return nil
    }
  }

  /// The end of the match that starts at `start`, at most `end`.
  func end(ofWordAt start: Int, in text: TextBytes, to end: Int) -> Int {
    switch self {
    case .gpt2: Self.gpt2End(text, start, end)
    case .qwen2(let digits): Self.qwen2End(text, start, end, digits: digits)
    }
  }

  private static func gpt2End(_ text: TextBytes, _ start: Int, _ end: Int) -> Int {
    let first = text.bytes[start]
    if first == UInt8(ascii: "'"), let stop = contraction(text, start, end, foldsCase: false) {
      return stop
    }
    let kind = text.characterClass(at: start)
    if kind != .space { return text.endOfRun(of: kind, from: start, to: end) }
    if first == UInt8(ascii: " "), start + 1 < end {
      let following = text.characterClass(at: start + 1)
      if following != .space { return text.endOfRun(of: following, from: start + 1, to: end) }
    }
    return spaceEnd(text, start, end)
  }

  private static func qwen2End(_ text: TextBytes, _ start: Int, _ end: Int, digits: Int) -> Int {
    let first = text.bytes[start]
    if first == UInt8(ascii: "'"), let stop = contraction(text, start, end, foldsCase: true) {
      return stop
    }
    let kind = text.characterClass(at: start)
    let next = start + text.length(at: start)
    switch kind {
    case .letter: return text.endOfRun(of: .letter, from: next, to: end)
    case .number:
      var position = next
      var count = 1
      while count < digits, position < end, text.characterClass(at: position) == .number {
        position += text.length(at: position)
        count += 1
      }
      return position
    case .other, .space:
      let isNewline = first == 0x0A || first == 0x0D
      let following = next < end ? text.characterClass(at: next) : nil
      if following == .letter, !isNewline {
        return text.endOfRun(of: .letter, from: next, to: end)
      }
      if kind == .other || (first == UInt8(ascii: " ") && following == .other) {
        var position = text.endOfRun(of: .other, from: next, to: end)
        while position < end, text.bytes[position] == 0x0A || text.bytes[position] == 0x0D {
          position += 1
        }
        return position
      }
      let stop = text.endOfRun(of: .space, from: start, to: end)
      if let newline = text.bytes[start..<stop].lastIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
        return newline + 1
      }
      return spaceEnd(text, start, end)
    }
  }

  /// `\s+(?!\S)|\s+`: all of the spaces, but the last one stays with the word that follows.
  private static func spaceEnd(_ text: TextBytes, _ start: Int, _ end: Int) -> Int {
    let stop = text.endOfRun(of: .space, from: start, to: end)
    if stop == end { return stop }
    let last = text.start(ofCharacterEndingAt: stop)
    return last > start ? last : stop
  }

  /// The end of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `start`.
  ///
  /// With `foldsCase` also ſ (U+017F), which folds to s.
  private static func contraction(
    _ text: TextBytes, _ start: Int, _ end: Int, foldsCase: Bool
  ) -> Int? {
    func letter(_ offset: Int) -> UInt8 {
      guard start + offset < end else { return 0 }
      let byte = text.bytes[start + offset]
      return foldsCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    }
    switch letter(1) {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return letter(2) == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"): return letter(2) == UInt8(ascii: "l") ? start + 3 : nil
    case 0xC5 where foldsCase && letter(2) == 0xBF: return start + 3
    default: return nil
    }
  }
}
