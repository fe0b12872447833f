import Foundation

/// Records of one kind, one JSON object a line.
public enum JSONLines {
  /// Reads a file of records; empty lines are passed over.
  ///
  /// - Throws: ``FileError`` if it can't be read, ``JSONLinesError`` with the line that is no record.
  public static func read<Record: Decodable>(
    _ type: Record.Type = Record.self, from url: URL
  ) throws -> [Record] {
    let data: Data
    do { data = try Data(contentsOf: url) } catch {
      throw FileError(path: url.path, operation: .read, cause: FileError.cause(of: error))
    }
    let decoder = JSONDecoder()
    var records: [Record] = []
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      do { records.append(try decoder.decode(type, from: Data(line))) } catch {
        throw JSONLinesError(
          path: url.path, line: index + 1, rule: "is no \(type): \(words(error))")
      }
    }
    return records
  }

  /// Writes or replaces a file; it appears whole or not at all. Equal records give equal bytes: members
  /// are sorted.
  ///
  /// - Throws: ``FileError``, or ``JSONLinesError`` with the record that JSON can't hold, such as one
  ///   with a number that is not finite.
  public static func write<Record: Encodable>(_ records: [Record], to url: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var text = Data()
    for (index, record) in records.enumerated() {
      do { text.append(try encoder.encode(record)) } catch {
        throw JSONLinesError(
          path: url.path, line: index + 1, rule: "can't be written: \(words(error))")
      }
      text.append(UInt8(ascii: "\n"))
    }
    try AtomicFile.write(text, to: url)
  }

  /// The key and what is wrong with it.
  private static func words(_ error: any Error) -> String {
    let context: (path: [any CodingKey], rule: String)? =
      switch error {
      case DecodingError.keyNotFound(let key, let context):
        (context.codingPath + [key], "is missing")
      case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
        DecodingError.dataCorrupted(let context):
        (context.codingPath, context.debugDescription)
      case EncodingError.invalidValue(let value, let context):
        (context.codingPath, "JSON has no \(value)")
      default: nil
      }
    guard let context else { return "\(error)" }
    let key = context.path.map(\.stringValue).joined(separator: ".")
    return key.isEmpty ? context.rule : "\(key): \(context.rule)"
  }
}

/// A line that is not what its file holds.
public struct JSONLinesError: Error, Equatable, LocalizedError, CustomStringConvertible {
  public let path: String
  /// Counts from 1.
  public let line: Int
  public let rule: String

  public var description: String { "\(path):\(line): \(rule)." }
  public var errorDescription: String? { description }
}
