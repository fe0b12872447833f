import Foundation
import Testing

@Suite("Signals to dragoman run")
struct RunSignalsTests {
  static let epochs = "training.stages.0.epochs=12"

  @Test("a first signal ends at a checkpoint with 75; the same command goes on to the same bits")
  func stops() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let whole = try Program.run(
      tiny.arguments(results: "whole", [Self.epochs]), in: tiny.folder)
    #expect(whole.code == 0, "\(whole)")
    #expect(whole.output.hasPrefix("tiny: comparison\n"))
    for line in ["Reading the data set", "Scoring"] {
      #expect(whole.errorLines.contains(line) && !whole.output.contains(line))
    }
    #expect(!whole.errors.contains("\r") && !whole.errors.contains("█"), "no bar in a file")

    for (signal, text) in [
      (SIGINT, "mlp, seed 0: epoch 2/"), (SIGTERM, "qformer, seed 0: epoch 3/"),
    ] {
      let program = try Program(tiny.arguments([Self.epochs]), in: tiny.folder)
      try program.waitForErrors(containing: text)
      program.send(signal)
      let ending = try program.ending()
      #expect(ending.code == 75, "\(ending)")
      #expect(ending.output.isEmpty)
      #expect(
        ending.errorLines.last
          == "dragoman: stopped; the same command goes on from the last checkpoint")
    }
    let rest = try Program.run(tiny.arguments([Self.epochs, "--quiet"]), in: tiny.folder)
    #expect(rest.code == 0 && rest.errors.isEmpty, "\(rest)")
    try tiny.expectSameBits("whole", "results")
  }

  @Test("a run killed halfway goes on to the same bits and leaves nothing half-written")
  func killed() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let whole = try Program.run(
      tiny.arguments(results: "whole", cache: "cache-a", [Self.epochs]), in: tiny.folder)
    #expect(whole.code == 0, "\(whole)")
    for text in [
      "Small encoder", "mlp, seed 0: epoch 4/", "perceiver, seed 0: epoch 6/",
      "learned_prompt, seed 0: epoch 12/",
    ] {
      let program = try Program(tiny.arguments([Self.epochs]), in: tiny.folder)
      try program.waitForErrors(containing: text)
      program.send(SIGKILL)
      #expect(try program.ending().code == 128 + SIGKILL)
    }
    let rest = try Program.run(tiny.arguments([Self.epochs]), in: tiny.folder)
    #expect(rest.code == 0, "\(rest)")
    try tiny.expectSameBits("whole", "results")
    #expect(tiny.partials() == [])
  }

  @Test("a stopped --fresh run says that the command without it goes on")
  func fresh() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let program = try Program(tiny.arguments(["--fresh", Self.epochs]), in: tiny.folder)
    try program.waitForErrors(containing: "mlp, seed 0: epoch 2/")
    program.send(SIGINT)
    let ending = try program.ending()
    #expect(ending.code == 75)
    #expect(
      ending.errorLines.last == "dragoman: stopped; the same command without --fresh goes on from "
        + "the last checkpoint")
  }

  @Test("a second signal ends at once", arguments: [SIGINT, SIGTERM])
  func second(signal: Int32) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    // One update takes far longer than the test waits.
    let program = try Program(
      tiny.arguments([
        "dataset.train=400", "language_model.width=512", "language_model.heads=8",
        "language_model.layers=6", "language_model.batch_size=400", "--threads", "1",
      ]), in: tiny.folder)
    try program.waitForErrors(containing: "Small language model")
    program.send(signal)
    Thread.sleep(forTimeInterval: 0.2)
    let start = ContinuousClock.now
    program.send(signal)
    let ending = try program.ending()
    #expect(ending.code == 128 + signal, "\(ending)")
    #expect(start.duration(to: .now) < .seconds(2))
  }
}
