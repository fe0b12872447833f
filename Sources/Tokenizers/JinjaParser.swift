/// An expression of a template.
indirect enum JinjaExpression: Sendable {
  case literal(JinjaValue)
  case name(String)
  case list([JinjaExpression])
  case dictionary([(key: JinjaExpression, value: JinjaExpression)])
  case member(JinjaExpression, String)
  case index(JinjaExpression, JinjaExpression)
  case slice(JinjaExpression, [JinjaExpression?])
  case call(JinjaExpression, [JinjaExpression], named: [(name: String, value: JinjaExpression)])
  case filter(JinjaExpression, String, [JinjaExpression])
  case test(JinjaExpression, String, [JinjaExpression])
  case not(JinjaExpression)
  case negative(JinjaExpression)
  case binary(String, JinjaExpression, JinjaExpression)
  case conditional(JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?)
}

/// A statement of a template.
indirect enum JinjaStatement: Sendable {
  case text(String)
  case output(JinjaExpression)
  case condition(JinjaExpression, then: [JinjaStatement], otherwise: [JinjaStatement])
  case loop(
    variable: String, over: JinjaExpression, filter: JinjaExpression?, body: [JinjaStatement],
    otherwise: [JinjaStatement])
  case assignment(String, member: String?, JinjaExpression)
}

/// Builds the program of a template from its pieces.
struct JinjaParser {
  private let pieces: [JinjaPiece]
  private var next = 0
  private var depth = 0
  /// The tag that ended the last block.
  private var closing: [JinjaToken] = []

  init(pieces: [JinjaPiece]) { self.pieces = pieces }

  mutating func program() throws(JinjaError) -> [JinjaStatement] {
    let (statements, end) = try block(until: [])
    guard end.isEmpty else { throw JinjaError("{% \(end) %} closes nothing") }
    return statements
  }

  /// Statements up to a tag that begins with one of `ends`; that tag is left in `closing`.
  private mutating func block(
    until ends: [String]
  ) throws(JinjaError) -> ([JinjaStatement], end: String) {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw JinjaError("blocks are nested too deeply") }
    var statements: [JinjaStatement] = []
    while next < pieces.count {
      let piece = pieces[next]
      next += 1
      switch piece {
      case .text(let text): statements.append(.text(text))
      case .output(let tokens):
        var parser = JinjaExpressionParser(tokens)
        statements.append(.output(try parser.whole()))
      case .statement(let tokens):
        guard case .name(let word)? = tokens.first else { throw JinjaError("an empty tag") }
        if ends.contains(word) {
          closing = tokens
          return (statements, word)
        }
        try statements.append(contentsOf: statement(word, tokens))
      }
    }
    guard ends.isEmpty else { throw JinjaError("{% \(ends.last ?? "") %} is missing") }
    return (statements, "")
  }

  private mutating func statement(
    _ word: String, _ tokens: [JinjaToken]
  ) throws(JinjaError) -> [JinjaStatement] {
    var parser = JinjaExpressionParser(Array(tokens.dropFirst()))
    switch word {
    case "if": return [try condition(&parser)]
    case "for": return [try loop(&parser)]
    case "set":
      let name = try parser.identifier()
      let member = try parser.skip(".") ? parser.identifier() : nil
      try parser.expect("=")
      return [.assignment(name, member: member, try parser.whole())]
    case "generation": return try block(until: ["endgeneration"]).0
    default: throw JinjaError("the statement {% \(word) %} is not understood")
    }
  }

  private mutating func condition(
    _ parser: inout JinjaExpressionParser
  ) throws(JinjaError) -> JinjaStatement {
    let test = try parser.whole()
    let (then, end) = try block(until: ["elif", "else", "endif"])
    var otherwise: [JinjaStatement] = []
    if end == "elif" {
      var parser = JinjaExpressionParser(Array(closing.dropFirst()))
      otherwise = [try condition(&parser)]
    } else if end == "else" {
      otherwise = try block(until: ["endif"]).0
    }
    return .condition(test, then: then, otherwise: otherwise)
  }

  private mutating func loop(
    _ parser: inout JinjaExpressionParser
  ) throws(JinjaError) -> JinjaStatement {
    let variable = try parser.identifier()
    guard try parser.skip("in") else {
      throw JinjaError("a loop over several variables is not understood")
    }
    let list = try parser.disjunction()
    let filter = try parser.skip("if") ? parser.disjunction() : nil
    try parser.finish()
    let (body, end) = try block(until: ["else", "endfor"])
    let otherwise = end == "else" ? try block(until: ["endfor"]).0 : []
    return .loop(variable: variable, over: list, filter: filter, body: body, otherwise: otherwise)
  }
}

/// Parses expressions by precedence climbing: conditional, or, and, not, comparison, `~`, `+ -`,
/// `* / %`, unary, then filters and tests.
struct JinjaExpressionParser {
  private let tokens: [JinjaToken]
  private var position = 0
  private var depth = 0

  init(_ tokens: [JinjaToken]) { self.tokens = tokens }

  mutating func whole() throws(JinjaError) -> JinjaExpression {
    let expression = try conditional()
    try finish()
    return expression
  }

  func finish() throws(JinjaError) {
    guard position == tokens.count else {
      throw JinjaError("\(tokens[position]) is not understood where it stands")
    }
  }

  private var current: JinjaToken? { position < tokens.count ? tokens[position] : nil }

  /// Steps over a symbol or word if it comes next.
  mutating func skip(_ text: String) throws(JinjaError) -> Bool {
    guard current == .symbol(text) || current == .name(text) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ text: String) throws(JinjaError) {
    guard try skip(text) else { throw JinjaError("\(text) is missing in an expression") }
  }

  mutating func identifier() throws(JinjaError) -> String {
    guard case .name(let name)? = current else { throw JinjaError("a name is missing") }
    position += 1
    return name
  }

  private mutating func conditional() throws(JinjaError) -> JinjaExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw JinjaError("expressions are nested too deeply") }
    let value = try disjunction()
    guard try skip("if") else { return value }
    let test = try disjunction()
    let otherwise = try skip("else") ? conditional() : nil
    return .conditional(test, then: value, otherwise: otherwise)
  }

  mutating func disjunction() throws(JinjaError) -> JinjaExpression {
    var left = try conjunction()
    while try skip("or") { left = .binary("or", left, try conjunction()) }
    return left
  }

  private mutating func conjunction() throws(JinjaError) -> JinjaExpression {
    var left = try negation()
    while try skip("and") { left = .binary("and", left, try negation()) }
    return left
  }

  private mutating func negation() throws(JinjaError) -> JinjaExpression {
    try skip("not") ? .not(try negation()) : try comparison()
  }

  private mutating func comparison() throws(JinjaError) -> JinjaExpression {
    var left = try concatenation()
    while true {
      if current == .name("not"), position + 1 < tokens.count, tokens[position + 1] == .name("in") {
        position += 2
        left = .not(.binary("in", left, try concatenation()))
      } else if let symbol = try skipFirst(of: ["==", "!=", "<=", ">=", "<", ">", "in"]) {
        left = .binary(symbol, left, try concatenation())
      } else {
        return left
      }
    }
  }

  private mutating func skipFirst(of symbols: [String]) throws(JinjaError) -> String? {
    for symbol in symbols where try skip(symbol) { return symbol }
    return nil
  }

  private mutating func concatenation() throws(JinjaError) -> JinjaExpression {
    var left = try sum()
    while try skip("~") { left = .binary("~", left, try sum()) }
    return left
  }

  private mutating func sum() throws(JinjaError) -> JinjaExpression {
    var left = try product()
    while let symbol = try skipFirst(of: ["+", "-"]) {
      left = .binary(symbol, left, try product())
    }
    return left
  }

  private mutating func product() throws(JinjaError) -> JinjaExpression {
    var left = try unary()
    while let symbol = try skipFirst(of: ["*", "//", "/", "%"]) {
      left = .binary(symbol, left, try unary())
    }
    return left
  }

  private mutating func unary() throws(JinjaError) -> JinjaExpression {
    if try skip("-") { return .negative(try unary()) }
    var value = try postfix(primary())
    while true {
      if try skip("|") {
        let name = try identifier()
        value = try postfix(.filter(value, name, try optionalArguments().0))
      } else if try skip("is") {
        let isNegated = try skip("not")
        let test = JinjaExpression.test(value, try identifier(), try optionalArguments().0)
        value = isNegated ? .not(test) : test
      } else {
        return value
      }
    }
  }

  private mutating func optionalArguments() throws(JinjaError) -> (
    [JinjaExpression], [(name: String, value: JinjaExpression)]
  ) {
    var values: [JinjaExpression] = []
    var named: [(name: String, value: JinjaExpression)] = []
    guard try skip("(") else { return (values, named) }
    while try !skip(")") {
      if case .name(let name)? = current, position + 1 < tokens.count,
        tokens[position + 1] == .symbol("=")
      {
        position += 2
        named.append((name, try conditional()))
      } else {
        values.append(try conditional())
      }
      if try !skip(",") {
        try expect(")")
        break
      }
    }
    return (values, named)
  }

  private mutating func postfix(
    _ value: JinjaExpression
  ) throws(JinjaError) -> JinjaExpression {
    var value = value
    while true {
      if try skip(".") {
        value = .member(value, try identifier())
      } else if current == .symbol("(") {
        let (arguments, named) = try optionalArguments()
        value = .call(value, arguments, named: named)
      } else if try skip("[") {
        value = try subscripted(value)
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(
    _ value: JinjaExpression
  ) throws(JinjaError) -> JinjaExpression {
    var parts: [JinjaExpression?] = [nil]
    var isSlice = false
    while try !skip("]") {
      if try skip(":") {
        isSlice = true
        parts.append(nil)
      } else {
        guard parts[parts.count - 1] == nil else { throw JinjaError("a ] is missing") }
        parts[parts.count - 1] = try conditional()
      }
    }
    if isSlice { return .slice(value, parts) }
    guard let index = parts[0] else { throw JinjaError("an index is missing") }
    return .index(value, index)
  }

  private mutating func primary() throws(JinjaError) -> JinjaExpression {
    guard let token = current else { throw JinjaError("an expression ends too early") }
    position += 1
    switch token {
    case .string(let text):
      var joined = text
      // Neighbouring strings are one, as in Python.
      while case .string(let more)? = current {
        joined += more
        position += 1
      }
      return .literal(.string(joined))
    case .integer(let value): return .literal(.integer(value))
    case .name("true"), .name("True"): return .literal(.bool(true))
    case .name("false"), .name("False"): return .literal(.bool(false))
    case .name("none"), .name("None"): return .literal(.none)
    case .name(let name): return .name(name)
    case .symbol("("):
      let value = try conditional()
      try expect(")")
      return value
    case .symbol("["):
      var values: [JinjaExpression] = []
      while try !skip("]") {
        values.append(try conditional())
        if try !skip(",") {
          try expect("]")
          break
        }
      }
      return .list(values)
    case .symbol("{"):
      var pairs: [(key: JinjaExpression, value: JinjaExpression)] = []
      while try !skip("}") {
        let key = try conditional()
        try expect(":")
        pairs.append((key, try conditional()))
        if try !skip(",") {
          try expect("}")
          break
        }
      }
      return .dictionary(pairs)
    case .symbol(let symbol): throw JinjaError("\(symbol) is not understood where it stands")
    }
  }
}
