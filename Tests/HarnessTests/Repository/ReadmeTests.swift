import Foundation
import Harness
import Testing

/// README says what is so.
@Suite("README")
struct ReadmeTests {
  private static func readme() throws -> String {
    try String(contentsOf: Repository.root.appending(path: "README.md"), encoding: .utf8)
  }

  @Test("it names two commands that set the machine up: one runs the quickstart, one the tests")
  func setUp() throws {
    let commands = try Self.readme().split(separator: "\n").filter { $0.hasPrefix(".setup/") }
    try #require(commands.count == 2)
    #expect(
      commands[0]
        == ".setup/debian && swift run -c release dragoman run Experiments/quickstart.yaml")
    #expect(commands[1].hasPrefix(".setup/debian && swift test -c release "))
  }

  @Test("every link and picture leads to a file of the package")
  func links() throws {
    for link in try Self.readme().matches(of: /\]\(([^)#:]+)\)/).map(\.1) {
      let file = Repository.root.appending(path: String(link)).path(percentEncoded: false)
      #expect(FileManager.default.fileExists(atPath: file), "README.md links to \(link)")
    }
  }

  /// `help.txt` is what `dragoman --help` prints: the command-line snapshots hold it to that.
  @Test("its list of commands is the program's")
  func commands() throws {
    let help = try String(
      contentsOf: Repository.root.appending(path: "Tests/Fixtures/commands/help.txt"),
      encoding: .utf8)
    let list = try #require(help.split(separator: "SUBCOMMANDS:\n").dropFirst().first)
    let offered = list.matches(of: #/(?m)^  ([a-z]+)  /#).map { String($0.1) }
    let rows = try Self.readme().split(separator: "\n").filter { $0.hasPrefix("| `dragoman ") }
    let listed = rows.flatMap { row in
      row.split(separator: "|")[0].matches(of: #/`dragoman ([a-z]+)[ `]/#).map { String($0.1) }
    }
    #expect(!offered.isEmpty)
    #expect(Set(listed) == Set(offered), "README.md's table of commands, and dragoman --help")
  }

  @Test("it lists every experiment")
  func experiments() throws {
    let readme = try Self.readme()
    for file in CommittedExperimentTests.files {
      let name = file.lastPathComponent
      let row = "| [\(name)](Experiments/\(name)) |"
      #expect(readme.contains(row), "README.md does not list \(name)")
    }
  }

  @Test("its table of kinds names every kind of the reference")
  func kinds() throws {
    let readme = try Self.readme()
    for (section, heading) in [
      ("dataset", "dataset"), ("encoder", "encoder"), ("language_model", "language_model"),
      ("projectors", "projectors.NAME"),
    ] {
      let row = try #require(
        readme.split(separator: "\n").first { $0.hasPrefix("| `\(section)` |") }, "\(section)")
      let reference = Experiment.reference
      let start = try #require(reference.firstRange(of: "\n## `\(heading)`"))
      let text = reference[start.upperBound...]
      let end = text.firstRange(of: "\n## ")?.lowerBound ?? text.endIndex
      let kinds = text[..<end].matches(of: #/(?m)^- `kind: ([a-z0-9_]+)`/#).map { String($0.1) }
      #expect(!kinds.isEmpty, "\(section)")
      for kind in kinds {
        #expect(row.contains("`\(kind)`"), "\(section): \(kind) is not in README.md")
      }
    }
  }
}
