import Configuration
import Testing

@testable import Harness

@Suite("What differs between two settings")
struct ConfigDifferencesTests {
  private func differences(_ old: String, _ new: String) throws -> [String] {
    try YAMLReader.node(from: old, file: "old").differences(
      to: YAMLReader.node(from: new, file: "new"))
  }

  @Test("equal settings do not differ, however they are written")
  func equal() throws {
    #expect(try differences("a: {b: [1, 2]}", "a:\n  b:\n    - '1'\n    - 2\n").isEmpty)
    #expect(try differences("{a: 1, b: 2}", "{b: 2, a: 1}").isEmpty)
  }

  @Test("a value that changed, went or came is named by its dotted key")
  func keys() throws {
    #expect(
      try differences(
        "{arm: {kind: mlp, hidden: 3}, seed: 0, stages: [{epochs: 1}, {epochs: 2}]}",
        "{arm: {kind: mlp, queries: 4}, seed: 0, stages: [{epochs: 1}, {epochs: 5}]}")
        == [
          "arm.hidden 3 is gone", "arm.queries 4 is new", "stages.1.epochs 2 → 5",
        ])
  }

  @Test("lists of other lengths and values of other forms are shown whole")
  func whole() throws {
    #expect(
      try differences("a: [1, 2]\nb: x", "a: [1]\nb: {c: 1}")
        == ["a [1, 2] → [1]", "b x → {c: 1}"])
    #expect(try differences("[1]", "[1, 2]") == ["the settings [1] → [1, 2]"])
  }
}
