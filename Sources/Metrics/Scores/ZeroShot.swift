import Configuration

/// Classification by label prompts, without training on labels: the label whose prompt is most like the image.
///
/// Source: Radford et al. 2021, *CLIP*, arXiv:2103.00020, §3.1.2.
public struct ZeroShot: Sendable, Equatable {
  public let labels: [String]
  /// What is encoded for each label.
  public let prompts: [String]

  /// Where a template takes the label.
  public static let placeholder = "{}"

  /// - Parameter template: A text with one `{}` for the label: "a photo of a {}".
  /// - Throws: ``ZeroShotError`` for fewer than two labels, an empty one, one that is there twice, or a template
  ///   that does not take one label.
  public init(labels: [String], template: String = placeholder) throws(ZeroShotError) {
    guard labels.count > 1 else { throw .tooFew(labels: labels.count) }
    var seen: Set<Identifier> = []
    for (place, label) in labels.enumerated() {
      guard label.contains(where: { !$0.isWhitespace }) else { throw .empty(place: place) }
      guard seen.insert(Identifier(label)).inserted else { throw .twice(label: label) }
    }
    let parts = template.split(separator: Self.placeholder, omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw .template(template) }
    self.labels = labels
    prompts = labels.map { parts[0] + $0 + parts[1] }
  }

  /// The label that each image is given; nil where two or more are equally good, or a similarity is NaN.
  ///
  /// - Parameter similarities: Shape `[N, labels]`, row by row.
  /// - Precondition: `similarities` holds whole rows.
  public func predictions(_ similarities: [Float]) -> [String?] {
    precondition(
      similarities.count.isMultiple(of: labels.count),
      "\(similarities.count) similarities are no rows of \(labels.count)")
    return (0..<similarities.count / labels.count).map { image in
      let row = similarities[image * labels.count..<(image + 1) * labels.count]
      guard let best = row.max(), !row.contains(where: \.isNaN) else { return nil }
      let places = row.indices.filter { row[$0] == best }
      return places.count == 1 ? labels[places[0] - row.startIndex] : nil
    }
  }

  /// `zero-shot accuracy`: 1 for an image whose own label is more like it than every other, else 0; a tie is wrong.
  ///
  /// - Parameters:
  ///   - similarities: Shape `[N, labels]`, row by row; larger is more alike.
  ///   - truth: The label of each image.
  /// - Throws: ``ZeroShotError`` for a truth that is no label, or another number of images.
  public func scores(
    similarities: [Float], truth: [String]
  ) throws(ZeroShotError) -> MetricScores {
    guard similarities.count == truth.count * labels.count else {
      throw .shape(images: truth.count, labels: labels.count, values: similarities.count)
    }
    let known = Set(labels.map(Identifier.init(_:)))
    if let place = truth.firstIndex(where: { !known.contains(Identifier($0)) }) {
      throw .unknown(label: truth[place], image: place)
    }
    let right = zip(predictions(similarities), truth).map { predicted, label in
      predicted.map { Identifier($0) == Identifier(label) } ?? false ? 1 : 0
    }
    return MetricScores(
      name: "zero-shot accuracy", successes: right, of: right.map { _ in 1 },
      note: "\(labels.count) labels, chance \(chance); a tie is wrong")
  }

  private var chance: String {
    let thousandths = Int((1000 / Double(labels.count)).rounded())
    return "0.\(String(1000 + thousandths).dropFirst())"
  }
}

/// Why labels can't be told apart.
public enum ZeroShotError: Error, Equatable, CustomStringConvertible {
  case tooFew(labels: Int)
  case empty(place: Int)
  case twice(label: String)
  case template(String)
  case shape(images: Int, labels: Int, values: Int)
  case unknown(label: String, image: Int)

  public var description: String {
    switch self {
    case .tooFew(let labels):
      "Zero-shot classification needs two labels or more; got \(labels)."
    case .empty(let place): "Label \(place + 1) is empty; give its name."
    case .twice(let label):
      "Label \"\(label)\" is there twice: no image could be told to have one and not the other. Leave one out."
    case .template(let template):
      "The label template \"\(template)\" must hold \(ZeroShot.placeholder) once, for the label: "
        + "\"a photo of a {}\"."
    case .shape(let images, let labels, let values):
      "Zero-shot classification needs a similarity for each of \(images) images and \(labels) labels, row by "
        + "row; got \(values)."
    case .unknown(let label, let image):
      "Image \(image) is labelled \"\(label)\", which is none of the labels; add it there."
    }
  }
}
