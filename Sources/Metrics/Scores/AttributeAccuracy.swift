import Configuration

/// One property that captions tell of, and what may be said of it: pitch, which is low, middle or high.
public struct CaptionAttribute: Sendable, Equatable {
  public let name: String
  /// All that can be said of it, each a word or several: "top left".
  public let vocabulary: [String]
  /// What a caption must say, for each item that has the property; usually one value.
  public let expected: [Identifier: [String]]

  /// - Throws: ``AttributeError`` for a value that is there twice, one without a word, or an expected one that
  ///   the vocabulary lacks.
  public init(
    name: String, vocabulary: [String], expected: [Identifier: [String]]
  ) throws(AttributeError) {
    let tokenized = PTBTokenizer().tokenize(vocabulary).map(Identifier.init(_:))
    var seen: Set<Identifier> = []
    for (value, tokens) in zip(vocabulary, tokenized) {
      guard !tokens.text.isEmpty else { throw .noWord(attribute: name, value: value) }
      guard seen.insert(tokens).inserted else { throw .twice(attribute: name, value: value) }
    }
    let known = Set(vocabulary.map(Identifier.init(_:)))
    for (item, values) in expected.sorted(by: { $0.key < $1.key }) {
      guard !values.isEmpty else { throw .nothingExpected(attribute: name, item: item) }
      if let stray = values.first(where: { !known.contains(Identifier($0)) }) {
        throw .unknown(attribute: name, item: item, value: stray)
      }
    }
    self.name = name
    self.vocabulary = vocabulary
    self.expected = expected
  }
}

/// Why an attribute can't be scored.
public enum AttributeError: Error, Equatable, CustomStringConvertible {
  case noWord(attribute: String, value: String)
  case twice(attribute: String, value: String)
  case unknown(attribute: String, item: Identifier, value: String)
  case nothingExpected(attribute: String, item: Identifier)

  public var description: String {
    switch self {
    case .noWord(let attribute, let value):
      "Attribute \(attribute): \"\(value)\" has no word that a caption could hold; give it one."
    case .twice(let attribute, let value):
      "Attribute \(attribute): \"\(value)\" is in its vocabulary twice, case and punctuation aside; leave one "
        + "out."
    case .unknown(let attribute, let item, let value):
      "Attribute \(attribute): \(item) expects \"\(value)\", which its vocabulary lacks; add it there."
    case .nothingExpected(let attribute, let item):
      "Attribute \(attribute): \(item) expects no value; leave the item out."
    }
  }
}

/// The share of captions that say the right thing of a property, and nothing else of it: `attribute/NAME`.
///
/// A caption is searched for the values of the attribute's vocabulary, as PTB tokens from left to right; where
/// one value is the start of another, the longer one counts ("top left", not "top"). It is right if the values
/// found are those expected, in any order and number: "a high low tone" is wrong of a high one, "a high, high
/// tone" is right. Items that the attribute does not expect a value of are not counted.
public struct AttributeAccuracy: CaptionMetric {
  public let attributes: [CaptionAttribute]

  public init(_ attributes: [CaptionAttribute]) { self.attributes = attributes }

  public func scores(for captions: CountedCaptions, threads: Int) -> [MetricScores] {
    attributes.map { attribute in
      let finder = PhraseFinder(attribute.vocabulary, captions.set.vocabulary)
      let judged = captions.set.ids.enumerated().map { item, id -> (right: Int, asked: Int) in
        guard let expected = attribute.expected[id] else { return (0, 0) }
        let found = finder.places(in: captions.set.candidates[item])
        let places = expected.compactMap { value in
          attribute.vocabulary.firstIndex { Identifier($0) == Identifier(value) }
        }
        return (found == Set(places) ? 1 : 0, 1)
      }
      return MetricScores(
        name: "attribute/\(attribute.name)", successes: judged.map(\.right),
        of: judged.map(\.asked))
    }
  }
}

/// Finds phrases in sentences of token ids.
private struct PhraseFinder {
  /// Longest first; nil where no sentence can hold the phrase.
  private let phrases: [(place: Int, tokens: [Int32])]

  init(_ texts: [String], _ vocabulary: Vocabulary) {
    let tokenized = PTBTokenizer().tokenize(texts)
    phrases = tokenized.enumerated().compactMap { place, text in
      let ids = text.split(separator: " ").map { vocabulary.id(of: $0) }
      return ids.contains(nil) ? nil : (place, ids.compactMap(\.self))
    }.sorted { $0.tokens.count > $1.tokens.count }
  }

  func places(in sentence: ArraySlice<Int32>) -> Set<Int> {
    var found: Set<Int> = []
    var rest = sentence
    while !rest.isEmpty {
      if let phrase = phrases.first(where: { rest.starts(with: $0.tokens) }) {
        found.insert(phrase.place)
        rest = rest.dropFirst(phrase.tokens.count)
      } else {
        rest = rest.dropFirst()
      }
    }
    return found
  }
}
