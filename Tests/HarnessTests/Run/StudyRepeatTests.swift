import Foundation
import Reports
import Storage
import Testing

@testable import Harness

/// What a run does whose cells are all there.
@Suite struct StudyRepeatTests {
  /// Each file of the results with its stamp, but those that were only looked at.
  private func stamps(_ tiny: TinyExperiment) throws -> [String: FileStamp] {
    let folder = tiny.results.appending(path: "tiny")
    let names = try #require(FileManager.default.subpaths(atPath: folder.path))
    var stamps: [String: FileStamp] = [:]
    for name in names { stamps[name] = FileStamp(folder.appending(path: name)) }
    return stamps
  }

  @Test("a run with nothing to do writes nothing and says the same")
  func nothingToDo() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let first = try tiny.run(only: ["mlp"])
    let before = try stamps(tiny)
    #expect(before.keys.contains("report.json"))
    let again = try tiny.run(only: ["mlp"])
    #expect(again == first)
    #expect(try stamps(tiny) == before)
  }

  @Test(
    "a file that is gone or changed is made again, as it was",
    arguments: ["comparison.md", "captions.md", "summary.json", "figures/training-loss.png"],
    [true, false])
  func damagedFile(name: String, isGone: Bool) throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    let first = try tiny.run(only: ["mlp"])
    let file = tiny.results.appending(path: "tiny").appending(path: name)
    let content = try Data(contentsOf: file)
    if isGone {
      try FileManager.default.removeItem(at: file)
    } else {
      try Data("mine".utf8).write(to: file)
    }
    #expect(try tiny.run(only: ["mlp"]) == first)
    #expect(try Data(contentsOf: file) == content)
  }

  @Test("what a table is made from makes it anew: settings of the scores, cells, their logs")
  func changes() throws {
    let tiny = try TinyExperiment()
    defer { tiny.remove() }
    try tiny.run(only: ["mlp"])
    let one = try tiny.run(overrides: ["evaluation.bootstrap=200"], only: ["mlp"])
    #expect(one.notes?.contains { $0.contains("200 bootstrap resamples") } == true)
    let two = try tiny.run(overrides: ["evaluation.bootstrap=200"], only: ["qformer"])
    #expect(two.arms.contains { $0.arm == "qformer" })
    let page = try #require(FileStamp(tiny.results.appending(path: "tiny/report.html")))
    try FileManager.default.removeItem(at: tiny.cell("mlp/seed-0").log)
    try tiny.run(overrides: ["evaluation.bootstrap=200"], only: ["qformer"])
    #expect(FileStamp(tiny.results.appending(path: "tiny/report.html")) != page)
  }
}
