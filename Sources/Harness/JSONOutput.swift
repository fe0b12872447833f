import Foundation
import Storage

/// What `--json` prints: keys in snake case and in order, one value a line.
public enum JSONOutput {
  public static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// Writes a small file of results, its keys as they are.
  static func write(_ value: some Encodable, to url: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.ensureFolder(url.deletingLastPathComponent())
    try AtomicFile.write(try encoder.encode(value) + Data("\n".utf8), to: url)
  }
}
