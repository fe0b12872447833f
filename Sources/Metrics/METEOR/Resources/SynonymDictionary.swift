import Configuration
import Foundation

/// WordNet 3.0 as METEOR's synonym stage reads it: synsets of lemmas, and irregular forms.
///
/// From Debian's `wordnet-base` (or Princeton's own files) or from `meteor-1.5.jar`, which holds the
/// same in another form. In the jar a synset is its byte offset alone, so that 285 pairs of synsets of
/// different parts of speech are one by accident, `breathe` and `able` among them. The accidents are
/// kept: values are to be equal to the jar's.
final class SynonymDictionary: Sendable {
  /// What the data are from, to name beside a score.
  let source: String
  private let files: [LemmaFile]
  private let exceptions: [ExceptionFile]

  /// Reads `index.*` and `*.exc` of a WordNet folder.
  ///
  /// - Throws: ``METEORDataError`` if a file can't be read.
  init(wordNetFolder folder: String) throws {
    source = "WordNet"
    var files: [LemmaFile] = []
    var exceptions: [ExceptionFile] = []
    for part in PartOfSpeech.allCases {
      let index = try readFile("\(folder)/index.\(part)")
      files.append(.index(index, OffsetEdits(index, part)))
      exceptions.append(.lines(try readFile("\(folder)/\(part).exc")))
    }
    self.files = files
    self.exceptions = exceptions
  }

  /// Reads `synonym/english.*` of METEOR's jar.
  ///
  /// - Throws: ``METEORDataError`` if the file can't be read or is damaged.
  init(jar: String) throws {
    source = URL(filePath: jar).lastPathComponent
    let archive = try ZipArchive(path: jar)
    files = [.pairs(try archive.read("synonym/english.synsets"))]
    exceptions = [.pairs(try archive.read("synonym/english.exceptions"))]
  }

  /// Regular forms that end in `.0` may come from a lemma that ends in `.1` instead.
  private static let endings = [
    ("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
    ("men", "man"), ("ies", "y"),
    ("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"),
    ("ing", ""),
    ("er", ""), ("est", ""), ("er", "e"), ("est", "e"),
  ]

  /// What the synsets of a word are looked up by, beside itself.
  private enum Lookup {
    /// All of these: the bases of an irregular form.
    case all([Int32])
    /// The first of these that is a lemma.
    case first([Int32])
  }

  /// For each word the sorted numbers of its synsets and those of its base.
  func synsets(of words: [String]) -> [[Int32]] {
    var lemmas = Vocabulary()
    let own = words.map { lemmas.intern($0) }
    var bases: [Int32: [String]] = [:]
    for file in exceptions { file.collect(lemmas, into: &bases) }
    let lookups = zip(words, own).map { lookup($0, bases[$1], &lemmas) }
    var found = [[Int32]](repeating: [], count: lemmas.count)
    for file in files { file.collect(lemmas, into: &found) }
    return zip(own, lookups).map { own, lookup in
      var synsets = Set(found[Int(own)])
      switch lookup {
      case .all(let bases): for base in bases { synsets.formUnion(found[Int(base)]) }
      case .first(let bases):
        if let base = bases.first(where: { !found[Int($0)].isEmpty }) {
          synsets.formUnion(found[Int(base)])
        }
      }
      return synsets.sorted()
    }
  }

  private func lookup(_ word: String, _ bases: [String]?, _ lemmas: inout Vocabulary) -> Lookup {
    if let bases { return .all(bases.map { lemmas.intern($0) }) }
    if word.dropping("ss") != nil || word.utf16.count <= 2 { return .first([]) }
    return .first(
      Self.endings.compactMap { ending, replacement in
        word.dropping(ending).map { lemmas.intern($0 + replacement) }
      })
  }
}

enum PartOfSpeech: String, CaseIterable, CustomStringConvertible {
  case noun
  case verb
  case adj
  case adv

  var description: String { rawValue }
}

/// A file that lists lemmas and their synsets.
enum LemmaFile: Sendable {
  /// WordNet's `index.*`: lemma, counts, pointers, then as many offsets as the third field says.
  case index([UInt8], OffsetEdits?)
  /// Lines in pairs: a lemma, then its synsets.
  case pairs([UInt8])

  /// Adds the synsets of the lemmas that are asked for.
  func collect(_ lemmas: Vocabulary, into found: inout [[Int32]]) {
    switch self {
    case .pairs(let bytes):
      forEachLine(bytes) { line, position in
        let lemma = lemmas.id(of: bytes[line])
        let end = bytes[position...].firstIndex(of: 10) ?? bytes.count
        if let lemma {
          for number in bytes[position..<end].split(separator: 32) {
            found[Int(lemma)].append(decimal(number))
          }
        }
        position = min(end + 1, bytes.count)
      }
    case .index(let bytes, let edits):
      forEachLine(bytes) { line, _ in
        // The licence is indented.
        guard bytes[line.lowerBound] != 32,
          let space = bytes[line].firstIndex(of: 32),
          let lemma = lemmas.id(of: bytes[line.lowerBound..<space])
        else { return }
        let fields = bytes[space..<line.upperBound].split(separator: 32)
        guard fields.count > 2 else { return }
        for field in fields.suffix(Int(decimal(fields[1]))) {
          let offset = decimal(field)
          found[Int(lemma)].append(edits?.number(offset) ?? offset)
        }
      }
    }
  }
}

/// A file that lists irregular forms and their bases.
enum ExceptionFile: Sendable {
  /// WordNet's `*.exc`: a form, then its bases.
  case lines([UInt8])
  /// Lines in pairs: a base, then its irregular forms.
  case pairs([UInt8])

  /// Adds the bases of the forms that are asked for.
  func collect(_ forms: Vocabulary, into bases: inout [Int32: [String]]) {
    switch self {
    case .lines(let bytes):
      forEachLine(bytes) { line, _ in
        let end = bytes[line].firstIndex(of: 32) ?? line.upperBound
        guard let form = forms.id(of: bytes[line.lowerBound..<end]) else { return }
        bases[form, default: []] += bytes[end..<line.upperBound].split(separator: 32)
          .map { String(decoding: $0, as: UTF8.self) }
      }
    case .pairs(let bytes):
      forEachLine(bytes) { line, position in
        let end = bytes[position...].firstIndex(of: 10) ?? bytes.count
        for field in bytes[position..<end].split(separator: 32) {
          guard let form = forms.id(of: field) else { continue }
          bases[form, default: []].append(String(decoding: bytes[line], as: UTF8.self))
        }
        position = min(end + 1, bytes.count)
      }
    }
  }
}

/// Gives `body` each line's range, and where the next begins, which it may move.
private func forEachLine(_ bytes: [UInt8], _ body: (Range<Int>, inout Int) -> Void) {
  bytes.withUnsafeBufferPointer { buffer in
    var position = 0
    while position < buffer.count {
      let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[position...])
      let found = rest.baseAddress.flatMap { memchr($0, 10, rest.count) }
      let end =
        found.flatMap { found in rest.baseAddress.map { position + (UnsafeRawPointer(found) - $0) }
        }
        ?? buffer.count
      let line = position..<end
      position = min(end + 1, buffer.count)
      if !line.isEmpty { body(line, &position) }
    }
  }
}

private func decimal(_ digits: ArraySlice<UInt8>) -> Int32 {
  digits.reduce(0) { $0 &* 10 &+ Int32($1 &- 48) }
}

/// Turns offsets in a `data.*` file into those of Princeton's WordNet 3.0, which the jar counts by.
///
/// Debian's files have a few corrections, which moved what follows them by 18 bytes in one stretch of
/// the verbs and by one byte at the end of the adjectives.
struct OffsetEdits: Sendable {
  private let shifted: Range<Int32>
  private let shift: Int32

  init(_ index: [UInt8], _ part: PartOfSpeech) {
    switch part {
    case .verb where Self.has(index, "dog v 1 2 @ ~ 1 1 02001876"):
      (shifted, shift) = (613_036..<2_422_967, 18)
    case .adj where Self.has(index, ".22-caliber a 1 1 \\ 1 0 03146311"):
      (shifted, shift) = (1_681_478..<Int32.max, 1)
    default: (shifted, shift) = (0..<0, 0)
    }
  }

  func number(_ offset: Int32) -> Int32 { shifted.contains(offset) ? offset - shift : offset }

  private static func has(_ index: [UInt8], _ line: String) -> Bool {
    let wanted = Array(line.utf8)
    var isThere = false
    forEachLine(index) { line, _ in
      isThere = isThere || index[line].starts(with: wanted)
    }
    return isThere
  }
}

/// Which words of a caption set share a synset.
struct SynsetTable: Sendable {
  /// Synsets of word `i` are `numbers[starts[i]..<starts[i + 1]]`, sorted.
  private var numbers: [Int32] = []
  private var starts: [Int] = [0]
  /// One bit for each synset of a word, by its number modulo 64: words without a common bit share none.
  private var masks: [UInt64] = []

  init(_ words: [String], _ dictionary: SynonymDictionary) {
    for synsets in dictionary.synsets(of: words) {
      numbers += synsets
      starts.append(numbers.count)
      masks.append(synsets.reduce(0) { $0 | 1 << UInt64($1 & 63) })
    }
  }

  func share(_ a: Int32, _ b: Int32) -> Bool {
    guard masks[Int(a)] & masks[Int(b)] != 0 else { return false }
    var left = starts[Int(a)]
    var right = starts[Int(b)]
    while left < starts[Int(a) + 1], right < starts[Int(b) + 1] {
      if numbers[left] == numbers[right] { return true }
      if numbers[left] < numbers[right] { left += 1 } else { right += 1 }
    }
    return false
  }
}
