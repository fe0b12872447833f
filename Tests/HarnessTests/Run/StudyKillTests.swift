import Foundation
import Testing

@testable import Harness

/// A study that is killed at any moment goes on to the same bits.
@Suite("Kills of a study")
struct StudyKillTests {
  /// `DRAGOMAN_KILLS`: how many a test; 50 once before a release.
  static let kills =
    ProcessInfo.processInfo.environment["DRAGOMAN_KILLS"].flatMap(Int.init) ?? 8

  @Test("two stages, two seeds, a sweep and models that the run makes")
  func smallModels() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try kill(in: tiny.folder, experiment: "tiny") { results, cache in
      tiny.arguments(
        results: results, cache: cache,
        [
          StudyStageTests.two, "training.seeds=[0,1]", "projectors.qformer.queries=2,3",
          "~projectors.perceiver", "training.checkpoint_minutes=0.0001",
        ])
    }
  }

  @Test("two stages, two seeds, two folds and a sweep, an encoder that trains in the second stage")
  func folds() throws {
    let photos = try PhotoExperiment()
    defer { photos.remove() }
    try photos.writeFolds(count: 10)
    try kill(in: photos.folder, experiment: "photos") { results, cache in
      [
        "run", "photos.yaml", "--results", results, "--cache", cache,
        "training.stages=[{epochs: 1, batch_size: 2}, {train: [projector, encoder], epochs: 1, "
          + "batch_size: 2}]", "projectors.mlp.hidden=8,16", "training.checkpoint_minutes=0.0001",
      ]
    }
  }

  /// Kills runs at random moments and compares what they come to with an undisturbed run.
  private func kill(
    in folder: URL, experiment: String,
    _ arguments: (_ results: String, _ cache: String) -> [String]
  ) throws {
    let start = ContinuousClock.now
    let whole = try Program.run(arguments("whole", "cache-whole"), in: folder)
    try #require(whole.code == 0, "\(whole)")
    let seconds = start.duration(to: .now).seconds
    let expected = try bits(folder.appending(path: "whole/\(experiment)"))
    #expect(expected.count >= 2 * 8, "\(expected.keys.sorted())")
    var (kills, round, sittings) = (0, 0, 0)
    while kills < Self.kills {
      // Each round begins with nothing, so that the kills fall on models, features and cells alike.
      round += 1
      var isDone = false
      while !isDone {
        sittings += 1
        try #require(sittings < 20 * Self.kills, "the run makes no progress")
        let program = try Program(arguments("round-\(round)", "cache-\(round)"), in: folder)
        if kills < Self.kills {
          Thread.sleep(forTimeInterval: .random(in: 0.02...max(0.2, seconds / 3)))
          program.send(SIGKILL)
        }
        let ending = try program.ending()
        isDone = ending.code == 0
        if ending.code == 128 + SIGKILL { kills += 1 } else { try #require(isDone, "\(ending)") }
      }
      let found = try bits(folder.appending(path: "round-\(round)/\(experiment)"))
      #expect(found.keys == expected.keys)
      for (name, data) in expected { #expect(found[name] == data, "\(name), round \(round)") }
    }
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String }
    #expect((names ?? []).filter { $0.hasSuffix(".partial") } == [])
  }

  /// Weights, answers and scores of every cell, and the comparison without its times.
  private func bits(_ results: URL) throws -> [String: Data] {
    var found = try contents(results).filter { name, _ in
      name.hasSuffix("captions.jsonl")
        || name.hasSuffix(".safetensors") && !name.hasSuffix("last.safetensors")
    }
    for name in try contents(results).keys where name.hasSuffix("metrics.json") {
      let outcome = try JSONDecoder().decode(
        CellOutcome.self, from: Data(contentsOf: results.appending(path: name)))
      let losses = [outcome.bestValidationLoss, outcome.finalValidationLoss]
      let scores = outcome.scores.sorted { $0.key < $1.key }.map { row in
        (row.key, row.value.sorted { $0.key < $1.key })
      }
      found[name] = Data("\(losses) \(scores)".utf8)
    }
    return found
  }
}
