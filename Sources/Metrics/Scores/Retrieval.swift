import Configuration

/// How well images find their texts, and texts their image, by a matrix of similarities.
///
/// Shapes: N images, T texts, each of which belongs to one image.
///
/// - *image-to-text*: an image's rank is that of the best of its own texts among the texts of other images; an
///   image is a query.
/// - *text-to-image*: a text's rank is that of its image among all images; a text is a query.
///
/// **Ties count against the model:** a rank is 1 + the wrong candidates whose similarity is at least that of the
/// right one, so a model that gives all pairs one similarity gets the last rank, not the first. A similarity that is
/// not a number is less than all others.
///
/// Source: the measures of Karpathy and Fei-Fei 2015, *Deep Visual-Semantic Alignments*, arXiv:1412.2306, §4.1.
public struct Retrieval: Sendable, Equatable {
  /// The ranks of one image and of its texts, counted from 1.
  public struct ImageRanks: Sendable, Equatable {
    public let imageToText: Int
    /// One for each text of the image, in the order of the texts.
    public let textToImage: [Int]

    public init(imageToText: Int, textToImage: [Int]) {
      self.imageToText = imageToText
      self.textToImage = textToImage
    }
  }

  /// One entry an image, in the order of the matrix's rows.
  public let ranks: [ImageRanks]
  public let texts: Int

  public var images: Int { ranks.count }

  /// - Parameters:
  ///   - similarities: Shape `[N, T]`, row by row; larger is more alike.
  ///   - imageOfText: For each text the row of its image.
  /// - Throws: ``RetrievalError`` for a matrix of another shape, a text without an image or an image without text.
  public init(similarities: [Float], images: Int, imageOfText: [Int]) throws(RetrievalError) {
    let texts = imageOfText.count
    guard images > 0, similarities.count == images * texts else {
      throw .shape(images: images, texts: texts, values: similarities.count)
    }
    var own = [[Int]](repeating: [], count: images)
    for (text, image) in imageOfText.enumerated() {
      guard own.indices.contains(image) else { throw .noImage(text: text, image: image) }
      own[image].append(text)
    }
    if let bare = own.firstIndex(where: \.isEmpty) { throw .noText(image: bare) }
    func value(_ image: Int, _ text: Int) -> Float {
      let value = similarities[image * texts + text]
      return value.isNaN ? -.infinity : value
    }
    ranks = own.indices.map { image in
      let best = own[image].map { value(image, $0) }.max() ?? -.infinity
      let ahead = (0..<texts).count { imageOfText[$0] != image && value(image, $0) >= best }
      return ImageRanks(
        imageToText: 1 + ahead,
        textToImage: own[image].map { text in
          let right = value(image, text)
          return 1 + (0..<images).count { $0 != image && value($0, text) >= right }
        })
    }
    self.texts = texts
  }

  /// Ranks that were worked out before.
  ///
  /// - Precondition: at least one text an image.
  public init(ranks: [ImageRanks]) {
    precondition(ranks.allSatisfy { !$0.textToImage.isEmpty }, "an image without a text")
    self.ranks = ranks
    texts = ranks.reduce(0) { $0 + $1.textToImage.count }
  }

  /// R@1, R@5, R@10 and the median rank in both directions, one value an image: what stands beside the metrics
  /// of captions in tables and statistics.
  ///
  /// An image's texts are drawn together with it: of text-to-image its value is the share of its texts that are
  /// found, and the median rank of its texts. `MetricScores.grouped` sets images in another order.
  ///
  /// - Parameter depths: The K of each R@K.
  public func scores(depths: [Int] = [1, 5, 10]) -> [MetricScores] {
    Self.scores(of: [self], depths: depths)
  }

  /// The same of images that were searched in several sets, one after the other: the test images of folds, each
  /// ranked among those of its own fold.
  public static func scores(of sets: [Retrieval], depths: [Int] = [1, 5, 10]) -> [MetricScores] {
    let ranks = sets.flatMap(\.ranks)
    let sizes = sets.map { "\($0.images) images and \($0.texts) texts" }
    let pools = Set(sizes).sorted().joined(separator: ", or ")
    let note = "ranked among \(pools); a tie counts against the model"
    func direction(
      _ name: String, _ ranks: [[Int]], largest: Int
    ) -> [MetricScores] {
      depths.map { depth in
        MetricScores(
          name: "R@\(depth) \(name)", successes: ranks.map { $0.count { $0 <= depth } },
          of: ranks.map(\.count), note: note)
      } + [
        MetricScores(name: "median rank \(name)", medianOf: ranks, largest: largest, note: note)
      ]
    }
    return direction(
      "image-to-text", ranks.map { [$0.imageToText] }, largest: sets.map(\.texts).max() ?? 1)
      + direction(
        "text-to-image", ranks.map(\.textToImage), largest: sets.map(\.images).max() ?? 1)
  }
}

/// Why similarities can't be ranked.
public enum RetrievalError: Error, Equatable, CustomStringConvertible {
  case shape(images: Int, texts: Int, values: Int)
  case noImage(text: Int, image: Int)
  case noText(image: Int)

  public var description: String {
    switch self {
    case .shape(let images, let texts, let values):
      "Retrieval needs a similarity for each of \(images) images and \(texts) texts, row by row; got \(values)."
    case .noImage(let text, let image):
      "Text \(text) belongs to image \(image), which is not a row of the similarities; count images from 0."
    case .noText(let image):
      "Image \(image) has no text to be found by; leave it out or give it one."
    }
  }
}
