import Configuration

/// METEOR 1.5's `-norm` for English with punctuation kept: the words that the aligner sees.
///
/// A line goes through a series of rewritings, each from left to right over what the one before left.
/// Two matches of one rewriting can't share a character, so that `t-s-x` becomes `t s-x`.
///
/// Source: METEOR 1.5, `Normalizer`, after the tokenizer of Moses.
enum METEORNormalizer {
  private typealias Scalars = [Unicode.Scalar]

  /// Stands for a run of periods, which stays one word.
  private static let dots: Unicode.Scalar = "\u{f0000}"

  static func words(of line: String) -> [String] {
    let (separated, runs) = separateSymbols(Scalars(line.unicodeScalars))
    var text = separated
    text = rewrite(text, not(isDigit), ",", not(isDigit), as: [" ", ",", " "])
    text = rewrite(text, isDigit, ",", not(isDigit), as: [" ", ",", " "])
    text = rewrite(text, not(isDigit), ",", isDigit, as: [" ", ",", " "])
    text = normalizeQuotesAndDashes(text)
    text = rewrite(text, { isAlphanumeric($0) || $0 == "." }, "-", isAlphanumeric, as: [" "])
    text = rewrite(text, not(isLetter), "'", not(isLetter), as: [" ", "'", " "])
    text = rewrite(
      text, { !isLetter($0) && !isDigit($0) }, "'", isLetter, as: [" ", "'", " "])
    text = rewrite(text, isLetter, "'", not(isLetter), as: [" ", "'", " "])
    text = rewrite(text, isLetter, "'", isLetter, as: [" ", "'"])
    text = rewrite(text, isDigit, "'", { $0 == "s" }, as: [" ", "'"])
    return splitPeriods(text, runs)
  }

  /// Puts spaces around symbols and around runs of two or more periods.
  private static func separateSymbols(_ line: Scalars) -> (text: Scalars, runs: [Int]) {
    var text: Scalars = [" "]
    var runs: [Int] = []
    var index = 0
    while index < line.count {
      let scalar = line[index]
      if scalar == "." {
        var end = index
        while end < line.count, line[end] == "." { end += 1 }
        if end - index == 1 {
          text.append(scalar)
        } else {
          text += [" ", dots, " "]
          runs.append(end - index)
        }
        index = end
        continue
      }
      let stays =
        isAlphanumeric(scalar) || isJavaSpace(scalar)
        || [".", "'", "`", ",", "-", "\u{2018}", "\u{2019}"].contains(scalar)
      text += stays ? [scalar] : [" ", scalar, " "]
      index += 1
    }
    return (text + [" "], runs)
  }

  /// Replaces `middle` between two characters by `replacement`.
  private static func rewrite(
    _ text: Scalars, _ before: (Unicode.Scalar) -> Bool, _ middle: Unicode.Scalar,
    _ after: (Unicode.Scalar) -> Bool, as replacement: Scalars
  ) -> Scalars {
    guard text.contains(middle) else { return text }
    var result = Scalars()
    var index = 0
    while index < text.count {
      if index + 2 < text.count, text[index + 1] == middle, before(text[index]),
        after(text[index + 2])
      {
        result.append(text[index])
        result += replacement
        result.append(text[index + 2])
        index += 3
      } else {
        result.append(text[index])
        index += 1
      }
    }
    return result
  }

  private static func normalizeQuotesAndDashes(_ text: Scalars) -> Scalars {
    let single = text.map { scalar -> Unicode.Scalar in
      switch scalar {
      case "`", "\u{2018}", "\u{2019}": "'"
      case "\u{2013}": "-"
      default: scalar
      }
    }
    var result = Scalars()
    var index = 0
    while index < single.count {
      let scalar = single[index]
      let isPair = index + 1 < single.count && single[index + 1] == scalar
      switch scalar {
      case "\u{201c}", "\u{201d}": result += [" ", "\"", " "]
      case "'" where isPair:
        result += [" ", "\"", " "]
        index += 1
      case "-" where isPair:
        result.append("-")
        index += 1
      default: result.append(scalar)
      }
      index += 1
    }
    return result
  }

  /// Splits words and their last periods.
  private static func splitPeriods(_ text: Scalars, _ runs: [Int]) -> [String] {
    let words = text.split { isJavaSpace($0) && $0 != "\u{b}" }
    var runs = runs[...]
    var result: [String] = []
    for (index, word) in words.enumerated() {
      if word.elementsEqual([dots]) {
        result.append(String(repeating: ".", count: runs.popFirst() ?? 2))
        continue
      }
      let next = index + 1 < words.count ? words[index + 1].first : nil
      if word.count > 1, word.last == "." {
        result += splitPeriod(word.dropLast(), before: next)
      } else {
        result.append(string(word))
      }
    }
    // Any other white space splits words only now.
    return result.flatMap { word in
      word.unicodeScalars.split(whereSeparator: isLateSpace).map { String($0) }
    }
  }

  /// What becomes of `stem.` before a word that begins with `next`.
  private static func splitPeriod(
    _ stem: ArraySlice<Unicode.Scalar>, before next: Unicode.Scalar?
  ) -> [String] {
    if stem.contains("."), stem.contains(where: isLetter) {
      return [string(stem.filter { $0 != "." }[...])]
    }
    let text = string(stem)
    let precedesLowercase = next.map { ("a"..."z").contains($0) } ?? false
    let precedesDigit = next.map(isDigit) ?? false
    if METEORData.nonbreakingPrefixes.contains(Identifier(text)) || precedesLowercase
      || (METEORData.numericPrefixes.contains(Identifier(text)) && precedesDigit)
    {
      return [text + "."]
    }
    return [text, "."]
  }

  private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    String(String.UnicodeScalarView(scalars))
  }

  private static func not(
    _ test: @escaping (Unicode.Scalar) -> Bool
  ) -> (Unicode.Scalar) -> Bool { { !test($0) } }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x41...0x5a, 0x61...0x7a, 0xc0...0xd6, 0xd8...0xf6, 0xf8...0x17e, 0x400...0x527,
      0xa640...0xa66e, 0xa67e...0xa697, 0x1d00...0x1d7f:
      true
    default: scalar == dots
    }
  }

  private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
    isDigit(scalar) || isLetter(scalar)
  }

  private static func isJavaSpace(_ scalar: Unicode.Scalar) -> Bool {
    (9...13).contains(scalar.value) || scalar == " "
  }

  private static func isLateSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20, 0xa0, 0x2000...0x200a, 0x202f, 0x205f, 0x3000: true
    default: false
    }
  }
}
