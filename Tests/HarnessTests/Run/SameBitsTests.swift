import Dispatch
import Foundation
import Harness
import Testing
import Training

@Suite struct SameBitsTests {
  @Test func aSecondRunAndAnotherNumberOfThreadsGiveTheSameBits() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(results: "a", cache: "cache-a", threads: 1)
    try tiny.run(results: "b", cache: "cache-b", threads: 2)
    let (first, second) = (try tiny.bits("a"), try tiny.bits("b"))
    #expect(first.count == 3 * 6 + 4)
    for (name, data) in first { #expect(second[name] == data, "\(name) differs") }
  }

  @Test(arguments: [0.05, 0.3, 0.6, 1.0])
  func aRunThatWasStoppedGoesOnWithTheSameBits(seconds: Double) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(results: "whole", cache: "cache-a")
    var stops = 0
    while true {
      let stop = StopSignal()
      let timer = DispatchSource.makeTimerSource()
      timer.schedule(deadline: .now() + seconds)
      timer.setEventHandler { stop.request() }
      timer.resume()
      defer { timer.cancel() }
      do {
        try tiny.run(results: "stopped", cache: "cache-b", stop: stop)
        break
      } catch is RunStopped {
        stops += 1
        // Enough stops; let it end.
        if stops > 3 {
          try tiny.run(results: "stopped", cache: "cache-b")
          break
        }
      }
    }
    let (whole, stopped) = (try tiny.bits("whole"), try tiny.bits("stopped"))
    for (name, data) in whole { #expect(stopped[name] == data, "\(name) differs") }
  }

  @Test func aFinishedRunIsNotTrainedAgain() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let weights = tiny.results.appending(path: "tiny/mlp/seed-0/checkpoint/best.safetensors")
    let before = try weights.resourceValues(forKeys: [.contentModificationDateKey])
    try tiny.run(overrides: ["evaluation.decode.max_new_tokens=5"])
    let after = try weights.resourceValues(forKeys: [.contentModificationDateKey])
    #expect(before.contentModificationDate == after.contentModificationDate)
  }

  @Test func aCheckpointOfOtherSettingsIsRefusedUnlessFresh() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run()
    let other = ["training.stages.0.optimizer.peak_learning_rate=0.02"]
    let error = #expect(throws: CheckpointError.self) { try tiny.run(overrides: other) }
    #expect(error?.description.contains("--fresh") == true)
    try tiny.run(overrides: other, fresh: true)
  }
}
