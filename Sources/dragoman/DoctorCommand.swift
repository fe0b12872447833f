import ArgumentParser
import Foundation
import Harness

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract:
      "Says what is there of all that a run needs or can use, and what to do about the rest.",
    discussion: """
      Libraries, fonts, METEOR's data, folders and their room, the models of the Hugging Face cache. \
      Exit code 1 if something is missing that a run needs.
      """)

  @Option(help: ArgumentHelp("Where results would go.", valueName: "dir"))
  var results = "Results"

  @OptionGroup var cache: CacheArguments

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let report = Doctor(
      cache: cache.folder,
      results: URL(filePath: results, directoryHint: .isDirectory)
    ).report()
    try show(report, text: report.text, json: json)
    if !report.isHealthy { throw ExitCode(ProgramExit.failed.rawValue) }
  }
}
