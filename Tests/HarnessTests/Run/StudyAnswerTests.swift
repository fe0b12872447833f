import Configuration
import Foundation
import Reports
import Storage
import Testing
import Training

@testable import Harness

/// What a study answers with, and what its file expects of it.
@Suite("Answers of a study")
struct StudyAnswerTests {
  static let contrast = """
    training.stages=[{train: [projector, encoder, language_model], data: contrast, epochs: 2, \
    batch_size: 8, optimizer: {peak_learning_rate: 1.0e-2}}]
    """
  static let small = [
    "projectors={mlp: {kind: mlp}}", "evaluation.controls=[untrained,shuffled]",
    "figures.heatmaps.images=0",
  ]

  @Test(
    "a file that expects too much fails with exit 1 and says which bound was missed by how much")
  func expectations() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let changes =
      Self.small + [
        "expect=[{arm: mlp, metric: CIDEr-D, at_least: 0}, {arm: mlp, metric: METEOR*, at_least: 2}, "
          + "{arm: nobody, metric: CIDEr-D, at_most: 10}]"
      ]
    let missed = try Program.run(tiny.arguments(changes), in: tiny.folder)
    #expect(missed.code == 1, "\(missed)")
    for text in ["what the file expects", "met", "missed", "no such row"] {
      #expect(missed.output.contains(text), "\(text): \(missed.output)")
    }
    let summary = try RunSummary(
      json: Data(contentsOf: tiny.results.appending(path: "tiny/summary.json")))
    #expect(summary.expectations?.map(\.isMet) == [true, false, false])
    #expect(summary.expectations?[1].metric.hasPrefix("METEOR") == true)
    // Nothing is trained again for another bound, and the run then succeeds.
    let met = try Program.run(
      tiny.arguments(Self.small + ["expect=[{arm: mlp, metric: CIDEr-D, at_least: 0}]"]),
      in: tiny.folder)
    #expect(met.code == 0 && !met.errors.contains("parameters train"), "\(met)")
  }

  @Test("each seed by itself is held against the bound")
  func eachSeed() throws {
    var expected = ExpectConfig()
    (expected.arm, expected.metric, expected.atLeast) = ("a", "accuracy/*", 0.9)
    func summary(_ perSeed: [Double]) -> RunSummary {
      let mean = perSeed.reduce(0, +) / Double(perSeed.count)
      return RunSummary(
        experiment: "x",
        arms: [
          RunSummary.Arm(
            arm: "a", control: false, visualTokens: 1, trainableParameters: 1, flopsPerSample: 1,
            seconds: 1, validationLoss: .init(best: 1, final: 1),
            metrics: ["accuracy/color": .init(mean: mean, perSeed: perSeed)], stages: [],
            bestEpoch: nil)
        ])
    }
    #expect(expected.outcomes(in: summary([0.8, 1])).map(\.isMet) == [true])
    expected.eachSeed = true
    #expect(expected.outcomes(in: summary([0.8, 1])).map(\.isMet) == [false])
    #expect(expected.outcomes(in: summary([0.8, 1])).map(\.value) == [0.8])
    var cut = summary([0.8, 1])
    cut.steps = 3
    #expect(expected.outcomes(in: cut).map(\.isMet) == [nil])
  }

  @Test("a sweep in the file is that of the command line, which wins where both change a key")
  func sweepInFile() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let text =
      TinyExperiment.text + "\nsweep: {projectors.mlp.hidden: [8, 12], training.lanes: [2, 4]}\n"
    try text.write(to: tiny.file, atomically: true, encoding: .utf8)
    let points = try Experiment.load(tiny.file.path).points
    #expect(
      points.map(\.label) == [
        "projectors.mlp.hidden=8,training.lanes=2", "projectors.mlp.hidden=8,training.lanes=4",
        "projectors.mlp.hidden=12,training.lanes=2", "projectors.mlp.hidden=12,training.lanes=4",
      ])
    #expect(points.map(\.config.training.lanes) == [2, 4, 2, 4])
    let own = try Experiment.load(tiny.file.path, overrides: ["training.lanes=3"]).points
    #expect(own.map(\.config.training.lanes) == [3, 3])
  }

  @Test("labels are chosen by likeness or likelihood; pairs are ranked; the head is kept")
  func labelsAndPairs() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let changes =
      Self.small + [
        Self.contrast, "evaluation.metrics=[accuracy]", "evaluation.data=captions",
        "evaluation.pairs=true",
      ]
    let labels = ["a red circle", "a blue square"]
    let summary = try tiny.run(
      overrides: changes + [
        "evaluation.labels={by: contrast, texts: [\(labels.joined(separator: ", "))]}"
      ])
    let arm = try #require(summary.arms.first { $0.arm == "mlp" })
    for name in ["accuracy", "likeness/matched", "likeness/others", "R@1 image-to-text"] {
      #expect(arm.metrics[name]?.mean != nil, "\(name): \(arm.metrics.keys.sorted())")
    }
    let records = try tiny.answers("mlp/seed-0")
    #expect(records.allSatisfy { labels.contains($0.captions["trained"] ?? "") })
    let images = records.count
    for record in records {
      let pair = try #require(record.pairs?["trained"])
      #expect((1...images).contains(pair.imageToText) || pair.imageToText >= 1)
      #expect(pair.textToImage.count == record.references.count)
      #expect(pair.textToImage.allSatisfy { (1...images).contains($0) })
      #expect((-1.001...1.001).contains(pair.matched))
    }
    let head = tiny.cell("mlp/seed-0").checkpoint.appending(path: "contrast.safetensors")
    #expect(try SafetensorsFile(head).names.contains("log_scale"))
    #expect(FileManager.default.fileExists(atPath: tiny.cell("mlp/seed-0").similarities.path))
    // The language model's own probabilities need no contrast; nothing is trained again.
    let before = try Data(contentsOf: tiny.cell("mlp/seed-0").weights)
    try tiny.run(
      overrides: changes + [
        "evaluation.labels={by: likelihood, texts: [\(labels.joined(separator: ", "))]}"
      ])
    #expect(try Data(contentsOf: tiny.cell("mlp/seed-0").weights) == before)
    let again = try tiny.answers("mlp/seed-0")
    #expect(again.allSatisfy { labels.contains($0.captions["trained"] ?? "") })
  }

  @Test(
    "what could not be answered after the training is refused before it",
    arguments: [
      ("evaluation.pairs=true", "a stage with data: contrast"),
      ("evaluation.labels={by: contrast}", "a stage with data: contrast"),
      ("evaluation.labels={texts: [red]}", "two labels or more"),
      ("evaluation.labels={prompt: '{} or {}'}", "must hold {} once"),
    ])
  func refusedLabels(change: String, words: String) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let error = #expect(throws: ConfigError.self) {
      try Experiment.load(tiny.file.path, overrides: [change])
    }
    #expect(error.map { "\($0)" }?.contains(words) == true, "\(String(describing: error))")
  }

  @Test("a stage of no epochs is left out: the next starts from the start values")
  func noEpochs() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    func stages(_ first: String) -> String {
      """
      training.stages=[\(first){epochs: 2, batch_size: 8, train: [projector], \
      optimizer: {peak_learning_rate: 1.0e-2}}]
      """
    }
    try tiny.run(results: "two", overrides: Self.small + [stages("{epochs: 0}, ")])
    let log = try TrainingRecord.read(tiny.cell("mlp/seed-0", "two").log)
    #expect(Set(log.map(\.stage)) == [1])
    try tiny.run(results: "none", overrides: Self.small + ["training.stages.0.epochs=0"])
    let records = try tiny.answers("mlp/seed-0", "none")
    #expect(records.allSatisfy { $0.captions["trained"] == $0.captions["untrained"] })
  }
}
