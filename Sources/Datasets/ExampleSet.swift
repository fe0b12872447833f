import Configuration

/// Examples in three parts that share no image.
///
/// An image may have several examples: its captions, and each question that does not see the others.
public struct ExampleSet: Sendable {
  public enum Part: String, Sendable, CaseIterable {
    case train, validation, test
  }

  public let name: String
  /// What was read or drawn and how it was cut, in words; holds no path of this machine.
  public let description: String
  /// What a user should know of the reading, a sentence each: files left out, near duplicates found.
  public let notes: [String]
  public let train: [Example]
  public let validation: [Example]
  public let test: [Example]
  /// Every medium of the parts once: those of training, then of validation, then of test, in the order
  /// of their first example. The folds of one data set have one list, that of the first fold.
  public let media: [Medium]
  private let places: [Identifier: Int]

  /// - Precondition: no id of an example stands twice; media of one id have one source.
  public init(
    name: String, description: String, notes: [String] = [], train: [Example],
    validation: [Example], test: [Example]
  ) {
    var media: [Medium] = []
    var places: [Identifier: Int] = [:]
    for medium in [train, validation, test].joined().flatMap(\.media) {
      if let place = places[medium.id] {
        precondition(media[place] == medium, "two media are called \(medium.id)")
      } else {
        places[medium.id] = media.count
        media.append(medium)
      }
    }
    self.init(
      name: name, description: description, notes: notes, train: train, validation: validation,
      test: test, media: media, places: places)
  }

  private init(
    name: String, description: String, notes: [String], train: [Example], validation: [Example],
    test: [Example], media: [Medium], places: [Identifier: Int]
  ) {
    var ids: Set<Identifier> = []
    for example in [train, validation, test].joined() {
      precondition(ids.insert(example.id).inserted, "two examples are called \(example.id)")
    }
    self.name = name
    self.description = description
    self.notes = notes
    self.train = train
    self.validation = validation
    self.test = test
    self.media = media
    self.places = places
  }

  /// The place of a medium in ``media``; nil if no example has it. O(1).
  public func place(of medium: Identifier) -> Int? { places[medium] }

  /// The examples of one part, in its order.
  public func examples(_ part: Part) -> [Example] {
    switch part {
    case .train: train
    case .validation: validation
    case .test: test
    }
  }

  /// Those of them that teach, or ask for, one thing.
  public func examples(_ part: Part, _ content: ExampleContent) -> [Example] {
    examples(part).filter { $0.content == content }
  }

  /// The examples of all parts: training, validation, test.
  public var examples: [Example] { train + validation + test }

  /// The same examples in other parts; ``media`` keeps its order.
  func recut(
    description: String, notes: [String], train: [Example], validation: [Example], test: [Example]
  ) -> ExampleSet {
    ExampleSet(
      name: name, description: description, notes: notes, train: train, validation: validation,
      test: test, media: media, places: places)
  }

  /// The same set with the first answers of every exchange only.
  func keepingAnswers(_ count: Int) -> ExampleSet {
    func kept(_ examples: [Example]) -> [Example] {
      examples.map { example in
        Example(
          id: example.id, media: example.media,
          exchanges: example.exchanges.map {
            Exchange(
              question: $0.question, answers: Array($0.answers.prefix(count)), kind: $0.kind)
          })
      }
    }
    return recut(
      description: description, notes: notes, train: kept(train), validation: kept(validation),
      test: kept(test))
  }

  /// Bytes for a digest: equal when, and only when, name, description and, part by part, the ids, media's
  /// ids, questions, answers and kinds are equal, in the same order. What the media hold is not part of it
  /// (``Medium/digest()``).
  public var digestContent: [UInt8] {
    var content = FramedBytes()
    content.append(name)
    content.append(description)
    for part in [train, validation, test] {
      content.append(part) { content, example in
        content.append(example.id.text)
        content.append(example.media) { $0.append($1.id.text) }
        content.append(example.exchanges) { content, exchange in
          content.append([exchange.question].compactMap(\.self)) { $0.append($1) }
          content.append(exchange.answers) { $0.append($1) }
          content.append([exchange.kind].compactMap(\.self)) { $0.append($1) }
        }
      }
    }
    return content.bytes
  }
}

/// Texts and lists in front of which their length stands (64 bits, little-endian): what was written can be
/// told from the bytes alone, so no two different values give one sequence of bytes.
private struct FramedBytes {
  private(set) var bytes: [UInt8] = []

  private mutating func append(count: Int) {
    withUnsafeBytes(of: UInt64(count).littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ text: String) {
    append(count: text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  mutating func append<Element>(_ list: [Element], _ each: (inout Self, Element) -> Void) {
    append(count: list.count)
    for element in list { each(&self, element) }
  }
}
