import Configuration

/// In how many images' references each n-gram (n = 1…4) occurs: the IDF corpus of CIDEr-D.
public struct DocumentFrequencies: Sendable, Equatable {
  /// Where the counts come from: a file's name, or a description.
  public let source: String
  /// Number of images counted.
  public let images: Int
  /// Images by n-gram, its tokens joined by single spaces.
  public let counts: [Identifier: Int32]

  public init(source: String, images: Int, counts: [Identifier: Int32]) {
    self.source = source
    self.images = images
    self.counts = counts
  }

  /// Counts the references of a set, to use on other sets or on parts of this one.
  public init(countingReferencesOf set: CaptionSet, source: String) {
    let captions = CountedCaptions(set)
    let dense = Self.counts(in: captions)
    var counts: [Identifier: Int32] = [:]
    for (n, gramsByPosition) in captions.ngrams.references.enumerated() {
      var written = [Bool](repeating: false, count: captions.ngrams.counts[n])
      for (position, gram) in gramsByPosition.enumerated() where gram >= 0 {
        if written[Int(gram)] { continue }
        written[Int(gram)] = true
        let tokens = set.references.tokens[position - n...position]
        counts[Identifier(set.vocabulary.text(of: tokens))] = dense[n][Int(gram)]
      }
    }
    self.init(source: source, images: set.count, counts: counts)
  }

  /// `[n - 1][id]`: images of the set in whose references the n-gram occurs.
  static func counts(in captions: CountedCaptions) -> [[Int32]] {
    let set = captions.set
    return (0..<NGrams.orders).map { n in
      let grams = captions.ngrams.references[n]
      var counts = [Int32](repeating: 0, count: captions.ngrams.counts[n])
      var lastImage = [Int32](repeating: -1, count: counts.count)
      counts.withUnsafeMutableBufferPointer { counts in
        lastImage.withUnsafeMutableBufferPointer { lastImage in
          for image in 0..<set.count {
            for reference in set.referenceRange(image) {
              for gram in grams[set.references.range(reference)].dropFirst(n)
              where lastImage[Int(gram)] != Int32(image) {
                lastImage[Int(gram)] = Int32(image)
                counts[Int(gram)] += 1
              }
            }
          }
        }
      }
      return counts
    }
  }

  /// The given counts by the dense ids of another set.
  func counts(for captions: CountedCaptions) -> [[Int32]] {
    let set = captions.set
    return (0..<NGrams.orders).map { n in
      var dense = [Int32](repeating: -1, count: captions.ngrams.counts[n])
      for (grams, sentences) in [
        (captions.ngrams.references[n], set.references),
        (captions.ngrams.candidates[n], set.candidates),
      ] {
        for (position, gram) in grams.enumerated() where gram >= 0 && dense[Int(gram)] < 0 {
          let tokens = sentences.tokens[position - n...position]
          dense[Int(gram)] = counts[Identifier(set.vocabulary.text(of: tokens))] ?? 0
        }
      }
      // Unigram ids are token ids, some of which occur in other splits only.
      return dense.map { max(0, $0) }
    }
  }
}
