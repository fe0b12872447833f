import Configuration
import Datasets
import Encoders
import Foundation
import Layers
import Projectors
import Testing
import Training

@testable import Harness

/// Writes `text` to a file of its own, hands over its path and deletes it.
func withFile<Result>(
  _ text: String, named name: String = "test.yaml", _ body: (String) throws -> Result
) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appending(path: name)
  try Data(text.utf8).write(to: file)
  return try body(file.path(percentEncoded: false))
}

private let minimal = """
  experiment: tiny
  dataset: {kind: scenes}
  encoder: {kind: small}
  language_model: {kind: small}
  projectors:
    mlp: {kind: mlp}
  """

private func load(_ text: String, _ overrides: String...) throws -> Experiment {
  try withFile(text) { try Experiment.load($0, overrides: overrides, environment: [:]) }
}

/// The messages of a file that must fail, without the file's folder.
private func messages(_ text: String, _ overrides: String...) throws -> [String] {
  try withFile(text) { file in
    let error = #expect(throws: ConfigError.self) {
      try Experiment.load(file, overrides: overrides, environment: [:])
    }
    let folder = URL(filePath: file).deletingLastPathComponent().path(percentEncoded: false)
    return try #require(error).problems.map {
      $0.description.replacingOccurrences(of: folder, with: "")
    }
  }
}

@Suite("Experiment files on disk")
struct ExperimentFileTests {
  @Test("an error names file, line, column and key")
  func place() throws {
    #expect(
      try messages(minimal + "\n  qformer: {kind: qformer, querries: 8}\n") == [
        "test.yaml:7:28: projectors.qformer.querries: unknown key; did you mean 'queries'?"
      ])
    #expect(
      try messages(minimal + "\ntraining:\n  stages:\n    - epochs: no\n") == [
        "test.yaml:9:15: training.stages.0.epochs: must be a whole number, got no"
      ])
  }

  @Test(
    "text that is not one YAML mapping fails with its place",
    arguments: [
      (minimal + "\nexperiment: twice\n", "test.yaml:1:1: the key 'experiment' stands twice"),
      ("a: [1, 2\nb: 3\n", "test.yaml:2:2: not valid YAML: did not find expected ',' or ']'"),
      (
        minimal + "\n---\nx: 1\n",
        "test.yaml:7:1: a second YAML document starts here; one file holds one experiment"
      ),
      ("- 1\n- 2\n", "test.yaml:1:1: must be a mapping (KEY: VALUE), got a list"),
      ("? [a]\n: 1\n", "test.yaml:1:3: a key must be a plain text, not a list or mapping"),
      ("a: *b\n", "test.yaml:1:4: not valid YAML: found undefined alias"),
    ])
  func notOneMapping(text: String, message: String) throws {
    #expect(try messages(text) == [message])
  }

  @Test("aliases of aliases can't make a short text endlessly large")
  func aliasBomb() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...8 {
      let names = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(names)]\n"
    }
    #expect(try messages(text).first?.contains("aliases of aliases") == true)
    #expect(try messages(String(repeating: "[", count: 100_000)).count == 1)
    #expect(try messages(String(repeating: "- ", count: 100_000)).count == 1)
  }

  @Test("a damaged file gives an error, never a crash")
  func mutations() throws {
    var random = SystemRandomNumberGenerator()
    let bytes = Array(designExample.utf8)
    let pieces = [
      "{", "}", "[", "]", ":", ",", "\"", "'", "\n", "  ", "- ", "*a", "&a ", "!!", "9", "~",
    ]
    var rejected = 0
    for _ in 0..<2000 {
      var text = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<text.count, using: &random)
        let piece = Array((pieces.randomElement(using: &random) ?? "").utf8)
        let length = Int.random(in: 0...3, using: &random)
        text.replaceSubrange(place..<min(text.count, place + length), with: piece)
      }
      do {
        _ = try decode(String(decoding: text, as: UTF8.self))
      } catch is ConfigError {
        rejected += 1
      }
    }
    #expect(rejected > 1000)
  }

  @Test("anchors serve several arms")
  func anchors() throws {
    let text =
      minimal
      + "\n  a: {kind: linear, optimizer: &o {beta1: 0.5}}\n  b: {kind: mlp, optimizer: *o}\n"
    let config = try load(text).config
    #expect(config.projectors["b"]?.optimizer.applied(to: OptimizerConfig()).beta1 == 0.5)
  }

  @Test("an absent, unreadable or binary file is told from a wrong one")
  func unreadable() throws {
    #expect(throws: ExperimentFileError.missing("/nowhere/x.yaml")) {
      try Experiment.load("/nowhere/x.yaml")
    }
    #expect(throws: ExperimentFileError.unreadable("/tmp")) { try Experiment.load("/tmp") }
    #expect(ExperimentFileError.missing("x").programExit == .inputOutput)
    #expect(ExperimentFileError.notText("x").programExit == .badData)
  }

  @Test("training.KEY stands for the only stage's key")
  func stageShorthand() throws {
    let one = try load(minimal, "training.epochs=7", "training.lanes=4").config
    #expect(one.training.stages.map(\.epochs) == [7])
    #expect(one.training.lanes == 4)
    let nested = try load(minimal, "training.optimizer.beta1=0.8").config
    #expect(nested.training.stages.map(\.optimizer.beta1) == [0.8])
    let two = minimal + "\ntraining: {stages: [{epochs: 1}, {epochs: 2}]}\n"
    #expect(
      try messages(two, "training.epochs=7") == [
        "override 'training.epochs=7': training: there are 2 stages; say which: "
          + "training.stages.0.epochs"
      ])
    #expect(
      try load(two, "training.stages.1.epochs=7").config.training.stages.map(\.epochs) == [
        1, 7,
      ])
  }

  @Test("a sweep gives one experiment with a point per value")
  func sweep() throws {
    let experiment = try load(
      minimal, "training.epochs=1,2", "language_model.prompt=A photo of")
    #expect(experiment.points.map { $0.config.training.stages[0].epochs } == [1, 2])
    #expect(
      experiment.points.map(\.label) == [
        "training.stages.0.epochs=1", "training.stages.0.epochs=2",
      ])
    #expect(experiment.overrides == ["training.epochs=1,2", "language_model.prompt=A photo of"])
    #expect(experiment.points.allSatisfy { $0.config.languageModel.prompt == "A photo of" })
    #expect(try load(minimal, "dataset.seed=3").points.map(\.label) == [""])
  }

  @Test("~KEY takes a key away and +KEY=VALUE adds one, as in Hydra")
  func addAndRemove() throws {
    let text = minimal + "\n  qformer: {kind: qformer}\n"
    #expect(try load(text, "~projectors.mlp").config.projectors.names == ["qformer"])
    let added = try load(text, "+projectors.linear={kind: linear}").config
    #expect(added.projectors.names == ["mlp", "qformer", "linear"])
    #expect(try messages(text, "+projectors.mlp={kind: linear}").count == 1, "it is there already")
    #expect(try messages(text, "~projectors.absent").count == 1, "there is none to take away")
  }

  @Test("a flag's text is never read as something else")
  func overrideValues() throws {
    let config = try load(
      minimal, "training.seeds=[3,4]", "++figures.captions=2",
      "+projectors.x={kind: qformer, queries: 4}"
    ).config
    #expect(config.training.seeds == [3, 4])
    #expect(config.figures.captions == 2)
    #expect(config.projectors.names == ["mlp", "x"])
  }

  @Test("arms can't take a control's name, and stages can't train an encoder that is not there")
  func wholeExperiment() throws {
    #expect(
      try messages(minimal + "\n  learned_prompt: {kind: learned_prompt}\n") == [
        "test.yaml:5:1: projectors: 'learned_prompt' is the name of a control; give the arm another"
      ])
    let trained = try load(minimal, "training.train=[encoder]").config
    #expect(trained.training.stages.map(\.train) == [[.encoder]])
    #expect(
      try messages(
        minimal, "training.train=[encoder]", "encoder={kind: precomputed, file: x.h5}"
      ).first?.contains("a stage trains the encoder, but its features are precomputed") == true)
    #expect(
      try messages(minimal, "evaluation.metrics=[bleu]", "evaluation.primary=meteor")
        .first?.contains("primary is meteor, which is not among the metrics") == true)
  }

  @Test("warm-up in updates and as a fraction override each other")
  func warmup() throws {
    let text =
      minimal + """

        training:
          stages: [{optimizer: {warmup_steps: 10}}]
        """
    let stage = try #require(try load(text).config.training.stages.first)
    #expect(stage.optimizer.warmupUpdates(of: 100) == 10)
    let override = try load(text, "projectors.mlp.optimizer.warmup_fraction=0.2").config
    #expect(override.projectors["mlp"]?.optimizer(in: stage).warmupUpdates(of: 100) == 20)
    #expect(try messages(text, "training.optimizer.warmup_fraction=0.2").count == 1)
  }

  @Test("the resolved file decodes into the same experiment")
  func resolvedRoundTrip() throws {
    let first = try load(minimal, "figures.captions=3")
    let second = try load(first.resolvedYAML)
    #expect(first.config == second.config)
    #expect(first.resolvedYAML == second.resolvedYAML)
  }
}

@Suite("Committed experiments")
struct CommittedExperimentTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let files: [URL] = {
    let folder = root.appending(path: "Experiments")
    let all = try? FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    return (all ?? []).filter { $0.pathExtension == "yaml" }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
  }()

  @Test("there are experiments")
  func some() {
    #expect(Self.files.count >= 3)
  }

  @Test(
    "each decodes, is named as its file and starts with the schema and a header", arguments: files)
  func decodes(file: URL) throws {
    let environment = ["DRAGOMAN_DATA": "/data", "DRAGOMAN_MODELS": "/models"]
    let experiment = try Experiment.load(
      file.path(percentEncoded: false), environment: environment)
    #expect(experiment.config.experiment == file.deletingPathExtension().lastPathComponent)
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.hasPrefix("# yaml-language-server: $schema=./experiment.schema.json\n"))
    for part in ["# Question:", "# Setting:", "# Command:", "# Expect:"] {
      #expect(text.contains(part), "\(part) is missing in the header")
    }
  }

  @Test(
    "the committed schema and reference are what the program prints",
    arguments: [
      ("experiment.schema.json", Experiment.jsonSchema), ("REFERENCE.md", Experiment.reference),
    ])
  func current(name: String, text: String) throws {
    let file = Self.root.appending(path: "Experiments/\(name)")
    if ProcessInfo.processInfo.environment["DRAGOMAN_RECORD"] == "1" {
      try Data(text.utf8).write(to: file)
      Issue.record("\(name) was recorded; run again without DRAGOMAN_RECORD")
    }
    let committed = try String(contentsOf: file, encoding: .utf8)
    #expect(
      committed == text, "\(name) is stale: run the tests once with DRAGOMAN_RECORD=1")
  }
}
