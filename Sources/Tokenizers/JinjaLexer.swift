/// What stands inside `{{ }}` and `{% %}`.
enum JinjaToken: Equatable {
  case name(String)
  case string(String)
  case integer(Int)
  /// Operators and brackets.
  case symbol(String)
}

/// A template cut into text and tags.
enum JinjaPiece: Equatable {
  case text(String)
  /// `{{ … }}`
  case output([JinjaToken])
  /// `{% … %}`
  case statement([JinjaToken])
}

/// Cuts a template into pieces, with `trim_blocks` and `lstrip_blocks` on, as transformers has them.
///
/// Source: Jinja 3, "Whitespace control".
struct JinjaLexer {
  private let source: [Unicode.Scalar]
  private var position = 0

  init(_ text: String) {
    var scalars = Array(text.unicodeScalars)
    // Jinja drops one newline at the end of a template.
    if scalars.last == "\n" { scalars.removeLast() }
    source = scalars
  }

  mutating func pieces() throws(JinjaError) -> [JinjaPiece] {
    var pieces: [JinjaPiece] = []
    var text: [Unicode.Scalar] = []
    while position < source.count {
      guard peek("{{") || peek("{%") || peek("{#") else {
        text.append(source[position])
        position += 1
        continue
      }
      let kind = source[position + 1]
      position += 2
      if peek("-") {
        position += 1
        while let last = text.last, last.properties.isWhitespace { text.removeLast() }
      } else if peek("+") {
        position += 1
      } else if kind != "{" {
        stripIndentation(of: &text, isFirst: pieces.isEmpty)
      }
      if !text.isEmpty { pieces.append(.text(Self.string(text))) }
      text = []
      switch kind {
      case "{": pieces.append(.output(try tokens(until: "}}")))
      case "%": pieces.append(.statement(try tokens(until: "%}")))
      default:
        while !peek("#}"), !peek("-#}") {
          guard position < source.count else { throw JinjaError("a comment is not closed") }
          position += 1
        }
      }
      // An empty text keeps `isFirst` right and the program unchanged.
      if kind == "#" { pieces.append(.text("")) }
      skip(afterTagOfKind: kind)
    }
    if !text.isEmpty { pieces.append(.text(Self.string(text))) }
    return pieces
  }

  private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private func peek(_ text: String) -> Bool {
    source[position...].starts(with: text.unicodeScalars)
  }

  /// Steps over a tag's end and the white space that belongs to it.
  private mutating func skip(afterTagOfKind kind: Unicode.Scalar) {
    let trims = peek("-")
    let keeps = peek("+")
    if trims || keeps { position += 1 }
    position += 2
    if trims {
      while position < source.count, source[position].properties.isWhitespace { position += 1 }
    } else if kind != "{", !keeps, position < source.count, source[position] == "\n" {
      position += 1
    }
  }

  /// Drops spaces and tabs before a tag, if nothing else stands between them and the line's start.
  private func stripIndentation(of text: inout [Unicode.Scalar], isFirst: Bool) {
    let indentation = text.reversed().prefix { $0 == " " || $0 == "\t" }.count
    let before = text.dropLast(indentation)
    let startsLine = before.last == "\n" || (before.isEmpty && (isFirst || startsLineHere(text)))
    if startsLine { text.removeLast(indentation) }
  }

  /// Whether a text that follows a tag began on a new line, its newline having been trimmed.
  private func startsLineHere(_ text: [Unicode.Scalar]) -> Bool {
    let start = position - 2 - text.count
    return start > 0 && start <= source.count && source[start - 1] == "\n"
  }

  /// The tokens up to `end`, before which a `-` or `+` may stand; `end` itself is not consumed.
  private mutating func tokens(until end: String) throws(JinjaError) -> [JinjaToken] {
    var tokens: [JinjaToken] = []
    while true {
      while position < source.count, source[position].properties.isWhitespace { position += 1 }
      guard position < source.count else { throw JinjaError("a tag is not closed by \(end)") }
      if peek(end) && !insideBraces(tokens, end) || peek("-" + end) || peek("+" + end) {
        return tokens
      }
      tokens.append(try token())
    }
  }

  /// Whether a `}}` closes a dictionary rather than the tag.
  private func insideBraces(_ tokens: [JinjaToken], _ end: String) -> Bool {
    guard end == "}}" else { return false }
    return tokens.count { $0 == .symbol("{") } > tokens.count { $0 == .symbol("}") }
  }

  private mutating func token() throws(JinjaError) -> JinjaToken {
    let first = source[position]
    if first == "'" || first == "\"" { return .string(try string(quote: first)) }
    if first.properties.isAlphabetic || first == "_" {
      return .name(take { $0.properties.isAlphabetic || $0 == "_" || ("0"..."9").contains($0) })
    }
    if ("0"..."9").contains(first) {
      guard let value = Int(take { ("0"..."9").contains($0) }) else {
        throw JinjaError("a number is too large")
      }
      return .integer(value)
    }
    for symbol in ["==", "!=", "<=", ">=", "//", "**"] where peek(symbol) {
      position += 2
      return .symbol(symbol)
    }
    guard "+-*/%~|.,:()[]{}=<>".unicodeScalars.contains(first) else {
      throw JinjaError("the character \(first) is not understood")
    }
    position += 1
    return .symbol(String(Character(first)))
  }

  private mutating func take(while condition: (Unicode.Scalar) -> Bool) -> String {
    let start = position
    while position < source.count, condition(source[position]) { position += 1 }
    return Self.string(source[start..<position])
  }

  private mutating func string(quote: Unicode.Scalar) throws(JinjaError) -> String {
    position += 1
    var content: [Unicode.Scalar] = []
    while position < source.count, source[position] != quote {
      var scalar = source[position]
      position += 1
      if scalar == "\\" {
        guard position < source.count else { break }
        scalar = source[position]
        position += 1
        switch scalar {
        case "n": scalar = "\n"
        case "t": scalar = "\t"
        case "r": scalar = "\r"
        case "\\", "'", "\"": break
        default: throw JinjaError("the escape \\\(scalar) in a string is not understood")
        }
      }
      content.append(scalar)
    }
    guard position < source.count else { throw JinjaError("a string is not closed") }
    position += 1
    return Self.string(content)
  }
}
