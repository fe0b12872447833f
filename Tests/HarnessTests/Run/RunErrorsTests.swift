import Foundation
import Testing

@testable import Harness

/// What a user sees when a run cannot go on: one clear error, the right exit code, nothing lost.
@Suite("Errors of dragoman run")
struct RunErrorsTests {
  @Test("an experiment file that is missing")
  func missingFile() throws {
    try expectError(["run", "absent.yaml"], 74, "there is no experiment file absent.yaml")
  }

  @Test("an unknown key")
  func unknownKey() throws {
    try expectError(
      ["run", "tiny.yaml", "+trainng.seeds=[1]"], 65,
      "override '+trainng.seeds=[1]': trainng: unknown key; did you mean 'training'?")
  }

  @Test(
    "wrong usage", arguments: [(["--threads", "0"], "--threads"), (["--steps", "0"], "--steps")])
  func usage(arguments: [String], option: String) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(tiny.arguments(arguments), in: tiny.folder)
    #expect(ending.code == 64)
    #expect(ending.errorLines.first == "dragoman: error: \(option) must be at least 1.")
    #expect(ending.output.isEmpty)
  }

  @Test("a results folder that can't be made is found before any work")
  func resultsFolder() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(tiny.arguments(results: "tiny.yaml"), in: tiny.folder)
    #expect(ending.code == 74)
    let path = tiny.folder.appending(path: "tiny.yaml/tiny").path
    #expect(
      ending.errors == "dragoman: error: Cannot create the folder \(path): Not a directory.\n")
    #expect(!FileManager.default.fileExists(atPath: tiny.folder.appending(path: "cache").path))
  }

  @Test("a results folder that another program is writing")
  func resultsInUse() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let results = tiny.results.appending(path: "tiny")
    try FileManager.default.createDirectory(at: results, withIntermediateDirectories: true)
    let descriptor = open(results.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(descriptor) }
    try #require(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    let ending = try Program.run(tiny.arguments(["--quiet"]), in: tiny.folder)
    #expect(ending.code == 1)
    #expect(
      ending.errors == "dragoman: error: another dragoman is writing \(results.path); wait for "
        + "it, stop it, or choose another --results folder\n")
  }

  @Test("a results folder whose last program is just ending")
  func resultsSoonFree() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let results = ResultsFolder(tiny.results.appending(path: "tiny"))
    try FileManager.default.createDirectory(
      at: results.url, withIntermediateDirectories: true)
    let held = try results.lock()
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.3) { held.release() }
    let lock = try results.lock()
    #expect(throws: ResultsInUse.self) { try results.lock(patience: .zero) }
    lock.release()
    try results.lock(patience: .zero).release()
  }

  @Test("a full disk: one error, and with room again the same bits as ever")
  func fullDisk() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(results: "whole")
    let ending = try Program.run(
      tiny.arguments(["--quiet"]), in: tiny.folder, fileLimit: 16)
    #expect(ending.code == 74, "\(ending)")
    let file = "results/tiny/qformer/seed-0/checkpoint/best.safetensors"
    #expect(
      ending.errors == "dragoman: error: Cannot write \(tiny.folder.appending(path: file).path): "
        + "File too large.\n")
    #expect(tiny.partials() == [])
    try tiny.run()
    try tiny.expectSameBits("whole", "results")
  }

  @Test("heatmaps of a layer that no arm has, before any training")
  func noLayer() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(
      tiny.arguments(["--quiet", "figures.heatmaps.layer=1"]), in: tiny.folder)
    #expect(ending.code == 65)
    #expect(
      ending.errors == "dragoman: error: figures.heatmaps.layer: "
        + "qformer: layer 1 does not attend to patches; those that do: 0; "
        + "perceiver: layer 1 does not attend to patches; those that do: 0\n")
    let results = tiny.results.path(percentEncoded: false)
    #expect((FileManager.default.subpaths(atPath: results) ?? []).isEmpty)
  }

  @Test("standard output that takes no more", arguments: ["run", "validate", "schema"])
  func fullOutput(command: String) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let arguments =
      switch command {
      case "run": tiny.arguments(["--quiet"])
      case "validate": [command, tiny.file.path]
      default: [command]
      }
    let ending = try Program.run(arguments, in: tiny.folder, output: "/dev/full")
    #expect(ending.code == 74)
    #expect(
      ending.errors == "dragoman: error: Cannot write standard output: No space left on device.\n")
  }

  @Test("another configuration remakes the cells that it concerns and says which keys differ")
  func otherConfiguration() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let before = try TinyExperiment.arms.map { try tiny.traces("\($0)/seed-0") }
    let ending = try Program.run(
      tiny.arguments(["projectors.qformer.queries=2"]), in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    #expect(ending.errorLines.contains("  trained anew, since arm.queries 3 → 2"), "\(ending)")
    for (arm, traces) in zip(TinyExperiment.arms, before) where arm != "qformer" {
      #expect(!ending.errors.contains("\(arm), seed 0"), "\(ending)")
      let after = try tiny.traces("\(arm)/seed-0")
      for name in ["captions.jsonl", "checkpoint/best.safetensors", "log.jsonl", "config.yaml"] {
        #expect(after[name] == traces[name], "\(arm)/\(name)")
      }
    }
    try tiny.run(results: "alone", overrides: ["projectors.qformer.queries=2"])
    try tiny.expectSameBits("alone", "results")
  }

  @Test(
    "a damaged checkpoint that training would go on from is refused before any file changes",
    arguments: ["checkpoint/last.safetensors", "checkpoint/best.safetensors", "log.jsonl"])
  func damagedCheckpoint(name: String) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(results: "whole")
    try tiny.run()
    // Its weights are there and its results are not: it would go on.
    try FileManager.default.removeItem(at: tiny.cell("qformer/seed-0").metrics)
    let file = tiny.cell("qformer/seed-0").url.appending(path: name)
    try Data(contentsOf: file).prefix(300).write(to: file)
    let before = try contents(tiny.results)
    let ending = try Program.run(tiny.arguments(["--quiet"]), in: tiny.folder)
    #expect(ending.code == 65, "\(ending)")
    #expect(ending.errorLines.count == 1)
    #expect(ending.errors.contains(file.path) && ending.errors.contains("damaged"))
    #expect(ending.errors.contains("Start again with --fresh."))
    #expect(try contents(tiny.results) == before)
    let again = try Program.run(
      tiny.arguments(["--quiet", "--fresh", "--only", "qformer"]), in: tiny.folder)
    #expect(again.code == 0, "\(again)")
    try tiny.expectSameBits("whole", "results")
  }

  @Test("a finished cell needs no checkpoint: a damaged one costs its heatmap and nothing else")
  func damagedAfterTheEnd() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let table = try tiny.text("comparison.md")
    let file = tiny.cell("qformer/seed-0").weights
    try Data(contentsOf: file).prefix(300).write(to: file)
    let ending = try Program.run(tiny.arguments(), in: tiny.folder)
    #expect(ending.code == 0, "\(ending)")
    #expect(
      ending.errorLines.contains { $0.contains("no heatmap of qformer") && $0.contains(file.path) },
      "\(ending)")
    #expect(try tiny.text("comparison.md") == table)
  }

  @Test("a damaged small model in the cache is made again, to the same bits")
  func damagedCache() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(results: "whole")
    let models = tiny.folder.appending(path: "cache/models")
    for model in try FileManager.default.contentsOfDirectory(atPath: models.path) {
      let file = models.appending(path: model).appending(path: "checkpoint/best.safetensors")
      try Data(contentsOf: file).dropLast(5).write(to: file)
    }
    try tiny.run()
    try tiny.expectSameBits("whole", "results")
  }

  @Test("--fresh loses nothing when the inputs can't be read")
  func freshKeepsResults() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let before = try contents(tiny.results)
    let ending = try Program.run(
      tiny.arguments(["--fresh", "~encoder", "+encoder={kind: dinov2, model: /nowhere}"]),
      in: tiny.folder)
    #expect(ending.code == 65, "\(ending)")
    #expect(try contents(tiny.results) == before)
  }

  private func expectError(_ arguments: [String], _ code: Int32, _ message: String) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(arguments, in: tiny.folder)
    #expect(
      ending == Program.Ending(code: code, output: "", errors: "dragoman: error: \(message)\n"))
    #expect(!FileManager.default.fileExists(atPath: tiny.folder.appending(path: "Results").path))
  }
}
