import Configuration
import Datasets
import Encoders
import Foundation
import LanguageModels
import Layers
import Metrics
import Projectors
import Reports
import Storage
import Tokenizers
import Training

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

/// What the program says about an error, and how it ends.
public struct ProgramFailure: Sendable {
  public let exit: ProgramExit
  /// Each thing that went wrong, a line of its own.
  public let messages: [String]

  /// Ends with 1 for an error that nobody here knows.
  public init(_ error: any Error) {
    if let error = error as? any ExitCodeProviding {
      exit = error.programExit
      messages = error.messages
    } else if error is DecodingError {
      exit = .badData
      messages = ["\(error)"]
    } else if let error = error as? CocoaError {
      // Foundation's own file errors, where no module of ours has put them into words.
      exit = .inputOutput
      messages = [error.localizedDescription]
    } else {
      exit = .failed
      messages = [(error as? any LocalizedError)?.errorDescription ?? "\(error)"]
    }
  }
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

// What a file holds is data; that the system won't read or write it is input and output.

extension FileError: ExitCodeProviding {
  public var programExit: ProgramExit { .inputOutput }
}

extension HDF5Error: ExitCodeProviding {
  public var programExit: ProgramExit {
    switch problem {
    case .cannotOpen, .cannotCreate, .cannotClose, .failed: .inputOutput
    case .noDataset, .noAttribute, .wrongType, .rows, .wrongCount, .overflowsHalf: .badData
    }
  }
}

extension SafetensorsError: ExitCodeProviding {
  public var programExit: ProgramExit {
    if case .unreadable = problem { .inputOutput } else { .badData }
  }
}

extension ImageError: ExitCodeProviding {
  public var programExit: ProgramExit {
    if case .unreadable = problem { .inputOutput } else { .badData }
  }
}

extension ModelFolderError: ExitCodeProviding {
  public var programExit: ProgramExit {
    switch self {
    case .unreadable: .inputOutput
    case .weights(let error): error.programExit
    default: .badData
    }
  }
}

extension TokenizerError: ExitCodeProviding {
  public var programExit: ProgramExit {
    if case .unreadable = self { .inputOutput } else { .badData }
  }
}

extension DatasetError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension EncoderError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension FeatureStoreError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension ModelFileError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension JSONLinesError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension SequenceError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension CheckpointReaderError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension CheckpointError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension TrainingDiverged: ExitCodeProviding {
  public var programExit: ProgramExit { .failed }
}

extension ProjectorError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension CaptionSetError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}

extension CaptionFileError: ExitCodeProviding {
  public var programExit: ProgramExit {
    if case .unreadable = self { .inputOutput } else { .badData }
  }
}

extension METEORDataError: ExitCodeProviding {
  public var programExit: ProgramExit {
    if case .unreadable = self { .inputOutput } else { .badData }
  }
}

extension SummaryError: ExitCodeProviding {
  public var programExit: ProgramExit { .badData }
}
