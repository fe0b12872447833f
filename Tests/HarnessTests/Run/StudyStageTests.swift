import Datasets
import Foundation
import LanguageModels
import Reports
import Storage
import Tensors
import Testing
import Training

@testable import Harness

/// Stages of a run: what they train, on what, and what the tables say of them.
@Suite("Stages of a study")
struct StudyStageTests {
  /// The projector, then both.
  static let two = """
    training.stages=[{name: align, epochs: 2, batch_size: 8, optimizer: {peak_learning_rate: 1.0e-2}}, \
    {name: tune, train: [projector, language_model], epochs: 1, batch_size: 4, \
    optimizer: {peak_learning_rate: 1.0e-3}}]
    """

  @Test("two stages train what each names, with its rate; curves go on and the table shows both")
  func twoStages() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let summary = try tiny.run(overrides: [Self.two])
    let arm = try #require(summary.arms.first { $0.arm == "mlp" })
    #expect(arm.stages.map(\.name) == ["align", "tune"])
    #expect(arm.stages.map(\.train) == [["projector"], ["projector", "language_model"]])
    #expect(arm.stages.map(\.learningRate) == [0.01, 0.001])
    #expect(arm.stages[0].trainableParameters < arm.stages[1].trainableParameters)
    #expect(arm.stages.allSatisfy { $0.trainableParameters <= $0.totalParameters })
    #expect(arm.trainableParameters == arm.stages[1].trainableParameters)
    let records = try TrainingRecord.read(tiny.cell("mlp/seed-0").log)
    let updates = records.filter { $0.loss != nil }
    #expect(updates.map(\.stage) == Array(repeating: 0, count: 6) + Array(repeating: 1, count: 5))
    #expect(updates.map(\.totalUpdate) == Array(1...11), "the curve folds back")
    let table = try tiny.text("comparison.md")
    for text in ["align", "tune", "| 0.01 / 0.001 |"] { #expect(table.contains(text), "\(text)") }
    // The first stage alone comes to other weights: the second did train.
    try tiny.run(
      results: "one",
      overrides: [
        "training.stages=[{name: align, epochs: 2, batch_size: 8, "
          + "optimizer: {peak_learning_rate: 1.0e-2}}]"
      ])
    #expect(
      try Data(contentsOf: tiny.cell("mlp/seed-0").weights)
        != Data(contentsOf: tiny.cell("mlp/seed-0", "one").weights))
  }

  @Test("two stages and two seeds give the same bits for one and two threads, and after stops")
  func sameBits() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let changes = [Self.two, "training.seeds=[3,1]", "~projectors.perceiver"]
    try tiny.run(results: "a", threads: 1, overrides: changes)
    try tiny.run(results: "b", threads: 2, overrides: changes)
    for text in ["mlp, seed 3, align: epoch 2/2", "qformer, seed 1, align: epoch 1/2"] {
      let program = try Program(tiny.arguments(changes), in: tiny.folder)
      try program.waitForErrors(containing: text)
      program.send(SIGINT)
      #expect([0, 75].contains(try program.ending().code))
    }
    try tiny.run(overrides: changes)
    let cells = ["mlp", "qformer", "learned_prompt"].flatMap { ["\($0)/seed-3", "\($0)/seed-1"] }
    for other in ["b", "results"] { try tiny.expectSameBits("a", other, cells: cells) }
    let weights = try ["mlp/seed-3", "mlp/seed-1"].map {
      try Data(contentsOf: tiny.cell($0, "a").weights)
    }
    #expect(weights[0] != weights[1], "two seeds are two trainings")
  }

  @Test("an encoder that trains learns, is exported, and gives the same bits on two threads")
  func encoder() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let changes = [
      "training.stages.0.train=[projector,encoder]", "training.stages.0.epochs=6",
      "projectors={mlp: {kind: mlp}}", "evaluation.controls=[untrained]",
    ]
    let summary = try tiny.run(results: "a", threads: 1, overrides: changes)
    try tiny.run(results: "b", threads: 2, overrides: changes)
    try tiny.expectSameBits("a", "b", cells: ["mlp/seed-0"])
    let cell = tiny.cell("mlp/seed-0", "a")
    let file = try SafetensorsFile(cell.encoder)
    #expect(!file.names.isEmpty)
    let encoder = file.names.reduce(0) { $0 + (file.info($1)?.shape.reduce(1, *) ?? 0) }
    let frozen = try tiny.run(
      results: "frozen", overrides: Array(changes.dropFirst()))
    #expect(
      summary.arms[0].trainableParameters == frozen.arms[0].trainableParameters + encoder)
    #expect(summary.notes?.contains { $0.contains("The encoder trains too") } == true)
    #expect(try learned(cell) && learned(tiny.cell("mlp/seed-0", "frozen")))
    // Its weights are not those of the encoder that all start from.
    #expect(
      try Data(contentsOf: cell.weights)
        != Data(contentsOf: tiny.cell("mlp/seed-0", "frozen").weights))
    #expect(
      !FileManager.default.fileExists(atPath: tiny.cell("mlp/seed-0", "frozen").encoder.path))
  }

  @Test("an encoder alone may train: the projector keeps its start values")
  func encoderAlone() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let changes = [
      "training.stages.0.train=[encoder]", "training.stages.0.epochs=6",
      "projectors={mlp: {kind: mlp}}", "evaluation.controls=[]",
    ]
    try tiny.run(overrides: changes)
    try tiny.run(results: "other", overrides: changes + ["training.stages.0.epochs=1"])
    #expect(try learned(tiny.cell("mlp/seed-0")))
    let (long, short) = (tiny.cell("mlp/seed-0"), tiny.cell("mlp/seed-0", "other"))
    #expect(try Data(contentsOf: long.weights) == Data(contentsOf: short.weights))
    #expect(try Data(contentsOf: long.encoder) != Data(contentsOf: short.encoder))
  }

  @Test("a pretrained encoder that trains goes through a whole run, photographs read live")
  func pretrainedEncoder() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    let ending = try photos.run(["training.stages.0.train=[projector,encoder]"])
    #expect(ending.code == 0, "\(ending)")
    let file = photos.folder.appending(
      path: "results/photos/mlp/seed-0/checkpoint/encoder.safetensors")
    let before = try SafetensorsFile(photos.folder.appending(path: "encoder/model.safetensors"))
    let names = try SafetensorsFile(file).names
    #expect(!names.isEmpty)
    #expect(names.contains { before.names.contains($0) }, "its weights have the model's own names")
  }

  @Test("a stage's own data set is its own, even where its examples have the same names")
  func ownData() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let changes = [
      Self.two,
      "training.stages.1.dataset={kind: scenes, image_size: 32, train: 8, validation: 4, test: 2, "
        + "seed: 5}",
    ]
    let config = try Experiment.load(tiny.file.path, overrides: changes).config
    let inputs = try InputLoader(
      config: config, cache: tiny.folder.appending(path: "cache"),
      executor: LaneExecutor(threads: 2), console: Console(quiet: true), stop: StopSignal(),
      maximumUpdates: nil
    ).shapes()
    let own = try #require(try config.training.stages[1].dataset?.read().first)
    let set = inputs.data.set(of: 1, fold: nil)
    #expect(set.train.map(\.exchanges) == own.train.map(\.exchanges))
    #expect(inputs.data.set(of: 0, fold: nil).train.count == 20)
    let samples = try inputs.sequences.sequences(set.train, .captions, limit: nil).samples
    #expect(samples.count == own.train.count)
    for (sample, example) in zip(samples, own.train) {
      #expect(sample.media.map { inputs.data.media[$0].source } == example.media.map(\.source))
      let answers = sample.branches.compactMap { branch in
        if case .answer(let ids, _)? = branch.last { ids } else { nil }
      }
      #expect(answers == example.exchanges[0].answers.map(inputs.text.tokenizer.encode))
    }
    let summary = try tiny.run(overrides: changes)
    #expect(summary.missing == nil)
    let records = try TrainingRecord.read(tiny.cell("mlp/seed-0").log)
    #expect(records.filter { $0.stage == 1 && $0.loss != nil }.count == 2, "8 images, 4 an update")
  }

  @Test("two stages on one data set of their own read it once")
  func sharedOwnData() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let own = "dataset: {kind: scenes, image_size: 32, train: 8, validation: 4, test: 2, seed: 5}"
    let changes = [
      "training.stages=[{epochs: 1, batch_size: 8, \(own)}, {epochs: 1, batch_size: 8, \(own)}]"
    ]
    let config = try Experiment.load(tiny.file.path, overrides: changes).config
    let data = try ExperimentData(config, executor: LaneExecutor(threads: 1))
    #expect(data.media.count == 20 + 6 + 6 + 8 + 4 + 2)
    #expect(data.set(of: 0, fold: nil).train == data.set(of: 1, fold: nil).train)
  }

  @Test("captions, then questions: the last stage's kind is asked of the test images")
  func questions() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let summary = try tiny.run(overrides: [
      "dataset={kind: shapes_vqa, image_size: 32, train: 16, validation: 4, test: 5}",
      "training.stages=[{epochs: 1, batch_size: 8}, {data: questions, epochs: 2, batch_size: 8, "
        + "train: [projector, language_model]}]",
    ])
    #expect(summary.missing == nil && summary.failures == nil)
    let answers = try tiny.answers("mlp/seed-0")
    #expect(answers.count == 15, "three questions on each of five images")
    #expect(Set(answers.compactMap(\.question)).count == 3)
    #expect(Set(answers.compactMap(\.kind)) == ["color", "shape", "position"])
    #expect(summary.testImages == 5)
    #expect(summary.arms.first?.stages.map(\.data) == ["captions", "questions"])
    // Asked for captions instead, the weights stay.
    let before = try tiny.traces("mlp/seed-0")
    try tiny.run(overrides: [
      "dataset={kind: shapes_vqa, image_size: 32, train: 16, validation: 4, test: 5}",
      "training.stages=[{epochs: 1, batch_size: 8}, {data: questions, epochs: 2, batch_size: 8, "
        + "train: [projector, language_model]}]", "evaluation.data=captions",
    ])
    let after = try tiny.traces("mlp/seed-0")
    #expect(
      after["checkpoint/last.safetensors"] == before["checkpoint/last.safetensors"],
      "asking something else is no other training")
    #expect(try tiny.answers("mlp/seed-0").count == 5)
  }

  @Test("--steps leaves its trace in table, report and summary, and is no finished result")
  func steps() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(tiny.arguments(["--steps", "2"]), in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    #expect(ending.output.contains("stages ended after 2 updates"), "\(ending)")
    for name in ["comparison.md", "comparison.html", "comparison.tex", "report.html"] {
      #expect(try tiny.text(name).contains("ended after 2 updates"), "\(name)")
    }
    #expect(try RunSummary(json: Data(tiny.text("summary.json").utf8)).steps == 2)
    #expect(try tiny.outcome("mlp/seed-0").steps == 2)
    let records = try TrainingRecord.read(tiny.cell("mlp/seed-0").log)
    #expect(records.filter { $0.loss != nil }.count == 2)
    let whole = try Program.run(tiny.arguments(), in: tiny.folder)
    #expect(whole.code == 0 && !whole.output.contains("ended after"), "\(whole)")
    #expect(try RunSummary(json: Data(tiny.text("summary.json").utf8)).steps == nil)
    let all = try TrainingRecord.read(tiny.cell("mlp/seed-0").log)
    #expect(all.filter { $0.loss != nil }.count == 6)
  }

  @Test("--steps that are more than there are say nothing")
  func manySteps() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let summary = try tiny.run(overrides: ["projectors={mlp: {kind: mlp}}"], steps: 1000)
    #expect(summary.steps == nil)
  }

  /// Whether the mean loss of the last updates is lower than that of the first ones.
  private func learned(_ cell: CellFolder) throws -> Bool {
    let losses = try TrainingRecord.read(cell.log).compactMap(\.loss)
    let (first, last) = (losses.prefix(3), losses.suffix(3))
    return last.reduce(0, +) < first.reduce(0, +)
  }
}
