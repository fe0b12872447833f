import Foundation
import Testing

/// What the program's texts advise.
@Suite("Advice")
struct AdviceTests {
  /// Words after `dragoman` in code marks or single quotes: the command, and what may be an inner one.
  static func advised(in source: String) -> [String] {
    source.split(separator: "\n").flatMap { line -> [String] in
      line.matches(of: #/[`']dragoman ([a-z]+)(?: ([a-z]+))?/#).map { match in
        [String(match.1), match.2.map(String.init)].compactMap(\.self).joined(separator: " ")
      }
    }
  }

  /// The commands of `dragoman --help`, which the command-line snapshots hold to the program.
  static func commands(_ snapshot: String) throws -> Set<String> {
    let help = try String(
      contentsOf: Repository.root.appending(path: "Tests/Fixtures/commands/\(snapshot).txt"),
      encoding: .utf8)
    let list = try #require(help.split(separator: "SUBCOMMANDS:\n").dropFirst().first)
    return Set(list.matches(of: #/(?m)^  ([a-z]+)  /#).map { String($0.1) })
  }

  @Test("no text of the program names a command that it does not have")
  func commandsExist() throws {
    let commands = try Self.commands("help").union(["help"])
    let inner = [
      "cache": try Self.commands("help-cache"), "bench": try Self.commands("help-bench"),
    ]
    var found = 0
    for file in try Repository.trackedFiles() where file.hasPrefix("Sources/") {
      guard let text = String(data: try Repository.contents(of: file), encoding: .utf8) else {
        continue
      }
      for advice in Self.advised(in: text) {
        found += 1
        let words = advice.split(separator: " ").map(String.init)
        #expect(commands.contains(words[0]), "\(file) advises dragoman \(advice)")
        if words.count > 1, let known = inner[words[0]] {
          #expect(known.contains(words[1]), "\(file) advises dragoman \(advice)")
        }
      }
    }
    #expect(found > 10, "or nothing is tested")
  }

  @Test(
    "advice is found where a text gives it",
    arguments: [
      ("\"`dragoman run` makes one.\"", ["run"]),
      ("/// `dragoman cache prune` removes", ["cache prune"]),
      ("the dragoman is a translator", []), ("See 'dragoman frobnicate FILE'", ["frobnicate"]),
      ("\"dragoman document frequencies\"", []),
    ])
  func recognised(text: String, expected: [String]) {
    #expect(Self.advised(in: text) == expected)
  }
}
