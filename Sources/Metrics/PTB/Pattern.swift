/// A regular expression over UTF-16 units: what the tokenizer's rules are written in.
///
/// Notation: a letter stands for itself in either case; `[a-z]` and `[^a-z]` are exact sets and take
/// the named sets `[:letter:]`, `[:digit:]`, `[:upper:]`; `{name}` is another definition; `( | )`,
/// `?`, `*`, `+`, `{m,n}` as usual; `.` is anything but a line feed; `\n`, `\t`, `\r`, `\f` and
/// `\uXXXX` as in Swift, any other escaped character is itself.
indirect enum Pattern {
  case units(UnitSet)
  case sequence([Pattern])
  case choice([Pattern])
  case star(Pattern)

  static func optional(_ pattern: Pattern) -> Pattern { .choice([pattern, .sequence([])]) }
}

/// Reads the notation of ``Pattern``.
struct PatternParser {
  private let text: [Unicode.Scalar]
  private var position = 0
  private let definitions: [String: Pattern]

  /// - Precondition: `text` is one of the tokenizer's own rules: mistakes are ours.
  static func parse(_ text: String, definitions: [String: Pattern]) -> Pattern {
    var parser = PatternParser(text: Array(text.unicodeScalars), definitions: definitions)
    let pattern = parser.choice()
    precondition(parser.position == parser.text.count, "stray ) in pattern \(text)")
    return pattern
  }

  private init(text: [Unicode.Scalar], definitions: [String: Pattern]) {
    self.text = text
    self.definitions = definitions
  }

  private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

  private mutating func take() -> Unicode.Scalar {
    precondition(position < text.count, "pattern ends too early")
    position += 1
    return text[position - 1]
  }

  private mutating func choice() -> Pattern {
    var branches = [sequence()]
    while next == "|" {
      position += 1
      branches.append(sequence())
    }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() -> Pattern {
    var parts: [Pattern] = []
    while let scalar = next, scalar != "|", scalar != ")" { parts.append(repeated()) }
    return .sequence(parts)
  }

  private mutating func repeated() -> Pattern {
    var pattern = atom()
    while let scalar = next {
      switch scalar {
      case "*": pattern = .star(pattern)
      case "+": pattern = .sequence([pattern, .star(pattern)])
      case "?": pattern = .optional(pattern)
      case "{":
        guard let bounds = bounds() else { return pattern }
        let extra = Array(
          repeating: Pattern.optional(pattern), count: bounds.upperBound - bounds.lowerBound)
        pattern = .sequence(Array(repeating: pattern, count: bounds.lowerBound) + extra)
        continue
      default: return pattern
      }
      position += 1
    }
    return pattern
  }

  /// Reads `{m}` or `{m,n}`; leaves `{name}` alone.
  private mutating func bounds() -> ClosedRange<Int>? {
    guard let end = text[position...].firstIndex(of: "}") else { return nil }
    let inside = String(String.UnicodeScalarView(text[position + 1..<end]))
    let numbers = inside.split(separator: ",").compactMap { Int($0) }
    guard let low = numbers.first, let high = numbers.last, text[position + 1] != "}",
      inside.unicodeScalars.allSatisfy({ "0123456789,".unicodeScalars.contains($0) })
    else { return nil }
    position = end + 1
    return low...high
  }

  private mutating func atom() -> Pattern {
    switch take() {
    case "(":
      let inside = choice()
      precondition(take() == ")", "unclosed ( in pattern")
      return inside
    case "[": return .units(set())
    case "{":
      var name = ""
      while next != "}" { name.unicodeScalars.append(take()) }
      position += 1
      guard let pattern = definitions[name] else { preconditionFailure("no pattern {\(name)}") }
      return pattern
    case ".": return .units(UnitSet([10...10]).inverted)
    case "\\": return .units(UnitSet([escaped()]))
    case let scalar: return .units(Self.eitherCase(scalar))
    }
  }

  private mutating func escaped() -> ClosedRange<UInt16> {
    let scalar = take()
    switch scalar {
    case "n": return 10...10
    case "t": return 9...9
    case "r": return 13...13
    case "f": return 12...12
    case "u":
      let digits = String(String.UnicodeScalarView((0..<4).map { _ in take() }))
      guard let unit = UInt16(digits, radix: 16) else { preconditionFailure("bad \\u\(digits)") }
      return unit...unit
    default: return UInt16(scalar.value)...UInt16(scalar.value)
    }
  }

  private mutating func set() -> UnitSet {
    let inverted = next == "^"
    if inverted { position += 1 }
    var ranges: [ClosedRange<UInt16>] = []
    while next != "]" {
      if next == "[" {
        ranges += namedSet().ranges
        continue
      }
      let low = setMember()
      if next == "-", position + 1 < text.count, text[position + 1] != "]" {
        position += 1
        ranges.append(low...setMember())
      } else {
        ranges.append(low...low)
      }
    }
    position += 1
    let set = UnitSet(ranges)
    return inverted ? set.inverted : set
  }

  private mutating func setMember() -> UInt16 {
    let scalar = take()
    return scalar == "\\" ? escaped().lowerBound : UInt16(scalar.value)
  }

  private mutating func namedSet() -> UnitSet {
    var name = ""
    while true {
      let scalar = take()
      if scalar == "]" { break }
      name.unicodeScalars.append(scalar)
    }
    switch name {
    case "[:letter:": return .letters
    case "[:digit:": return .digits
    case "[:upper:": return .uppercase
    default: preconditionFailure("no set \(name)]")
    }
  }

  /// A letter in either case, with the characters that fold to it.
  private static func eitherCase(_ scalar: Unicode.Scalar) -> UnitSet {
    let unit = UInt16(scalar.value)
    switch scalar {
    case "a"..."z", "A"..."Z":
      var units = [unit | 0x20, unit & ~0x20]
      if unit | 0x20 == 0x73 { units.append(0x17f) }  // s: long s
      if unit | 0x20 == 0x6b { units.append(0x212a) }  // k: Kelvin sign
      if unit | 0x20 == 0x69 { units += [0x130, 0x131] }  // i: dotted capital, dotless small
      return UnitSet(units.map { $0...$0 })
    default: return UnitSet([unit...unit])
    }
  }
}
