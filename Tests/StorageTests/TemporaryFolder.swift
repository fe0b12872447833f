import Foundation
import Testing

/// A fresh folder that goes away with this value.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "dragoman-tests-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func file(_ name: String) -> URL { url.appending(path: name) }

  func write(_ bytes: [UInt8], _ name: String) throws -> URL {
    let url = file(name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url
  }

  func write(_ text: String, _ name: String) throws -> URL {
    try write(Array(text.utf8), name)
  }

  /// What the Python of `DRAGOMAN_PYTHON` prints, run in this folder.
  func python(_ script: String) throws -> String {
    let process = Process()
    process.executableURL = URL(
      filePath: ProcessInfo.processInfo.environment["DRAGOMAN_PYTHON"] ?? "python3")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = url
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return String(decoding: data, as: UTF8.self)
  }

  /// The names in the folder, hidden ones too, in order.
  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
  }
}

/// What an error says, or the value's description if none was thrown.
func message<Value: ~Copyable>(_ body: () throws -> Value) -> String {
  do {
    _ = try body()
    return "(no error)"
  } catch {
    return "\(error)"
  }
}
