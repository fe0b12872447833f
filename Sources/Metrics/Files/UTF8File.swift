import Foundation

/// A text file that a user named.
enum UTF8File {
  /// The whole file.
  ///
  /// - Throws: ``CaptionFileError`` if it can't be read or is not UTF-8.
  static func bytes(of path: String) throws -> [UInt8] {
    let bytes: [UInt8]
    do {
      bytes = Array(try Data(contentsOf: URL(filePath: path)))
    } catch {
      let missing = !FileManager.default.fileExists(atPath: path)
      throw CaptionFileError.unreadable(
        file: path, reason: missing ? "there is no such file" : error.localizedDescription)
    }
    if let line = firstLineNotUTF8(bytes) {
      throw CaptionFileError.notUTF8(file: path, line: line)
    }
    return bytes
  }

  private static func firstLineNotUTF8(_ bytes: [UInt8]) -> Int? {
    if String(validating: bytes, as: UTF8.self) != nil { return nil }
    var line = 1
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue("\n"): line += 1
      case .scalarValue: break
      case .emptyInput, .error: return line
      }
    }
  }
}
