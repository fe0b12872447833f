import Foundation
import Testing

/// What holds for the repository as a whole.
@Suite(
  "Repository",
  .enabled(if: Repository.isCheckout, "not a git checkout: there is no list of files"))
struct RepositoryTests {
  @Test("the top level holds the package's folders, README and dotfiles, and no more")
  func topLevel() throws {
    let allowed: Set = [
      "Package.swift", "Sources", "Experiments", "Tests", "Results", "README.md",
    ]
    let top = Set(try Repository.trackedFiles().compactMap { $0.split(separator: "/").first })
    let others = top.filter { !$0.hasPrefix(".") && !allowed.contains(String($0)) }
    #expect(others.isEmpty, "\(others.sorted()) stand at the top level")
  }

  @Test("no tracked file is over 2 MB")
  func sizes() throws {
    for file in try Repository.trackedFiles() {
      let size = try Repository.contents(of: file).count
      #expect(size <= 2 << 20, "\(file) has \(size) bytes")
    }
  }

  @Test("no build folder, checkpoint, cache or feature store is tracked")
  func products() throws {
    let folders: Set<Substring> = ["checkpoint", "cache", ".venv", "__pycache__"]
    for file in try Repository.trackedFiles() {
      let parts = file.split(separator: "/")
      let isProduct =
        parts.contains { $0.hasPrefix(".build") || folders.contains($0) }
        || file.hasSuffix(".h5") || (file.hasSuffix(".safetensors") && parts.first != "Tests")
      #expect(!isProduct, "\(file) is made by the build or by a run")
    }
  }

  @Test("no tracked text names a folder of one machine or a package registry's host")
  func machinePaths() throws {
    for file in try Repository.trackedFiles() {
      // Bytes that are no UTF-8 are data: pictures, weights.
      guard let text = String(data: try Repository.contents(of: file), encoding: .utf8) else {
        continue
      }
      for line in text.utf8.split(separator: UInt8(ascii: "\n")).map(Substring.init)
      where Self.namesOneMachine(line) {
        Issue.record("\(file) names one machine: \(line.prefix(200))")
      }
    }
  }

  @Test(
    "a folder of one machine is told from other text",
    arguments: [
      ("folder: \"/" + "work/Experiments\"", true),
      ("cd /" + "root/x", true),
      ("in /" + "home/ada/models", true),
      ("https://pypi" + ".org/simple", true),
      ("https://example.org/" + "work/", false),
      ("Sources/" + "root/file", false),
      ("the home/" + "work balance", false),
    ])
  func recognised(line: String, expected: Bool) {
    #expect(Self.namesOneMachine(Substring(line)) == expected)
  }

  /// Whether a line holds an absolute path below a folder that differs from machine to machine.
  static func namesOneMachine(_ line: Substring) -> Bool {
    // Most lines of data hold no slash, and a regular expression is slow.
    guard line.utf8.contains(UInt8(ascii: "/")) else { return false }
    return line.contains(
      /(^|[^\w\/.~}])\/(work|root|farm|home|Users|mnt|scratch|var\/tmp|opt\/swift)\/\w/)
      || line.contains(/pypi\.org|pythonhosted\.org|deb\.debian\.org/)
  }
}

/// The files that git tracks in this package.
enum Repository {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// False in an unpacked archive.
  static var isCheckout: Bool {
    FileManager.default.fileExists(atPath: root.appending(path: ".git").path(percentEncoded: false))
  }

  /// Paths from the package's root; new files that git does not ignore count too.
  static func trackedFiles() throws -> [String] {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      // Root may test a checkout that another user owns.
      "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
      "--exclude-standard",
    ]
    process.currentDirectoryURL = root
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let list = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "git ls-files failed")
    let files = list.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      // A file that was deleted and not yet committed is listed still.
      .filter { FileManager.default.fileExists(atPath: path(of: $0)) }
    try #require(!files.isEmpty, "git lists no file")
    return files
  }

  static func contents(of file: String) throws -> Data {
    try Data(contentsOf: root.appending(path: file), options: .mappedIfSafe)
  }

  private static func path(of file: String) -> String {
    root.appending(path: file).path(percentEncoded: false)
  }
}
