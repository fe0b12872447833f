import Configuration
import Metrics
import Testing

@Suite("Retrieval")
struct RetrievalTests {
  static let owners = (0..<20).map { $0 * 7 % 9 }

  /// Similarities in steps of 0.02, so that many are equal: 9 images, 20 texts.
  static let similarities: [Float] = (0..<9).flatMap { image in
    (0..<20).map { text in
      let hash = ((image * 20 + text + 777) * 2_654_435_761 + 12345) % (1 << 32)
      let step = (Double(hash) / 0x1p32 * 50).rounded(.down) / 50
      return Float(step + (owners[text] == image ? 0.1 : 0))
    }
  }

  @Test("ranks are scipy's rankdata(method=\"max\"), an image's other texts left out")
  func ranks() throws {
    let retrieval = try Retrieval(
      similarities: Self.similarities, images: 9, imageOfText: Self.owners)
    #expect(retrieval.ranks.map(\.imageToText) == [4, 6, 2, 5, 1, 3, 6, 1, 5])
    #expect(
      retrieval.ranks.map(\.textToImage) == [
        [6, 2, 5], [8, 3], [2, 5], [7, 2], [1, 4], [7, 1], [8, 3], [7, 1, 5], [7, 3],
      ])
  }

  @Test("R@K is the share of queries, the median that of all ranks: numpy's mean and median")
  func scores() throws {
    let scores = try Retrieval(
      similarities: Self.similarities, images: 9, imageOfText: Self.owners
    ).scores()
    #expect(
      scores.map(\.name) == [
        "R@1 image-to-text", "R@5 image-to-text", "R@10 image-to-text",
        "median rank image-to-text", "R@1 text-to-image", "R@5 text-to-image",
        "R@10 text-to-image", "median rank text-to-image",
      ])
    let expected = [0.2222222222222222, 0.7777777777777778, 1, 4, 0.15, 0.65, 1, 4.5]
    for (score, value) in zip(scores, expected) {
      #expect(abs(score.corpus - value) < 1e-15, "\(score.name)")
      #expect(score.perImage.count == 9)
    }
    #expect(scores[3].lowerIsBetter && !scores[0].lowerIsBetter)
    #expect(scores[4].perImage[4] == 0.5 && scores[7].perImage[0] == 5)
    #expect(
      scores[0].note == "ranked among 9 images and 20 texts; a tie counts against the model")
  }

  @Test("a model that finds all pairs alike, or none a number, gets the last rank")
  func ties() throws {
    for value in [Float(0.3), .nan] {
      let similarities = [Float](repeating: value, count: 12)
      let retrieval = try Retrieval(
        similarities: similarities, images: 3, imageOfText: [0, 1, 2, 0])
      #expect(retrieval.ranks.map(\.imageToText) == [3, 4, 4])
      #expect(retrieval.ranks.map(\.textToImage) == [[3, 3], [3], [3]])
    }
  }

  @Test("values stand in every statistic: a resampled median is that of the drawn images' ranks")
  func bootstrap() throws {
    let scores = try Retrieval(
      similarities: Self.similarities, images: 9, imageOfText: Self.owners
    ).scores()
    // A mean beside them keeps its columns.
    let all =
      scores.map { NestedScores($0) }
      + [NestedScores(MetricScores(name: "m", meanOf: (0..<9).map(Double.init)))]
    let bootstrap = Bootstrap(resamples: 60, seed: 2)
    let values = bootstrap.values(of: all, drawing: .images, threads: 1, progress: { _ in })
    let draws = CounterRandom(seed: 2, purpose: 1)
    let ranks: [[Int]] = [
      [6, 2, 5], [8, 3], [2, 5], [7, 2], [1, 4], [7, 1], [8, 3], [7, 1, 5], [7, 3],
    ]
    for resample in 0..<60 {
      let images = (0..<9).map { draws.integer(UInt64(resample * 9 + $0), below: 9) }
      let found = images.flatMap { ranks[$0] }.sorted()
      let median = Double(found[(found.count - 1) / 2] + found[found.count / 2]) / 2
      #expect(values[7][resample] == median)
      let hits = Double(found.count { $0 <= 5 }) / Double(found.count)
      #expect(abs(values[5][resample] - hits) < 1e-15)
      #expect(values[8][resample] == Double(images.reduce(0, +)) / 9)
    }
    let estimates = bootstrap.resample(all).estimates
    #expect(estimates[3].ci95.lower >= 1 && estimates[3].wilson95 == nil)
    // Equal systems do not differ; three seeds against one have common columns.
    let threefold = (0..<8).map { NestedScores(seeds: [scores[$0], scores[$0], scores[$0]]) }
    let same = PairedTest(trials: 99).compare(
      bootstrap.resample(threefold), bootstrap.resample(Array(all.prefix(8))))
    #expect(same.allSatisfy { $0.difference == 0 && $0.p == 1 })
  }

  @Test("folds are ranked each among its own images, and counted together; images may be reordered")
  func foldsAndOrder() throws {
    let one = try Retrieval(similarities: [1, 0, 0, 1], images: 2, imageOfText: [0, 1])
    let other = try Retrieval(
      similarities: [0.5, 1, 0, 1, 0, 0, 0, 0, 1], images: 3, imageOfText: [0, 1, 2])
    let scores = Retrieval.scores(of: [one, other], depths: [1])
    #expect(scores[0].perImage == [1, 1, 0, 0, 1])
    #expect(scores[0].note?.contains("2 images and 2 texts, or 3 images and 3 texts") == true)
    #expect(scores[1].perImage == [1, 1, 2, 3, 1])
    let turned = scores.map { $0.grouped([[4], [3], [2], [1], [0]]) }
    #expect(turned[0].perImage == [1, 0, 0, 1, 1] && turned[1].perImage == [1, 3, 2, 1, 1])
    #expect(turned.map(\.corpus) == scores.map(\.corpus))
    #expect(scores[1].grouped([[0, 1], [2, 3, 4]]).perImage == [1, 2])
  }

  @Test("a matrix that does not fit its texts is refused")
  func refused() {
    #expect(throws: RetrievalError.shape(images: 2, texts: 2, values: 3)) {
      try Retrieval(similarities: [1, 2, 3], images: 2, imageOfText: [0, 1])
    }
    #expect(throws: RetrievalError.noImage(text: 1, image: 2)) {
      try Retrieval(similarities: [1, 2, 3, 4], images: 2, imageOfText: [0, 2])
    }
    #expect(throws: RetrievalError.noText(image: 1)) {
      try Retrieval(similarities: [1, 2, 3, 4], images: 2, imageOfText: [0, 0])
    }
  }
}

@Suite("Zero-shot classification")
struct ZeroShotTests {
  @Test("an image is right where its label is strictly the best")
  func values() throws {
    let model = try ZeroShot(labels: ["red", "blue", "green"], template: "a photo of a {} thing")
    #expect(model.prompts[1] == "a photo of a blue thing")
    let similarities: [Float] = [3, 2, 1, 1, 2, 3, 2, 2, 1, .nan, 9, 1]
    #expect(model.predictions(similarities) == ["red", "green", nil, nil])
    let scores = try model.scores(
      similarities: similarities, truth: ["red", "blue", "red", "blue"])
    #expect(scores.name == "zero-shot accuracy" && scores.perImage == [1, 0, 0, 0])
    #expect(scores.corpus == 0.25 && scores.note == "3 labels, chance 0.333; a tie is wrong")
    #expect(Proportions.wilson(NestedScores(scores)) == Proportions.wilson(successes: 1, of: 4))
  }

  @Test("labels that can't be told apart, and templates without a place for them, are refused")
  func refused() throws {
    #expect(throws: ZeroShotError.twice(label: "red")) {
      try ZeroShot(labels: ["red", "blue", "red"])
    }
    #expect(ZeroShotError.twice(label: "red").description.hasPrefix("Label \"red\" is there twice"))
    #expect(throws: ZeroShotError.empty(place: 1)) { try ZeroShot(labels: ["red", " "]) }
    #expect(throws: ZeroShotError.tooFew(labels: 1)) { try ZeroShot(labels: ["red"]) }
    for template in ["a photo", "a {} {}"] {
      #expect(throws: ZeroShotError.template(template)) {
        try ZeroShot(labels: ["a", "b"], template: template)
      }
    }
    let model = try ZeroShot(labels: ["a", "b"])
    #expect(throws: ZeroShotError.unknown(label: "c", image: 1)) {
      try model.scores(similarities: [1, 2, 3, 4], truth: ["a", "c"])
    }
    #expect(throws: ZeroShotError.shape(images: 2, labels: 2, values: 3)) {
      try model.scores(similarities: [1, 2, 3], truth: ["a", "b"])
    }
  }
}
