import ArgumentParser
import Foundation
import Harness

@main
struct Dragoman: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dragoman",
    abstract: "Compares projectors between a frozen vision encoder and a frozen language model.",
    discussion: """
      Exit codes: 0 done, 1 failed, 64 wrong usage, 65 wrong data, 74 input or output failed, \
      75 stopped but resumable, 130 and 143 ended by a signal.
      """,
    version: Version.text,
    subcommands: [
      RunCommand.self, CompareCommand.self, HeatmapCommand.self, CaptionCommand.self,
      AskCommand.self, ScoreCommand.self, EncodeCommand.self, CacheCommand.self,
      ReportCommand.self, ValidateCommand.self, SchemaCommand.self, DoctorCommand.self,
      BenchCommand.self,
    ])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      end(with: error)
    }
  }

  /// Says what went wrong on stderr, or gives the help that was asked for on stdout, and ends.
  private static func end(with error: any Error) -> Never {
    let code = exitCode(for: error)
    if error is ExitCode { Foundation.exit(code.rawValue) }
    if code.isSuccess {
      print(fullMessage(for: error))
      Foundation.exit(0)
    }
    if code == .validationFailure {
      let message = fullMessage(for: error)
      let text = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
      write("dragoman: error: \(text)")
      Foundation.exit(ProgramExit.usage.rawValue)
    }
    let failure = ProgramFailure(error)
    // A run that stopped when asked to did nothing wrong.
    let prefix = failure.exit == .resumable ? "dragoman: " : "dragoman: error: "
    for line in failure.messages { write(prefix + line) }
    Foundation.exit(failure.exit.rawValue)
  }

  private static func write(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
