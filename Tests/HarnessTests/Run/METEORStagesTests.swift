import Foundation
import Harness
import Testing

/// The experiment's file decides which stages of METEOR a run scores with, not the machine.
@Suite("METEOR's stages in a run")
struct METEORStagesTests {
  @Test("the table's METEOR is that of the stages in the file, exact and stem unless it says more")
  func named() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let standard = try tiny.run(overrides: ["~projectors.qformer", "~projectors.perceiver"])
    #expect(standard.metricNames.contains("METEOR-1.5 (exact+stem)"))
    let exact = try tiny.run(
      overrides: [
        "~projectors.qformer", "~projectors.perceiver", "evaluation.meteor_stages=[exact]",
      ])
    #expect(exact.metricNames.contains("METEOR-1.5 (exact)"))
    #expect(exact.arms.map(\.validationLoss) == standard.arms.map(\.validationLoss))
  }

  @Test("a stage without its data is refused before any work")
  func missing() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let ending = try Program.run(
      tiny.arguments(["evaluation.meteor_stages=[exact,paraphrase]"]), in: tiny.folder,
      environment: ["DRAGOMAN_METEOR_DATA": tiny.folder.path])
    #expect(ending.code == 65)
    #expect(ending.errorLines.count == 1)
    #expect(ending.errors.contains("holds no METEOR data"))
    #expect(!FileManager.default.fileExists(atPath: tiny.folder.appending(path: "cache").path))
  }
}
