import Configuration
import Foundation

/// WordNet as NLTK's METEOR reads it.
struct NLTKWordNet: Sendable {
  private struct Part: Sendable {
    let name: PartOfSpeech
    let exceptions: [Identifier: [String]]
    let index: LemmaFile
    let data: MappedFile
  }

  private let parts: [Part]

  /// - Throws: ``METEORDataError`` if one of the folder's files can't be read.
  init(folder: String) throws {
    parts = try PartOfSpeech.allCases.map { part in
      guard let data = MappedFile(path: "\(folder)/data.\(part)") else {
        throw METEORDataError.unreadable(
          path: "\(folder)/data.\(part)", reason: "it is missing or empty")
      }
      return Part(
        name: part, exceptions: try Self.exceptions("\(folder)/\(part).exc"),
        index: .index(try readFile("\(folder)/index.\(part)"), nil), data: data)
    }
  }

  /// For each word itself and the single-word names in its synsets that are known words, by NLTK's
  /// rules of inflection.
  func synonyms(of words: Vocabulary) -> [[Int32]] {
    var names = (0..<Int32(words.count)).map { [$0] }
    let texts = (0..<Int32(words.count)).map { words[$0] }
    for part in parts {
      var lemmas = Vocabulary()
      let forms = texts.map { text in
        Self.forms(of: text, part.name, part.exceptions).map { lemmas.intern($0) }
      }
      var offsets = [[Int32]](repeating: [], count: lemmas.count)
      part.index.collect(lemmas, into: &offsets)
      var known: [Int32: [Int32]] = [:]
      for (word, forms) in forms.enumerated() {
        for offset in forms.flatMap({ offsets[Int($0)] }) {
          if known[offset] == nil {
            known[offset] = Self.names(part.data, Int(offset)).compactMap { words.id(of: $0) }
          }
          names[word] += known[offset] ?? []
        }
      }
    }
    return names
  }

  private static func exceptions(_ path: String) throws -> [Identifier: [String]] {
    var exceptions: [Identifier: [String]] = [:]
    for line in try readFile(path).split(separator: 10) {
      let forms = String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
      if let first = forms.first { exceptions[Identifier(first)] = Array(forms.dropFirst()) }
    }
    return exceptions
  }

  /// The word and what it may be an inflection of.
  private static func forms(
    of word: String, _ part: PartOfSpeech, _ exceptions: [Identifier: [String]]
  ) -> [String] {
    if let bases = exceptions[Identifier(word)] { return [word] + bases }
    let endings: [(String, String)] =
      switch part {
      case .noun:
        [
          ("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"),
          ("shes", "sh"), ("men", "man"), ("ies", "y"),
        ]
      case .verb:
        [
          ("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"),
          ("ing", ""),
        ]
      case .adj: [("er", ""), ("est", ""), ("er", "e"), ("est", "e")]
      case .adv: []
      }
    return [word]
      + endings.compactMap { ending, other in word.dropping(ending).map { $0 + other } }
  }

  /// The names in the synset at a byte offset, those of several words left out.
  private static func names(_ data: MappedFile, _ offset: Int) -> [String] {
    guard offset < data.bytes.count else { return [] }
    let line = data.bytes[offset...].prefix { $0 != 10 }
    let fields = line.split(separator: 32, maxSplits: 256)
    guard fields.count > 4,
      let count = Int(String(decoding: fields[3], as: UTF8.self), radix: 16),
      fields.count > 4 + 2 * count
    else { return [] }
    return (0..<count).map { index in
      let name = String(decoding: fields[4 + 2 * index], as: UTF8.self)
      // An adjective may say where it stands: `galore(ip)`.
      return String(name.prefix { $0 != "(" })
    }.filter { !$0.contains("_") }
  }
}
