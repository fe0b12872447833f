import Foundation
import Storage
import Testing

@Suite struct JSONLinesTests {
  private struct Record: Codable, Equatable {
    var name: String
    var value: Double?
  }

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func refusal(_ text: String) throws -> String {
    let url = try folder.write(text, "records.jsonl")
    return message { try JSONLines.read(Record.self, from: url) }
      .replacing(url.path, with: "FILE")
  }

  @Test func recordsReadBack() throws {
    let url = folder.file("records.jsonl")
    let records = [Record(name: "a/é\n", value: 0.1), Record(name: "", value: nil)]
    try JSONLines.write(records, to: url)
    #expect(try JSONLines.read(from: url) == records)
    #expect(
      try String(contentsOf: url, encoding: .utf8)
        == "{\"name\":\"a/é\\n\",\"value\":0.1}\n{\"name\":\"\"}\n")
    try JSONLines.write([Record](), to: url)
    #expect(try JSONLines.read(Record.self, from: url) == [])
  }

  @Test func emptyLinesAreNoRecords() throws {
    let url = try folder.write("\n{\"name\":\"a\"}\n\n", "records.jsonl")
    #expect(try JSONLines.read(from: url) == [Record(name: "a", value: nil)])
  }

  @Test func aLineThatIsNoRecordIsNamed() throws {
    #expect(
      try refusal("{\"name\":\"a\"}\n\n{\"value\":1}\n")
        == "FILE:3: is no Record: name: is missing.")
    #expect(try refusal("{\"name\":\"a\"}\n{\"na").hasPrefix("FILE:2: is no Record: "))
    #expect(try refusal("{\"name\":1}").hasPrefix("FILE:1: is no Record: name: "))
  }

  @Test func aNumberThatIsNotFiniteIsRefusedBeforeAnythingIsWritten() throws {
    let url = folder.file("records.jsonl")
    let said = message {
      try JSONLines.write([Record(name: "a"), Record(name: "b", value: .nan)], to: url)
    }
    #expect(said == "\(url.path):2: can't be written: value: JSON has no nan.")
    #expect(!FileManager.default.fileExists(atPath: url.path))
  }

  @Test func anAbsentFileIsNamed() {
    let url = folder.file("none.jsonl")
    #expect(
      message { try JSONLines.read(Record.self, from: url) }
        == "Cannot read \(url.path): No such file or directory.")
  }
}
