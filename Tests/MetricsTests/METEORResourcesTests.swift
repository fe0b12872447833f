import CZlib
import Configuration
import Foundation
import TestSupport
import Testing

@testable import Metrics

@Suite struct METEORResourcesTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  private var cache: URL { folder.url.appending(path: "cache") }

  /// A gzip file.
  private func gzip(_ name: String, _ text: String) throws -> String {
    let path = try folder.write(name, "")
    let file = gzopen(path, "wb")
    #expect(file != nil)
    gzputs(file, text)
    gzclose(file)
    return path
  }

  private let table = """
    0.5
    runs
    sprints
    0.2
    runs
    is running
    0.3
    is running
    runs
    0.1
    a big dog
    a hound

    """

  @Test func theTableKeepsPairsInTheOrderOfTheFile() throws {
    let path = try gzip("paraphrase-en.gz", table)
    let paraphrases = try ParaphraseTable.load(gzip: path, cache: cache) { _, _ in }
    func node(_ phrase: String) throws -> Int {
      var node = 0
      for word in phrase.split(separator: " ") {
        let number = try #require(paraphrases.word(String(word)))
        node = try #require(paraphrases.child(of: node, number))
      }
      return node
    }
    let runs = Array(paraphrases.paraphrases(of: try node("runs"))).map(Int.init)
    #expect(runs == [try node("sprints"), try node("is running")])
    #expect(paraphrases.paraphrases(of: try node("a big dog")).count == 1)
    #expect(paraphrases.paraphrases(of: try node("a big")).isEmpty)
    #expect(paraphrases.word("cat") == nil)
    let word = try #require(paraphrases.word("dog"))
    #expect(paraphrases.child(of: 0, word) == nil)
  }

  @Test func paraphrasesMatchInBothDirections() throws {
    let path = try gzip("paraphrase-en.gz", table)
    let resources = METEORResources(
      synonyms: nil, paraphrases: try ParaphraseTable.load(gzip: path, cache: cache) { _, _ in })
    let metric = METEOR(resources: resources)
    #expect(metric.name == "METEOR-1.5 (exact+stem+paraphrase)")
    let set = try CaptionSet(
      ids: ["1", "2"], candidates: ["a big dog sprints", "a hound is here"],
      references: [["a hound runs"], ["a big dog is here"]])
    let scores = try #require(metric.scores(for: set).first)
    // Lengths, function words, matches, chunks: both captions match completely in order.
    let width = scores.rule.width
    #expect(Array(scores.statistics[width - 3..<width]) == [0, 4, 3])
    #expect(Array(scores.statistics[2 * width - 3..<2 * width]) == [0, 4, 5])
  }

  @Test func theCacheIsRebuiltWhenItIsDamagedOrBelongsToAnotherTable() throws {
    let path = try gzip("paraphrase-en.gz", table)
    var builds = 0
    func load() throws -> ParaphraseTable {
      let before = try? FileManager.default.attributesOfItem(atPath: try cached())
      let result = try ParaphraseTable.load(gzip: path, cache: cache) { _, _ in }
      let after = try FileManager.default.attributesOfItem(atPath: try cached())
      if before?[.systemFileNumber] as? Int != after[.systemFileNumber] as? Int { builds += 1 }
      return result
    }
    func cached() throws -> String {
      let identity = try GzipIdentity(path: path)
      return cache.appending(path: "meteor-\(identity.name).paraphrases").path
    }
    _ = try load()
    _ = try load()
    #expect(builds == 1)
    var bytes = Array(try Data(contentsOf: URL(filePath: try cached())))
    bytes[bytes.count / 2] ^= 1
    try Data(bytes).write(to: URL(filePath: try cached()), options: .atomic)
    builds = 0
    let repaired = try load()
    #expect(builds == 1)
    #expect(repaired.word("hound") != nil)
    try Data(bytes.prefix(100)).write(to: URL(filePath: try cached()), options: .atomic)
    builds = 0
    _ = try load()
    #expect(builds == 1)
    _ = try gzip("paraphrase-en.gz", table + "0.1\ncat\nkitten\n")
    #expect(try load().word("kitten") != nil)
  }

  @Test func damagedTablesAreRefused() throws {
    let odd = try gzip("odd.gz", "0.5\nruns\n")
    #expect(throws: METEORDataError.damaged(path: odd, rule: "pairs take three lines each")) {
      try ParaphraseTable.load(gzip: odd, cache: cache) { _, _ in }
    }
    let whole = try gzip("whole.gz", String(repeating: table, count: 100))
    let bytes = Array(try Data(contentsOf: URL(filePath: whole)))
    let cut = try folder.write("cut.gz", Array(bytes.prefix(bytes.count - 12)))
    #expect(throws: METEORDataError.self) {
      try ParaphraseTable.load(gzip: cut, cache: cache) { _, _ in }
    }
    #expect(throws: METEORDataError.self) {
      try ParaphraseTable.load(gzip: "/nowhere.gz", cache: cache) { _, _ in }
    }
  }

  @Test func aNamedFolderWithoutDataIsRefused() throws {
    let path = folder.url.path
    #expect(throws: METEORDataError.nothingFound(folder: path)) {
      try METEORResources.find(folder: path, cache: cache, environment: [:])
    }
    #expect(throws: METEORDataError.nothingFound(folder: path)) {
      try METEORResources.find(cache: cache, environment: ["DRAGOMAN_METEOR_DATA": path])
    }
  }

  @Test func aFolderIsFoundByItsNameItsVariableOrTheVirtualEnvironment() throws {
    let meteor = "a venv/lib/python3.11/site-packages/pycocoevalcap/meteor"
    _ = try gzip("\(meteor)/data/paraphrase-en.gz", table)
    let path = folder.url.appending(path: meteor).path
    let none = folder.url.appending(path: "no wordnet").path
    let environments = [
      ["DRAGOMAN_METEOR_DATA": path],
      ["VIRTUAL_ENV": folder.url.appending(path: "a venv").path],
    ]
    for environment in environments {
      let found = try METEORResources.find(
        cache: cache, environment: environment.merging(["WNSEARCHDIR": none]) { $1 })
      #expect(found.paraphrases?.source == "paraphrase-en.gz, 4 pairs")
      #expect(found.stages.contains(.paraphrase))
    }
    let named = try METEORResources.find(folder: path, cache: cache, environment: [:])
    #expect(named.paraphrases != nil)
  }

  @Test func aStageWithoutItsDataIsRefused() {
    #expect(throws: METEORDataError.stageWithoutData(.synonym)) {
      try METEOR(stages: [.exact, .synonym])
    }
    #expect(METEORResources().stages == [.exact, .stem])
  }

  /// What a machine is said to have must be there: without this the parity suites would be skipped.
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["DRAGOMAN_METEOR_DATA"] != nil,
      "DRAGOMAN_METEOR_DATA is not set"))
  func theNamedDataServeAllStages() throws {
    let resources = try #require(METEORParityTests.resources)
    #expect(resources.stages == METEORStage.allCases)
    #expect(resources.jar != nil)
  }

  private static let lists = Fixtures.folder("metrics/meteor-data")

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: lists.path),
      "the fixtures have no metrics/meteor-data"))
  func wordListsAreThoseOfMETEOR() throws {
    func lines(_ file: String) throws -> [String] {
      try String(contentsOf: Self.lists.appending(path: file), encoding: .utf8)
        .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }
    #expect(
      METEORData.functionWords == Set(try lines("function/english.words").map { Identifier($0) }))
    let prefixes = try lines("nonbreaking/english.prefixes").map {
      $0.trimmingCharacters(in: .whitespaces).split(separator: " ")
    }.filter { !$0.isEmpty }
    let everywhere = prefixes.filter { $0.count == 1 }.map { Identifier(String($0[0])) }
    let beforeNumbers = prefixes.filter { $0.count == 2 }.map { Identifier(String($0[0])) }
    #expect(METEORData.nonbreakingPrefixes == Set(everywhere))
    #expect(METEORData.numericPrefixes == Set(beforeNumbers))
  }

  @Test func aCacheThatCantBeWrittenCostsNothingButTime() throws {
    let path = try gzip("paraphrase-en.gz", table)
    let file = try folder.write("a file", "in the way")
    let paraphrases = try ParaphraseTable.load(gzip: path, cache: URL(filePath: file)) { _, _ in }
    #expect(paraphrases.word("hound") != nil)
  }

  @Test func wordNetIsFoundByItsVariable() throws {
    for part in ["noun", "verb", "adj", "adv"] {
      _ = try folder.write("wn/\(part).exc", part == "noun" ? "mice mouse\n" : "")
      _ = try folder.write(
        "wn/index.\(part)",
        part == "noun"
          ? "  1 licence \ncanine n 1 1 @ 1 0 00000200  \ndog n 2 1 @ 2 0 00000100 00000200  \n"
            + "mouse n 1 1 @ 1 0 00000300  \n"
          : "  1 licence \n")
    }
    let found = try METEORResources.find(
      cache: cache, environment: ["WNSEARCHDIR": folder.url.appending(path: "wn").path])
    let synonyms = try #require(found.synonyms)
    #expect(
      synonyms.synsets(of: ["dog", "dogs", "canines", "mice", "cat", "ss"])
        == [[100, 200], [100, 200], [200], [300], [], []])
  }

  @Test func membersOfAnArchiveAreReadStoredOrDeflated() throws {
    // Made with Python's zipfile: one member stored, one deflated.
    let bytes = try #require(Data(base64Encoded: Self.archive))
    let path = try folder.write("a.zip", Array(bytes))
    let archive = try ZipArchive(path: path)
    #expect(String(decoding: try archive.read("a/stored.txt"), as: UTF8.self) == "stored\n")
    let expected = String(repeating: "deflated ", count: 20)
    #expect(String(decoding: try archive.read("deflated.txt"), as: UTF8.self) == expected)
    #expect(throws: METEORDataError.self) { try archive.read("missing") }
    let cut = try folder.write("cut.zip", Array(bytes.dropFirst(40)))
    #expect(throws: METEORDataError.self) { try ZipArchive(path: cut).read("deflated.txt") }
    let text = try folder.write("text.zip", "not an archive")
    #expect(throws: METEORDataError.self) { try ZipArchive(path: text) }
  }

  private static let archive =
    "UEsDBBQAAAAAAAAAIVDinFOlBwAAAAcAAAAMAAAAYS9zdG9yZWQudHh0c3RvcmVkClBLAwQUAAAACAAA"
    + "ACFQB9ZvkA4AAAC0AAAADAAAAGRlZmxhdGVkLnR4dEtJTctJLElNUUgZOgwAUEsBAhQDFAAAAAAAAAAh"
    + "UOKcU6UHAAAABwAAAAwAAAAAAAAAAAAAAIABAAAAAGEvc3RvcmVkLnR4dFBLAQIUAxQAAAAIAAAAIVAH"
    + "1m+QDgAAALQAAAAMAAAAAAAAAAAAAACAATEAAABkZWZsYXRlZC50eHRQSwUGAAAAAAIAAgB0AAAAaQAA"
    + "AAAA"
}
