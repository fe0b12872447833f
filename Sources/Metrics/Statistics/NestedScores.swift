/// One system on one metric: a run for each seed, all of them tested on the same images.
///
/// With folds an image is tested by the run that was not trained on it; its seed's scores hold that
/// one value. Systems that are compared share images and folds. Their seeds carry the same numbers
/// but are independent runs, and may differ in number.
///
/// Shapes: S seeds, N images, K folds.
public struct NestedScores: Sendable {
  /// S scores of N images each, in the same order.
  public let seeds: [MetricScores]
  /// For each image the number of the fold in which it was tested.
  public let folds: Folds

  /// - Parameters:
  ///   - seeds: One set of scores a seed, at least one.
  ///   - folds: The fold of each image, any integers; `nil` where there are none.
  /// - Precondition: All seeds have the same metric and number of images, which is that of `folds`.
  public init(seeds: [MetricScores], folds: [Int]? = nil) {
    precondition(!seeds.isEmpty, "a system without a seed")
    let images = seeds[0].perImage.count
    precondition(
      seeds.allSatisfy { $0.name == seeds[0].name && $0.perImage.count == images },
      "seeds of different metrics or images")
    precondition(folds.map { $0.count == images } ?? true, "one fold for each image")
    self.seeds = seeds
    self.folds = Folds(folds ?? Array(repeating: 0, count: images))
  }

  /// A single run without folds.
  public init(_ scores: MetricScores) { self.init(seeds: [scores]) }

  /// The metric with its variant.
  public var name: String { seeds[0].name }
  public var lowerIsBetter: Bool { seeds[0].lowerIsBetter }
  public var images: Int { seeds[0].perImage.count }

  /// Mean over seeds of the corpus value.
  public var value: Double { mean(perSeed) }

  /// Corpus value of each seed.
  public var perSeed: [Double] { seeds.map(\.corpus) }

  /// For each fold, in order of their numbers, the mean over seeds of the corpus value of its images.
  public var perFold: [Double] {
    if folds.count == 1 { return [value] }
    let table = StatisticsTable([seeds])
    return folds.images.map { images in
      var sums = [Double](repeating: 0, count: table.width)
      for image in images { table.add(image, to: &sums) }
      return mean(table.values(sums, images: images.count))
    }
  }

  /// Mean over seeds of the value of each image.
  public var perImage: [Double] {
    (0..<images).map { image in
      seeds.reduce(0) { $0 + $1.perImage[image] } / Double(seeds.count)
    }
  }
}

/// The images of each fold.
public struct Folds: Sendable, Equatable {
  /// Indices of the images of each fold, in order of the folds' numbers.
  public let images: [[Int]]
  /// Images of the largest fold.
  let largest: Int

  public var count: Int { images.count }

  init(_ folds: [Int]) {
    let groups = Dictionary(grouping: folds.indices, by: { folds[$0] })
    images = groups.keys.sorted().map { groups[$0] ?? [] }
    largest = images.map(\.count).max() ?? 0
  }
}

func mean(_ values: some Collection<Double>) -> Double {
  values.reduce(0, +) / Double(values.count)
}

/// Mean squared distance from the mean: what a bootstrap's variance is, n below and not n − 1.
func variance(_ values: [Double]) -> Double {
  let center = mean(values)
  return values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(values.count)
}
