import Foundation
import Testing

/// What each module of ours may import: DESIGN §1's table, and `Configuration`, a leaf that lets every
/// module declare its own settings.
private let table: [String: Set<String>] = {
  let leaves: Set = [
    "COpenBLAS", "COneDNN", "CHDF5", "CPNG", "CJPEG", "CSndFile", "CXXHash", "CCairo", "CStemmer",
    "CZlib",
  ]
  let model: Set = ["Tensors", "Layers", "Configuration"]
  let training = model.union([
    "Storage", "Tokenizers", "Datasets", "Projectors", "LanguageModels",
  ])
  return [
    "Configuration": [],
    "Tensors": leaves.union(["CKernels"]),
    "Layers": ["Tensors", "Configuration"],
    "Storage": leaves.union(["CKernels", "Tensors", "Configuration"]),
    "Tokenizers": ["Configuration"],
    "Datasets": ["Tensors", "Storage", "Tokenizers", "Configuration"],
    "Encoders": model.union(["Storage", "Datasets"]),
    "Projectors": model,
    "LanguageModels": model.union(["Storage"]),
    "Training": training,
    "Metrics": ["CStemmer", "CZlib", "Configuration"],
    "Reports": ["Metrics", "Storage", "Configuration", "CCairo"],
    "Harness": training.union(["Training", "Encoders", "Metrics", "Reports"]),
    "dragoman": ["Harness", "Metrics"],
  ]
}()

/// Modules that are not ours.
private let outside: [String: Set<String>] = [
  "Harness": ["Yams"], "dragoman": ["ArgumentParser"],
]
private let everywhere: Set = [
  "Foundation", "Synchronization", "Dispatch", "Glibc", "Darwin", "Musl",
]

@Suite("Imports")
struct ImportTableTests {
  static let sources = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")

  static let modules = table.keys.sorted()

  /// Module → names imported anywhere in its Swift files, with one file for each.
  static func imports(of module: String) throws -> [String: String] {
    let folder = sources.appending(path: module)
    let files = try #require(
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    var result: [String: String] = [:]
    for case let file as URL in files where file.pathExtension == "swift" {
      for name in importedModules(in: try String(contentsOf: file, encoding: .utf8)) {
        result[name] = file.lastPathComponent
      }
    }
    return result
  }

  @Test("a module imports only what the design's table allows", arguments: modules)
  func allowed(module: String) throws {
    let allowed = (table[module] ?? []).union(outside[module] ?? []).union(everywhere)
    for (name, file) in try Self.imports(of: module) where name != module {
      #expect(allowed.contains(name), "\(module)/\(file) imports \(name)")
    }
  }

  @Test("every module is in the table")
  func complete() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      at: Self.sources, includingPropertiesForKeys: nil)
    for folder in folders where folder.hasDirectoryPath {
      let name = folder.lastPathComponent
      let files = try FileManager.default.contentsOfDirectory(
        atPath: folder.path(percentEncoded: false))
      let isSwift = files.contains { $0.hasSuffix(".swift") }
      #expect(!isSwift || table[name] != nil, "\(name) is not in the table")
    }
  }

  @Test("no module reaches itself through its imports")
  func acyclic() {
    for module in Self.modules {
      var reached: Set<String> = []
      var frontier = table[module] ?? []
      while !frontier.isEmpty {
        reached.formUnion(frontier)
        let next = frontier.reduce(into: Set<String>()) { $0.formUnion(table[$1] ?? []) }
        frontier = next.subtracting(reached)
      }
      #expect(!reached.contains(module), "\(module) imports itself through others")
    }
  }

  @Test(
    "an import is found in every form it can be written",
    arguments: [
      ("import Tensors", ["Tensors"]),
      ("  @testable import Layers  // why", ["Layers"]),
      ("public import struct Storage.Digest", ["Storage"]),
      ("@preconcurrency import Foundation; import Tensors", ["Foundation", "Tensors"]),
      ("package import Encoders.Sub", ["Encoders"]),
      ("@_spi(Testing) internal import func Metrics.score", ["Metrics"]),
      ("// import Tensors\nlet important = 1\n/// import X", []),
      ("let text = \"import Tensors\"", []),
    ])
  func parsing(source: String, expected: [String]) {
    #expect(importedModules(in: source) == expected)
  }
}

/// The modules that a Swift file imports, in order.
private func importedModules(in source: String) -> [String] {
  let kinds: Set<Substring> = [
    "struct", "class", "enum", "protocol", "typealias", "func", "let", "var",
  ]
  return source.split(whereSeparator: { $0.isNewline || $0 == ";" }).compactMap { line in
    let code = line.prefix(upTo: line.firstRange(of: "//")?.lowerBound ?? line.endIndex)
    var words = code.split(whereSeparator: \.isWhitespace)[...]
    while let word = words.first,
      word.hasPrefix("@")
        || ["public", "package", "internal", "private", "fileprivate"].contains(word)
    {
      words.removeFirst()
    }
    guard words.first == "import" else { return nil }
    words.removeFirst()
    if let word = words.first, kinds.contains(word) { words.removeFirst() }
    return words.first?.split(separator: ".").first.map(String.init)
  }
}
