import Foundation
import Reports
import Storage
import Testing

@testable import Harness

/// Seeds and folds of data sets that are files.
@Suite("Folds of a study")
struct StudyFoldTests {
  @Test("every image outside the hold-out is tested once a seed, and the table has both spreads")
  func seedsAndFolds() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let images = try photos.writeFolds(count: 10)
    let ending = try photos.run()
    #expect(ending.code == 0, "\(ending)")
    let results = ResultsFolder(photos.folder.appending(path: "results/photos"))
    var tested: [Int: [String]] = [:]
    for arm in ["mlp", "linear"] {
      for seed in [0, 1] {
        var ofSeed: [String] = []
        for fold in [0, 1] {
          let cell = results.cell(arm: arm, "seed-\(seed)-fold-\(fold)")
          let answers = try JSONLines.read(AnswerRecord.self, from: cell.answers)
          ofSeed += answers.map(\.image.text)
          tested[fold] = answers.map(\.image.text)
        }
        #expect(Set(ofSeed).count == ofSeed.count, "an image is tested twice")
        #expect(ofSeed.count == 8 && Set(ofSeed).isSubset(of: images))
      }
    }
    let summary = try RunSummary(json: Data(contentsOf: results.summary))
    #expect(summary.seeds == [0, 1] && summary.folds == 2 && summary.testImages == 8)
    #expect(summary.missing == nil)
    for arm in summary.arms {
      let metric = try #require(arm.metrics["ROUGE-L"])
      #expect(metric.perSeed.count == 2 && metric.perFold.count == 2, "\(arm.arm)")
      #expect(metric.std != nil && metric.foldStd != nil, "\(arm.arm)")
      let (interval, mean) = (try #require(metric.ci95), try #require(metric.mean))
      #expect(interval.low <= mean && mean <= interval.high)
      #expect(abs(metric.perSeed.reduce(0, +) / 2 - mean) < 1e-12)
    }
    let pair = try #require(summary.comparisons.first { $0.a == "mlp" && $0.b == "linear" })
    #expect(pair.p != nil && pair.pHolm != nil && pair.smallestDetectable != nil)
    #expect(summary.notes?.contains { $0.contains("test images, seeds, folds together") } == true)
  }

  @Test("one more seed leaves the cells of the others; a lost fold takes its seed out of the table")
  func missingFold() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    try photos.writeFolds(count: 10)
    #expect(try photos.run(["training.seeds=[0]"]).code == 0)
    let results = ResultsFolder(photos.folder.appending(path: "results/photos"))
    let cell = results.cell(arm: "mlp", "seed-0-fold-1")
    let before = try contents(cell.url)
    let two = try photos.run(["--only", "linear"])
    #expect(two.code == 0, "\(two)")
    #expect(try contents(cell.url) == before)
    let summary = try RunSummary(json: Data(contentsOf: results.summary))
    let missing = summary.missing ?? []
    #expect(missing == ["mlp/seed-1-fold-0: not run", "mlp/seed-1-fold-1: not run"])
    #expect(summary.arms.first { $0.arm == "mlp" }?.metrics["ROUGE-L"]?.perSeed.count == 1)
    #expect(summary.arms.first { $0.arm == "linear" }?.metrics["ROUGE-L"]?.perSeed.count == 2)
  }

  @Test("a language model that learns the training captions is refused with folds, before any work")
  func smallModelWithFolds() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    try photos.writeFolds(count: 10)
    let ending = try photos.run([
      "language_model={kind: small, width: 16, layers: 1, heads: 2}",
      "encoder={kind: small, width: 16, layers: 1, heads: 2, patch: 7}",
    ])
    #expect(ending.code == 65, "\(ending)")
    #expect(ending.errors.contains("with dataset.folds take a pretrained one"), "\(ending)")
    photos.expectNoResults()
  }
}

extension PhotoExperiment {
  /// Makes it an experiment over two folds and two seeds of an image folder; returns the images' names.
  @discardableResult
  func writeFolds(count: Int) throws -> Set<String> {
    let root = folder.appending(path: "pictures")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    var names: Set<String> = []
    for number in 0..<count {
      let name = "picture-\(number)"
      let shade = UInt8(20 * number)
      try RGBImage(width: 32, height: 28, red: shade, green: 255 - shade, blue: 90)
        .writePNG(to: root.appending(path: "\(name).png"))
      try write("shade \(number)\n", "pictures/\(name).txt")
      names.insert("\(name).png")
    }
    try write(
      """
      experiment: photos
      dataset: {kind: image_folder, root: \(root.path), folds: {count: 2, holdout: 2}}
      encoder: {kind: dinov2, model: \(folder.path)/encoder}
      language_model: {kind: llama, model: \(folder.path)/language-model}
      projectors: {mlp: {kind: mlp}, linear: {kind: linear}}
      training: {stages: [{epochs: 1, batch_size: 2}], lanes: 2, seeds: [0, 1]}
      evaluation:
        {metrics: [rouge_l], decode: {max_new_tokens: 4}, bootstrap: 100, randomizations: 100, controls: []}
      figures: {heatmaps: {images: 1}}
      """, "photos.yaml")
    return names
  }
}
