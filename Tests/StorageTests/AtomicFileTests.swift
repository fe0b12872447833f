import Foundation
import Testing

@testable import Storage

@Suite struct AtomicFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func aFileIsWrittenAndReplacedWhole() throws {
    let url = folder.file("a.json")
    try AtomicFile.write("first", to: url)
    try AtomicFile.write("second, longer", to: url)
    #expect(try String(contentsOf: url, encoding: .utf8) == "second, longer")
    #expect(folder.names == ["a.json"])
  }

  @Test func largePiecesKeepTheirOrder() throws {
    let url = folder.file("pieces")
    let small = [UInt8](repeating: 1, count: 1000)
    let large = [UInt8](repeating: 2, count: 300_000)
    try AtomicFile.write(to: url) { writer throws(FileError) in
      try writer.append(small)
      try writer.append(large)
      try writer.append(small)
    }
    #expect(Array(try Data(contentsOf: url)) == small + large + small)
  }

  /// The device that is always full stands in for the new file: the system's own error, not a made-up one.
  @Test(.enabled(if: access("/dev/full", W_OK) == 0, "there is no /dev/full"))
  func aFullDiskIsOneClearErrorAndLeavesTheOldFile() throws {
    let url = folder.file("summary.json")
    try AtomicFile.write("old", to: url)
    let said = message {
      try AtomicFile.write(to: url, creating: { _ in open("/dev/full", O_WRONLY) }) {
        writer throws(FileError) in try writer.append(Data("new".utf8))
      }
    }
    #expect(said == "Cannot write \(url.path): No space left on device.")
    #expect(try String(contentsOf: url, encoding: .utf8) == "old")
    #expect(folder.names == ["summary.json"])
  }

  #if os(Linux)
  /// The kernel cuts a child process off after 4 KiB: a write that fails halfway.
  @Test func aWriteThatFailsHalfwayLeavesNothing() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 4096, rlim_max: 4096)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let url = folder.file("weights")
      let said = message { try AtomicFile.write([UInt8](repeating: 7, count: 100_000), to: url) }
      try #require(said == "Cannot write \(url.path): File too large.")
      try #require(folder.names.isEmpty)
    }
  }
  #endif

  @Test func aMissingFolderIsNamed() {
    let url = folder.file("none/a.json")
    #expect(
      message { try AtomicFile.write("x", to: url) }
        == "Cannot write \(url.path): No such file or directory.")
  }

  @Test func aFolderAppearsWholeOrNotAtAll() throws {
    struct Stop: Error {}
    let url = folder.file("checkpoint")
    #expect(throws: Stop.self) {
      try AtomicFile.createFolder(url) { partial in
        try AtomicFile.write("half", to: partial.appending(path: "a"))
        throw Stop()
      }
    }
    #expect(folder.names.isEmpty)
    try AtomicFile.createFolder(url) { partial in
      #expect(!FileManager.default.fileExists(atPath: url.path))
      try AtomicFile.write("whole", to: partial.appending(path: "a"))
    }
    #expect(folder.names == ["checkpoint"])
    #expect(try String(contentsOf: url.appending(path: "a"), encoding: .utf8) == "whole")
    #expect(
      message { try AtomicFile.createFolder(url) { _ in } }
        == "Cannot rename \(url.path): Directory not empty.")
    #expect(folder.names == ["checkpoint"])
  }

  @Test func remainsOfKilledWritersAreRemoved() throws {
    _ = try folder.write("x", ".a.json.999999999-1.partial")
    _ = try folder.write("x", ".b.json.1-1.partial")  // process 1 always runs
    _ = try folder.write("x", "a.partial")
    AtomicFile.removePartials(in: folder.url)
    #expect(folder.names == [".b.json.1-1.partial", "a.partial"])
  }

  @Test func aFileWrittenElsewhereIsCommitted() throws {
    let url = folder.file("shard.h5")
    let partial = AtomicFile.partialURL(for: url)
    try Data("x".utf8).write(to: partial)
    try AtomicFile.commit(partial, to: url)
    #expect(folder.names == ["shard.h5"])
  }

  @Test func freeSpaceIsKnown() throws {
    #expect(try #require(AtomicFile.freeBytes(at: folder.url)) > 0)
    #expect(AtomicFile.freeBytes(at: folder.file("none")) == nil)
  }
}
