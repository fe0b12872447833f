import Configuration

/// Porter's stemmer with the changes that NLTK has made to it.
///
/// Source: Porter 1980; NLTK 3.10 `PorterStemmer`, mode NLTK_EXTENSIONS.
struct PorterStemmer {
  private static let irregular: [Identifier: String] = [
    "sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news",
    "innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing",
    "cannings": "canning", "canning": "canning", "howe": "howe", "proceed": "proceed",
    "exceed": "exceed", "succeed": "succeed",
  ]

  private typealias Word = ArraySlice<Unicode.Scalar>

  /// The stem of a word in lower case.
  func stem(_ text: String) -> String {
    if let stem = Self.irregular[Identifier(text)] { return stem }
    var word = Array(text.unicodeScalars)[...]
    if word.count <= 2 { return text }
    word = step1a(word)
    word = step1b(word)
    if ends(word, "y"), word.count > 2, isConsonant(word.dropLast()).last == true {
      word = word.dropLast() + ["i"]
    }
    word = step2(word)
    word = Self.step3.apply(word) { measure($0) > 0 }
    word = step4(word)
    word = step5(word)
    return String(String.UnicodeScalarView(word))
  }

  // MARK: Conditions

  /// Which letters are consonants: not a vowel, nor a `y` after a consonant.
  private func isConsonant(_ word: Word) -> [Bool] {
    var flags: [Bool] = []
    for scalar in word {
      switch scalar {
      case "a", "e", "i", "o", "u": flags.append(false)
      case "y": flags.append(flags.last.map { !$0 } ?? true)
      default: flags.append(true)
      }
    }
    return flags
  }

  /// How often a consonant follows a vowel.
  private func measure(_ word: Word) -> Int {
    let flags = isConsonant(word)
    return zip(flags, flags.dropFirst()).count { !$0 && $1 }
  }

  private func endsInDoubleConsonant(_ word: Word) -> Bool {
    word.count >= 2 && word.last == word.dropLast().last && isConsonant(word).last == true
  }

  /// Consonant, vowel, consonant that is not w, x or y; or just vowel and consonant.
  private func endsInShortSyllable(_ word: Word) -> Bool {
    let flags = Array(isConsonant(word).suffix(3))
    if word.count == 2 { return flags == [false, true] }
    guard flags == [true, false, true], let last = word.last else { return false }
    return !["w", "x", "y"].contains(last)
  }

  private func ends(_ word: Word, _ suffix: String) -> Bool {
    word.reversed().starts(with: suffix.unicodeScalars.reversed())
  }

  // MARK: Steps

  private func step1a(_ word: Word) -> Word {
    if ends(word, "ies") { return word.dropLast(word.count == 4 ? 1 : 2) }
    if ends(word, "sses") { return word.dropLast(2) }
    if ends(word, "s"), !ends(word, "ss") { return word.dropLast() }
    return word
  }

  private func step1b(_ word: Word) -> Word {
    if ends(word, "ied") { return word.dropLast(word.count == 4 ? 1 : 2) }
    if ends(word, "eed") {
      return measure(word.dropLast(3)) > 0 ? word.dropLast() : word
    }
    let stem: Word
    if ends(word, "ed"), isConsonant(word.dropLast(2)).contains(false) {
      stem = word.dropLast(2)
    } else if ends(word, "ing"), isConsonant(word.dropLast(3)).contains(false) {
      stem = word.dropLast(3)
    } else {
      return word
    }
    if ends(stem, "at") || ends(stem, "bl") || ends(stem, "iz") { return stem + ["e"] }
    if endsInDoubleConsonant(stem), let last = stem.last {
      return ["l", "s", "z"].contains(last) ? stem : stem.dropLast()
    }
    return measure(stem) == 1 && endsInShortSyllable(stem) ? stem + ["e"] : stem
  }

  private func step2(_ word: Word) -> Word {
    if ends(word, "alli"), measure(word.dropLast(4)) > 0 { return step2(word.dropLast(2)) }
    if ends(word, "logi"), !Self.step2.matches(word) {
      return measure(word.dropLast(3)) > 0 ? word.dropLast() : word
    }
    return Self.step2.apply(word) { measure($0) > 0 }
  }

  private func step4(_ word: Word) -> Word {
    if ends(word, "ion"), !Self.step4.matches(word) {
      let stem = word.dropLast(3)
      let isRemoved = measure(stem) > 1 && (stem.last == "s" || stem.last == "t")
      return isRemoved ? stem : word
    }
    return Self.step4.apply(word) { measure($0) > 1 }
  }

  private func step5(_ word: Word) -> Word {
    var word = word
    if ends(word, "e") {
      let stem = word.dropLast()
      let count = measure(stem)
      if count > 1 || (count == 1 && !endsInShortSyllable(stem)) { word = stem }
    }
    if ends(word, "ll"), measure(word.dropLast()) > 1 { word = word.dropLast() }
    return word
  }

  /// Suffixes and what replaces them; the first that fits is the only one tried.
  private struct Rules {
    private let rules: [(suffix: [Unicode.Scalar], replacement: [Unicode.Scalar])]

    init(_ rules: [(String, String)]) {
      self.rules = rules.map { (Array($0.unicodeScalars), Array($1.unicodeScalars)) }
    }

    private func first(_ word: Word) -> (suffix: [Unicode.Scalar], replacement: [Unicode.Scalar])? {
      rules.first { word.reversed().starts(with: $0.suffix.reversed()) }
    }

    func matches(_ word: Word) -> Bool { first(word) != nil }

    func apply(_ word: Word, if condition: (Word) -> Bool) -> Word {
      guard let rule = first(word) else { return word }
      let stem = word.dropLast(rule.suffix.count)
      return condition(stem) ? stem + rule.replacement : word
    }
  }

  private static let step2 = Rules([
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"),
    ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"),
    ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"),
    ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
    ("fulli", "ful"),
  ])

  private static let step3 = Rules([
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""),
    ("ness", ""),
  ])

  private static let step4 = Rules([
    ("al", ""), ("ance", ""), ("ence", ""), ("er", ""), ("ic", ""), ("able", ""), ("ible", ""),
    ("ant", ""), ("ement", ""), ("ment", ""), ("ent", ""), ("ou", ""), ("ism", ""), ("ate", ""),
    ("iti", ""), ("ous", ""), ("ive", ""), ("ize", ""),
  ])
}
