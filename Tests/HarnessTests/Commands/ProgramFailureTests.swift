import Configuration
import Foundation
import Harness
import Storage
import Testing
import Tokenizers

@Suite("How the program ends")
struct ProgramFailureTests {
  struct Unknown: Error {}

  static let cases: [(any Error, ProgramExit)] = [
    (ConfigError(at: .builtIn, "x"), .badData),
    (ExperimentFileError.missing("x"), .inputOutput),
    (FileError(path: "x", operation: .write, cause: "No space left on device"), .inputOutput),
    (TokenizerError.malformed(file: "x", line: 1, rule: "y"), .badData),
    (TokenizerError.unreadable(file: "x", reason: "y"), .inputOutput),
    (ModelFolderError.noFolder(reference: "x", path: "x"), .badData),
    (CocoaError(.fileWriteOutOfSpace), .inputOutput),
    (Unknown(), .failed),
  ]

  @Test("data that is wrong ends with 65, files that can't be used with 74, the unknown with 1")
  func exits() {
    for (error, exit) in Self.cases {
      #expect(ProgramFailure(error).exit == exit, "\(error)")
    }
  }

  @Test("each problem of a configuration is a message of its own")
  func messages() {
    let error = ConfigError([
      ConfigProblem(at: .file("f", line: 1, column: 2), keyPath: "a", "x"),
      ConfigProblem(at: .override("b=1"), keyPath: "b", "y"),
    ])
    #expect(ProgramFailure(error).messages == ["f:1:2: a: x", "override 'b=1': b: y"])
  }

  @Test("an error in words of its own keeps them")
  func ownWords() {
    let error = FileError(path: "/r/x", operation: .write, cause: "No space left on device")
    #expect(ProgramFailure(error).messages == ["Cannot write /r/x: No space left on device."])
  }
}
