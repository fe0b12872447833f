import Foundation
import Testing

/// What the built program prints, compared with recorded files.
///
/// `DRAGOMAN_RECORD=1` records them anew, and fails, so that no run records unseen.
@Suite("Command line")
struct CommandSnapshotTests {
  /// One run of the program in a folder of its own.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let arguments: [String]
    var files: [String: String] = [:]
    var environment: [String: String] = [:]
    var testDescription: String { name }
  }

  static let experiment = """
    experiment: tiny
    dataset: {kind: scenes}
    encoder: {kind: small}
    language_model: {kind: llama, model: "${MODELS}/m"}
    projectors:
      mlp: {kind: mlp}
      qformer: {kind: qformer, optimizer: {peak_learning_rate: 1.0e-4}}

    """

  static let cases: [Case] = [
    Case(name: "help", arguments: ["--help"]),
    Case(name: "help-run", arguments: ["run", "--help"]),
    Case(name: "help-compare", arguments: ["compare", "--help"]),
    Case(name: "help-heatmap", arguments: ["heatmap", "--help"]),
    Case(name: "help-caption", arguments: ["caption", "--help"]),
    Case(name: "help-ask", arguments: ["ask", "--help"]),
    Case(name: "help-encode", arguments: ["encode", "--help"]),
    Case(name: "help-cache", arguments: ["cache", "--help"]),
    Case(name: "help-cache-list", arguments: ["cache", "list", "--help"]),
    Case(name: "help-cache-verify", arguments: ["cache", "verify", "--help"]),
    Case(name: "help-cache-prune", arguments: ["cache", "prune", "--help"]),
    Case(name: "help-report", arguments: ["report", "--help"]),
    Case(name: "help-score", arguments: ["score", "--help"]),
    Case(name: "help-bench", arguments: ["bench", "--help"]),
    Case(name: "help-bench-step", arguments: ["bench", "step", "--help"]),
    Case(name: "help-bench-encode", arguments: ["bench", "encode", "--help"]),
    Case(name: "help-bench-generate", arguments: ["bench", "generate", "--help"]),
    Case(name: "help-bench-tokenize", arguments: ["bench", "tokenize", "--help"]),
    Case(name: "help-doctor", arguments: ["doctor", "--help"]),
    Case(name: "help-validate", arguments: ["validate", "--help"]),
    Case(name: "help-schema", arguments: ["schema", "--help"]),
    Case(name: "version", arguments: ["--version"]),
    Case(name: "usage-unknown-subcommand", arguments: ["velidate"]),
    Case(name: "usage-unknown-option", arguments: ["schema", "--fromat", "json"]),
    Case(name: "usage-wrong-value", arguments: ["schema", "--format", "xml"]),
    Case(name: "usage-missing-file", arguments: ["validate"]),
    Case(name: "usage-no-results", arguments: ["compare"]),
    Case(name: "usage-cache-days", arguments: ["cache", "prune", "--older-than", "0"]),
    Case(name: "error-no-results", arguments: ["compare", "absent"]),
    Case(
      name: "validate", arguments: ["validate", "tiny.yaml"], files: ["tiny.yaml": experiment],
      environment: ["MODELS": "/m"]),
    Case(
      name: "validate-resolved", arguments: ["validate", "--resolved", "tiny.yaml"],
      files: ["tiny.yaml": experiment], environment: ["MODELS": "/m"]),
    Case(
      name: "validate-sweep",
      arguments: [
        "validate", "tiny.yaml", "training.epochs=1,2", "~projectors.qformer",
        "training.seeds=[0,1]",
      ],
      files: ["tiny.yaml": experiment], environment: ["MODELS": "/m"]),
    Case(
      name: "error-no-file", arguments: ["validate", "absent.yaml"]),
    Case(
      name: "error-unset-variable", arguments: ["validate", "tiny.yaml"],
      files: ["tiny.yaml": experiment]),
    Case(
      name: "error-unknown-keys", arguments: ["validate", "tiny.yaml"],
      files: ["tiny.yaml": experiment + "trainng: {}\nfigures: {heatmap: {images: 2}}\n"],
      environment: ["MODELS": "/m"]),
    Case(
      name: "error-override",
      arguments: ["validate", "tiny.yaml", "projectors.qfromer.queries=64"],
      files: ["tiny.yaml": experiment], environment: ["MODELS": "/m"]),
  ]

  @Test("prints what was recorded", arguments: cases)
  func snapshot(of example: Case) throws {
    let actual = try Self.run(example)
    let file = Self.snapshots.appending(path: "\(example.name).txt")
    if ProcessInfo.processInfo.environment["DRAGOMAN_RECORD"] == "1" {
      try FileManager.default.createDirectory(
        at: Self.snapshots, withIntermediateDirectories: true)
      try Data(actual.utf8).write(to: file)
      Issue.record("recorded; look at the file and run again without DRAGOMAN_RECORD")
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    #expect(actual == expected, "DRAGOMAN_RECORD=1 records \(example.name).txt anew")
  }

  @Test("schema prints JSON that names every top-level key")
  func schema() throws {
    let text = try Self.run(Case(name: "", arguments: ["schema"]))
    for key in ["experiment", "dataset", "encoder", "language_model", "projectors", "training"] {
      #expect(text.contains("\"\(key)\": {"))
    }
  }

  private static let snapshots = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/commands")

  /// The command, exit code, stdout and stderr as one text.
  private static func run(_ example: Case) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in example.files {
      try Data(text.utf8).write(to: folder.appending(path: name))
    }
    let built = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let process = Process()
    process.executableURL = built.appending(path: "dragoman")
    process.arguments = example.arguments
    process.environment = example.environment.merging(["COLUMNS": "100"]) { own, _ in own }
    process.currentDirectoryURL = folder
    // Files, not pipes: a long output can't block, whichever stream is read first.
    let output = folder.appending(path: "stdout.txt")
    let errors = folder.appending(path: "stderr.txt")
    for file in [output, errors] { try Data().write(to: file) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    return """
      $ dragoman \(example.arguments.joined(separator: " "))
      exit \(process.terminationStatus)
      --- stdout
      \(try String(contentsOf: output, encoding: .utf8))
      --- stderr
      \(try String(contentsOf: errors, encoding: .utf8))
      """
  }
}
