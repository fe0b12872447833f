import Foundation
import Storage

/// Where results go.
public enum StandardOutput {
  /// Writes a text and a line's end.
  ///
  /// - Throws: `FileError` when it can't be written: `print` would lose it without a word.
  public static func print(_ text: String) throws { try write(text + "\n") }

  /// Writes a text as it is.
  ///
  /// - Throws: as ``print(_:)``.
  public static func write(_ text: String) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      throw FileError(
        path: "standard output", operation: .write, cause: FileError.cause(of: error))
    }
  }
}
