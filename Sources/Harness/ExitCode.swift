import Configuration

/// How the program ends, beside 0 for success; the codes of `sysexits.h` where there is one.
public enum ProgramExit: Int32, Sendable {
  case failed = 1
  case usage = 64
  case badData = 65
  case inputOutput = 74
  /// Stopped before the end; the same command goes on from there.
  case resumable = 75
}

/// An error that knows how the program ends.
public protocol ExitCodeProviding: Error {
  var programExit: ProgramExit { get }

  /// What went wrong, each thing a line of its own.
  var messages: [String] { get }
}

extension ExitCodeProviding {
  public var messages: [String] { ["\(self)"] }
}

extension ConfigError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }

  public var messages: [String] { problems.map(\.description) }
}

extension ExperimentFileError: ExitCodeProviding {
  public var programExit: ProgramExit {
    switch self {
    case .missing, .unreadable: .inputOutput
    case .tooLarge, .notText: .badData
    }
  }
}
