import Foundation
import Testing

@testable import Datasets

struct TextFileTests {
  func file(_ text: String) throws -> TextFile {
    try inTemporaryFolder { folder in
      let url = folder.appending(path: "table.csv")
      try Data(text.utf8).write(to: url)
      return try TextFile(url, role: "a table")
    }
  }

  @Test("quoted commas, doubled quotes, CRLF, a byte order mark and lines inside quotes")
  func commaSeparated() throws {
    let records = try file(
      "\u{FEFF}a,b\r\n\"x, y\",\"say \"\"hi\"\"\"\r\n\n\"two\nlines\",z\nlast,"
    )
    .commaSeparatedRecords()
    #expect(
      records == [
        .init(line: 1, fields: ["a", "b"]), .init(line: 2, fields: ["x, y", "say \"hi\""]),
        .init(line: 4, fields: ["two\nlines", "z"]), .init(line: 6, fields: ["last", ""]),
      ])
  }

  @Test(
    "a broken quote is an error that names its line",
    arguments: [("a\nb,\"open\nc", 2), ("a\n\"b\"c,d", 2)])
  func brokenQuotes(text: String, line: Int) throws {
    let file = try file(text)
    let error = #expect(throws: DatasetError.self) { try file.commaSeparatedRecords() }
    #expect(error?.line == line)
  }

  @Test("bytes that are not UTF-8 are an error that names the line")
  func notUTF8() throws {
    let file = try inTemporaryFolder { folder in
      let url = folder.appending(path: "table.csv")
      try Data([0x61, 0x0A, 0xFF, 0x2C, 0x62]).write(to: url)
      return try TextFile(url, role: "a table")
    }
    let error = #expect(throws: DatasetError.self) { try file.commaSeparatedRecords() }
    #expect(error?.line == 2)
  }
}
