/// The compiled rules, shared by all lexers.
private struct CompiledRules: Sendable {
  let patterns: PatternSet
  /// List of the patterns before the lookahead of each rule that has one; the next list is after it.
  let lookaheadList: [Int?]

  static let shared = CompiledRules()

  private init() {
    var definitions: [String: Pattern] = [:]
    for (name, text) in PTBRules.definitions {
      definitions[name] = PatternParser.parse(text, definitions: definitions)
    }
    var lists: [[Pattern]] = [[]]
    var lookaheadList: [Int?] = []
    for rule in PTBRules.all {
      let head = PatternParser.parse(rule.pattern, definitions: definitions)
      guard let lookahead = rule.lookahead else {
        lists[0].append(head)
        lookaheadList.append(nil)
        continue
      }
      let tail = PatternParser.parse(lookahead, definitions: definitions)
      lists[0].append(.sequence([head, tail]))
      lookaheadList.append(lists.count)
      lists += [[head], [tail]]
    }
    patterns = PatternSet(lists)
    self.lookaheadList = lookaheadList
  }
}

/// Cuts a text into tokens, from any line's start on.
struct PTBLexer {
  /// Where the next token is looked for.
  var position = 0

  private let text: [UInt16]
  private let rules = CompiledRules.shared
  private var automaton: LazyAutomaton
  private var lookaheads: [Int: (head: LazyAutomaton, tail: LazyAutomaton)] = [:]
  private var scratch: [UInt8] = []

  init(_ text: [UInt16]) {
    self.text = text
    automaton = LazyAutomaton(rules.patterns, list: 0)
  }

  /// Reads on by one match and gives its token, or `nil` if the match makes none.
  mutating func next(into vocabulary: inout Vocabulary) -> Int32? {
    let start = position
    guard let match = automaton.longestMatch(text, from: start) else {
      position += 1  // line feed
      return nil
    }
    let end = tokenEnd(match.pattern, start, match.end)
    position = end
    switch PTBRules.all[match.pattern].action {
    case .skip: return nil
    case .keep: return intern(start..<end, &vocabulary)
    case .word:
      if text[start..<end].contains(0xad) {
        let rest = text[start..<end].filter { $0 != 0xad }
        return intern(rest.isEmpty ? "-" : String(decoding: rest, as: UTF16.self), &vocabulary)
      }
      return intern(start..<end, &vocabulary)
    case .split(let rest):
      position = end - rest
      return intern(start..<position, &vocabulary)
    case .finalAbbreviation:
      position = end - 1
      return intern(start..<end, &vocabulary)
    case .finalAcronym:
      position = end - 1
      return intern(start..<(end - start == 2 ? position : end), &vocabulary)
    case .hyphens:
      return (3...4).contains(end - start)
        ? intern("--", &vocabulary) : intern(start..<end, &vocabulary)
    case .replace(let other): return intern(other, &vocabulary)
    case let action:
      let matched = String(decoding: text[start..<end], as: UTF16.self)
      return intern(PTBNormalization.apply(action, to: matched), &vocabulary)
    }
  }

  /// Where the token ends in a match that may hold a lookahead: as late as possible.
  private mutating func tokenEnd(_ rule: Int, _ start: Int, _ end: Int) -> Int {
    guard let list = rules.lookaheadList[rule] else { return end }
    var (head, tail) =
      lookaheads[rule] ?? (
        LazyAutomaton(rules.patterns, list: list), LazyAutomaton(rules.patterns, list: list + 1)
      )
    // The automata keep what they learn; without this the assignment below would copy them.
    lookaheads[rule] = nil
    defer { lookaheads[rule] = (head, tail) }
    for cut in stride(from: end - 1, to: start, by: -1) {
      if tail.matches(text, cut..<end), head.matches(text, start..<cut) { return cut }
    }
    return end
  }

  private mutating func intern(_ range: Range<Int>, _ vocabulary: inout Vocabulary) -> Int32 {
    scratch.removeAll(keepingCapacity: true)
    for unit in text[range] {
      guard unit < 128 else {
        return intern(String(decoding: text[range], as: UTF16.self), &vocabulary)
      }
      let byte = UInt8(truncatingIfNeeded: unit)
      scratch.append((0x41...0x5a).contains(byte) ? byte | 0x20 : byte)
    }
    return scratch.withUnsafeBufferPointer { vocabulary.intern($0) }
  }

  private func intern(_ token: String, _ vocabulary: inout Vocabulary) -> Int32 {
    vocabulary.intern(PTBNormalization.lowercase(token))
  }
}

/// How the tokenizer rewrites what it matched.
enum PTBNormalization {
  static func apply(_ action: PTBAction, to token: String) -> String {
    switch action {
    case .noBreak(let brackets):
      replaceEach(token) { scalar in
        switch scalar {
        case " ": "\u{a0}"
        case "(" where brackets: "-LRB-"
        case ")" where brackets: "-RRB-"
        default: nil
        }
      }
    case .quote(let opening): quotes(token, opening: opening)
    case .ampersand: replaceEntity(token, "&amp;", by: "&")
    case .currency:
      replaceEach(token) { scalar in
        switch scalar {
        case "\u{a2}": "cents"
        case "\u{a3}": "#"
        case "\u{80}", "\u{a4}", "\u{20a0}", "\u{20ac}": "$"
        default: nil
        }
      }
    case .fraction:
      replaceEach(token) { scalar in
        switch scalar {
        case "\u{bc}": "1/4"
        case "\u{bd}": "1/2"
        case "\u{be}": "3/4"
        case "\u{2153}": "1/3"
        case "\u{2154}": "2/3"
        default: nil
        }
      }
    case .keep, .word, .skip, .replace, .split, .finalAbbreviation, .finalAcronym, .hyphens: token
    }
  }

  private static func quotes(_ token: String, opening: Bool) -> String {
    let single = opening ? "`" : "'"
    let double = opening ? "``" : "''"
    // Entities are matched exactly here, though the rules take them in either case.
    let plain = replaceExact(replaceExact(token, "&apos;", by: "'"), "&quot;", by: "\"")
    return replaceEach(plain) { scalar in
      switch scalar {
      case "'": single
      case "\"": double
      case "\u{91}", "\u{2018}", "\u{201b}", "\u{2039}": "`"
      case "\u{92}", "\u{2019}", "\u{203a}": "'"
      case "\u{93}", "\u{201c}", "\u{ab}": "``"
      case "\u{94}", "\u{201d}", "\u{bb}": "''"
      default: nil
      }
    }
  }

  private static func replaceEach(
    _ token: String, _ replacement: (Unicode.Scalar) -> String?
  ) -> String {
    var result = String.UnicodeScalarView()
    for scalar in token.unicodeScalars {
      if let other = replacement(scalar) {
        result.append(contentsOf: other.unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  private static func replaceExact(_ text: String, _ old: String, by new: String) -> String {
    replace(Array(text.utf8), Array(old.utf8), Array(new.utf8)) { $0 }
  }

  private static func replaceEntity(_ text: String, _ old: String, by new: String) -> String {
    replace(Array(text.utf8), Array(old.utf8), Array(new.utf8)) { byte in
      (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
    }
  }

  private static func replace(
    _ text: [UInt8], _ old: [UInt8], _ new: [UInt8], _ fold: (UInt8) -> UInt8
  ) -> String {
    var result: [UInt8] = []
    var position = 0
    while position < text.count {
      let end = position + old.count
      if end <= text.count, zip(text[position..<end], old).allSatisfy({ fold($0) == $1 }) {
        result += new
        position = end
      } else {
        result.append(text[position])
        position += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Lower case as Java's `String.toLowerCase` has it: a sigma that ends a word is another letter.
  static func lowercase(_ token: String) -> String {
    var result = String.UnicodeScalarView()
    let scalars = Array(token.unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      if scalar == "\u{3a3}" {
        let before = scalars[..<index].reversed().prefix(while: isInsideWord)
        let after = scalars[(index + 1)...].prefix(while: isInsideWord)
        let isFinal = before.contains(where: isCased) && !after.contains(where: isCased)
        result.append(isFinal ? "\u{3c2}" : "\u{3c3}")
      } else {
        result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    return String(result)
  }

  private static func isCased(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter: true
    default: false
    }
  }

  private static func isInsideWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .connectorPunctuation, .decimalNumber: true
    default:
      (scalar.properties.isAlphabetic && !scalar.properties.isIdeographic)
        || ["-", "'", "\u{2019}", "."].contains(scalar)
    }
  }
}
