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
    #expect(try tiny.bits("a").count == 3 * 6 + 4)
    try tiny.expectSameBits("a", "b")
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
    try tiny.expectSameBits("whole", "stopped")
  }
}
