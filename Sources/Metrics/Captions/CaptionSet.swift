import Configuration

/// One candidate caption and its references for each image, tokenised: what every metric reads.
///
/// Shapes: N images, one candidate each, and image `i` has `referenceRange(i)` of the references.
public struct CaptionSet: Sendable {
  /// Names of the images, in the order of the candidates.
  public let ids: [Identifier]
  /// Token texts by id.
  public let vocabulary: Vocabulary
  /// N sentences, split at any Unicode white space.
  public let candidates: Sentences
  /// References of all images, image after image.
  public let references: Sentences
  /// References of image `i` are `references[referenceStarts[i]..<referenceStarts[i + 1]]`.
  package let referenceStarts: [Int]
  /// The same sentences split at ASCII spaces only, with an empty text as one empty token.
  ///
  /// ROUGE-L of pycocoevalcap reads text so; the two differ where a token holds a no-break space.
  package let spacedCandidates: Sentences
  package let spacedReferences: Sentences
  /// What kind of question each item answers; nil for none. Set with ``with(kinds:)``.
  public private(set) var kinds: [Identifier?]
  public var count: Int { ids.count }

  /// Indices into ``references`` of the references of image `index`.
  public func referenceRange(_ index: Int) -> Range<Int> {
    referenceStarts[index]..<referenceStarts[index + 1]
  }

  /// The same set, its items known to be answers to questions of these kinds.
  ///
  /// - Precondition: one kind, or nil, an item.
  public func with(kinds: [Identifier?]) -> CaptionSet {
    precondition(kinds.count == count, "\(count) items, \(kinds.count) kinds")
    var set = self
    set.kinds = kinds
    return set
  }

  /// Collects captions that are tokenised already.
  ///
  /// - Parameters:
  ///   - ids: Names of the images, without duplicates.
  ///   - candidates: One text for each image, tokens separated by spaces.
  ///   - references: At least one text for each image.
  /// - Throws: ``CaptionSetError`` for counts that differ, a duplicate, or an image without reference.
  public init(ids: [Identifier], tokenizedCandidates candidates: [String], references: [[String]])
    throws
  {
    try Self.check(ids: ids, candidates: candidates.count, references: references.map(\.count))
    var vocabulary = Vocabulary()
    var starts = [0]
    var spacedReferences = Sentences()
    for group in references {
      for line in group { spacedReferences.append(line: line, into: &vocabulary) }
      starts.append(spacedReferences.count)
    }
    var spacedCandidates = Sentences()
    for line in candidates { spacedCandidates.append(line: line, into: &vocabulary) }
    self.init(
      ids: ids, vocabulary: vocabulary, candidates: spacedCandidates,
      references: spacedReferences, referenceStarts: starts)
  }

  /// Tokenises raw captions with ``PTBTokenizer``: all references as one text, all candidates as one.
  ///
  /// - Parameters:
  ///   - ids: Names of the images, without duplicates.
  ///   - candidates: One caption for each image.
  ///   - references: At least one caption for each image.
  ///   - threads: Threads to use; the result does not depend on it.
  /// - Throws: ``CaptionSetError`` for counts that differ, a duplicate, or an image without reference.
  public init(
    ids: [Identifier], candidates: [String], references: [[String]], threads: Int? = nil
  ) throws {
    try Self.check(ids: ids, candidates: candidates.count, references: references.map(\.count))
    let threads = threads ?? Parallel.availableThreads
    var vocabulary = Vocabulary()
    let tokenizer = PTBTokenizer()
    var tokenized = tokenizer.sentences(
      references.flatMap { $0 }, into: &vocabulary, threads: threads)
    let spacedReferences = tokenized.emptiesMarked(by: vocabulary.intern(""))
    tokenized = tokenizer.sentences(candidates, into: &vocabulary, threads: threads)
    let spacedCandidates = tokenized.emptiesMarked(by: vocabulary.intern(""))
    self.init(
      ids: ids, vocabulary: vocabulary, candidates: spacedCandidates,
      references: spacedReferences,
      referenceStarts: references.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) })
  }

  /// - Precondition: counts agree and ids are unique: checked by the callers.
  package init(
    ids: [Identifier], vocabulary: Vocabulary, candidates: Sentences, references: Sentences,
    referenceStarts: [Int]
  ) {
    precondition(candidates.count == ids.count && referenceStarts.count == ids.count + 1)
    var vocabulary = vocabulary
    let splits = SpaceSplits(&vocabulary)
    self.ids = ids
    self.vocabulary = vocabulary
    self.referenceStarts = referenceStarts
    spacedCandidates = candidates
    spacedReferences = references
    kinds = Array(repeating: nil, count: ids.count)
    self.candidates = splits.apply(to: candidates)
    self.references = splits.apply(to: references)
  }

  package static func check(ids: [Identifier], candidates: Int, references: [Int]) throws {
    guard ids.count == candidates, ids.count == references.count else {
      throw CaptionSetError.counts(
        images: ids.count, candidates: candidates, references: references.count)
    }
    guard !ids.isEmpty else { throw CaptionSetError.empty }
    var seen = Set<Identifier>(minimumCapacity: ids.count)
    for (index, id) in ids.enumerated() {
      guard seen.insert(id).inserted else { throw CaptionSetError.duplicate(image: id) }
      guard references[index] > 0 else { throw CaptionSetError.noReference(image: id) }
    }
  }
}

/// How tokens that hold white space, or nothing, fall apart under Python's `str.split()`.
private struct SpaceSplits {
  private var parts: [Int32: [Int32]] = [:]

  init(_ vocabulary: inout Vocabulary) {
    for id in 0..<Int32(vocabulary.count) {
      if vocabulary.isPlainASCII(id) { continue }
      let scalars = vocabulary[id].unicodeScalars
      let words = scalars.split(whereSeparator: Self.isSpace)
      if words.count == 1, words[0].count == scalars.count { continue }
      parts[id] = words.map { vocabulary.intern(String($0)) }
    }
  }

  func apply(to sentences: Sentences) -> Sentences {
    if parts.isEmpty { return sentences }
    var words = Sentences()
    for index in 0..<sentences.count {
      for token in sentences[index] {
        if let pieces = parts[token] {
          for piece in pieces { words.append(token: piece) }
        } else {
          words.append(token: token)
        }
      }
      words.endSentence()
    }
    return words
  }

  /// White space as Python sees it: Unicode's, and the four ASCII separators.
  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1c...0x1f).contains(scalar.value)
  }
}

/// Why captions can't be scored as a set.
public enum CaptionSetError: Error, Equatable, CustomStringConvertible {
  case counts(images: Int, candidates: Int, references: Int)
  case empty
  case duplicate(image: Identifier)
  case noReference(image: Identifier)
  case noCandidate(image: Identifier)
  case unknownImage(Identifier)

  public var description: String {
    switch self {
    case .counts(let images, let candidates, let references):
      "A caption set needs one candidate and one list of references for each image; got \(images)"
        + " images, \(candidates) candidates, \(references) lists of references."
    case .empty: "There is nothing to score: the set has no image."
    case .duplicate(let image):
      "Image \"\(image)\" occurs twice; every image may have one candidate only."
    case .noReference(let image):
      "Image \"\(image)\" has no reference caption; give at least one, or leave the image out."
    case .noCandidate(let image):
      "Image \"\(image)\" has references but no candidate; add its caption to the candidates."
    case .unknownImage(let image):
      "Image \"\(image)\" has a candidate but no references; check the id, or use the references of"
        + " the same split."
    }
  }
}
