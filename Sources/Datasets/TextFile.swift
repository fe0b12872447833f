import Foundation

/// A text file of a data set, read whole; lines end in LF or CRLF.
struct TextFile {
  let path: String
  let bytes: [UInt8]

  /// - Throws: ``DatasetError`` if the file cannot be read; `role` says what it is needed for.
  init(_ url: URL, role: String) throws(DatasetError) {
    path = url.path
    let data: Data
    do { data = try Data(contentsOf: url) } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      throw DatasetError(
        file: path,
        problem: exists ? "cannot be read: \(error.localizedDescription)" : "there is no such file",
        fix: "It should hold \(role)")
    }
    let hasMark = data.starts(with: [0xEF, 0xBB, 0xBF])
    bytes = [UInt8](hasMark ? data.dropFirst(3) : data)
  }

  func error(_ line: Int?, _ problem: String, _ fix: String) -> DatasetError {
    DatasetError(file: path, line: line, problem: problem, fix: fix)
  }

  /// The text of some bytes, spaces at both ends cut off.
  func text(_ bytes: some Collection<UInt8>, line: Int) throws(DatasetError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw error(line, "the line is not UTF-8", "Convert the file to UTF-8")
    }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Lines that are not empty, with their numbers from 1.
  var lines: [(number: Int, bytes: ArraySlice<UInt8>)] {
    bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated().compactMap {
      let line = $0.element.last == 0x0D ? $0.element.dropLast() : $0.element
      return line.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? nil : ($0.offset + 1, line)
    }
  }

  /// A record of comma-separated values, and the line it begins on.
  struct Record: Equatable {
    let line: Int
    var fields: [String] = []
  }

  /// The records of comma-separated values (RFC 4180): fields in quotes may hold commas, line ends and
  /// doubled quotes. Empty lines are skipped.
  func commaSeparatedRecords() throws(DatasetError) -> [Record] {
    var records: [Record] = []
    var position = 0
    var line = 1
    while position < bytes.count {
      if bytes[position] == 0x0A || bytes[position] == 0x0D {
        line += bytes[position] == 0x0A ? 1 : 0
        position += 1
        continue
      }
      var record = Record(line: line)
      repeat {
        record.fields.append(try field(&position, &line))
      } while step(&position, over: UInt8(ascii: ","))
      records.append(record)
    }
    return records
  }

  private func step(_ position: inout Int, over byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private func field(_ position: inout Int, _ line: inout Int) throws(DatasetError) -> String {
    guard step(&position, over: UInt8(ascii: "\"")) else {
      let start = position
      while position < bytes.count, ![0x2C, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
      return try text(bytes[start..<position], line: line)
    }
    let firstLine = line
    var content: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte != UInt8(ascii: "\"") {
        line += byte == 0x0A ? 1 : 0
        content.append(byte)
      } else if step(&position, over: UInt8(ascii: "\"")) {
        content.append(byte)
      } else {
        guard position == bytes.count || [0x2C, 0x0A, 0x0D].contains(bytes[position]) else {
          throw error(
            line, "text follows a closing quote", "Write a quote inside a field twice: \"\"")
        }
        return try text(content, line: firstLine)
      }
    }
    throw error(firstLine, "a quote is opened and never closed", "Close it, or double it: \"\"")
  }
}
