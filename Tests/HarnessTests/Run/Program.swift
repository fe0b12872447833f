import Foundation
import Testing

/// The built program, run as a user runs it.
struct Program {
  /// The working folder.
  let folder: URL
  private let process = Process()
  private let output: URL
  private let errors: URL

  struct Ending: Equatable, CustomStringConvertible {
    /// The exit code, or 128 + the signal, as a shell says it.
    let code: Int32
    let output: String
    let errors: String
    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
    var description: String { "exit \(code)\n--- stdout\n\(output)\n--- stderr\n\(errors)" }
  }

  /// Starts it; standard output and error go to files, so that neither can block.
  ///
  /// - Parameter fileLimit: kilobytes that a file may have, to make a disk look full.
  /// - Parameter output: where standard output goes instead.
  init(
    _ arguments: [String], in folder: URL, fileLimit: Int? = nil, output path: String? = nil,
    environment: [String: String] = [:]
  ) throws {
    self.folder = folder
    let name = UUID().uuidString
    output = path.map { URL(filePath: $0) } ?? folder.appending(path: "\(name).stdout")
    errors = folder.appending(path: "\(name).stderr")
    if path == nil { try Data().write(to: output) }
    try Data().write(to: errors)
    let built = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appending(path: "dragoman")
    if let fileLimit {
      process.executableURL = URL(filePath: "/bin/bash")
      let script = "trap '' XFSZ; ulimit -f \(fileLimit); exec \"$0\" \"$@\""
      process.arguments = ["-c", script, built.path] + arguments
    } else {
      process.executableURL = built
      process.arguments = arguments
    }
    // The same kernels as ours, so that bits can be compared.
    let kernels = ProcessInfo.processInfo.environment.filter {
      ["OPENBLAS_CORETYPE", "DRAGOMAN_KERNELS"].contains($0.key)
    }
    process.environment = environment.merging(kernels) { own, _ in own }
      .merging(["COLUMNS": "100"]) { own, _ in own }
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
  }

  /// Runs it to its end.
  static func run(
    _ arguments: [String], in folder: URL, fileLimit: Int? = nil, output: String? = nil,
    environment: [String: String] = [:]
  ) throws -> Ending {
    try Program(
      arguments, in: folder, fileLimit: fileLimit, output: output, environment: environment
    ).ending()
  }

  func ending() throws -> Ending {
    process.waitUntilExit()
    let bySignal = process.terminationReason == .uncaughtSignal
    return Ending(
      code: process.terminationStatus + (bySignal ? 128 : 0),
      output: output.path.hasPrefix("/dev/") ? "" : try String(contentsOf: output, encoding: .utf8),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }

  /// Waits until standard error has a text; fails if it ends first or a minute goes by.
  func waitForErrors(containing text: String) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
      if try String(contentsOf: errors, encoding: .utf8).contains(text) { return }
      try #require(process.isRunning, "the program ended before it said '\(text)'")
      Thread.sleep(forTimeInterval: 0.002)
    }
    process.terminate()
    throw CocoaError(.executableLoad)
  }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }
}

extension TinyExperiment {
  /// `dragoman run` of its file with a results folder and cache of its own.
  func arguments(
    results: String = "results", cache: String = "cache", _ more: [String] = []
  ) -> [String] {
    ["run", "tiny.yaml", "--results", results, "--cache", cache] + more
  }

  /// Names of half-written files under the experiment's folder.
  func partials() -> [String] {
    (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? [])
      .filter { $0.hasSuffix(".partial") }
  }
}
