import Configuration
import Foundation
import Storage
import Testing

@testable import Harness

@Suite("dragoman doctor")
struct DoctorTests {
  private static func machine(font: Bool = true, kernels: String = "avx2+fma") -> Doctor.Machine {
    Doctor.Machine(
      processor: "A Processor", cores: 2, memoryBytes: 16_000_000_000, instructionSet: kernels,
      products: "oneDNN 2.6.3 avx2, OpenBLAS Zen", bfloat16: ("avx512_bf16", true),
      libraries: [("HDF5", "1.10.8")],
      hasFigureFont: font)
  }

  /// A report in a home of its own, in which nothing is but what a test put there.
  private func report(
    _ home: ConfigFolder, _ more: [String: String] = [:], machine: Doctor.Machine = machine(),
    cache: String = "cache"
  ) -> DoctorReport {
    let environment = ["HOME": home.root.path].merging(more) { _, own in own }
    return Doctor(
      cache: home.root.appending(path: cache), results: home.root.appending(path: "Results"),
      environment: environment, machine: machine
    ).report()
  }

  private func check(_ report: DoctorReport, _ name: String) throws -> DoctorReport.Check {
    try #require(report.checks.first { $0.name == name }, "\(name)")
  }

  private static let siglip = #"{"model_type": "siglip"}"#

  @Test("each snapshot of the cache: its kind, and what is missing of it")
  func models() throws {
    let home = try ConfigFolder()
    defer { home.remove() }
    let hub = ".cache/huggingface/hub"
    func add(_ name: String, _ commit: String, _ files: [String: String], ref: String? = "main")
      throws
    {
      for (file, text) in files {
        try home.write(text, to: "\(hub)/models--\(name)/snapshots/\(commit)/\(file)")
      }
      if let ref { try home.write(commit, to: "\(hub)/models--\(name)/refs/\(ref)") }
    }
    try add(
      "a--encoder", "c0",
      [
        "config.json": Self.siglip, "model.safetensors": "1234",
        "preprocessor_config.json": "{}",
      ])
    try add("b--decoder", "c1", ["config.json": #"{"model_type": "qwen2"}"#], ref: "v2")
    let index = #"{"weight_map": {"x": "model-1.safetensors", "y": "model-2.safetensors"}}"#
    try add(
      "c--sharded", "c2",
      [
        "config.json": #"{"model_type": "llama"}"#, "model.safetensors.index.json": index,
        "model-1.safetensors": "", "tokenizer.json": "{}",
      ])
    try add("d--other", "c3", ["config.json": #"{"model_type": "bert"}"#], ref: nil)
    try add("e--nothing", "c4", ["README.md": "x"])
    // A link whose blob was removed does not count as a file.
    let link = home.root.appending(path: "\(hub)/models--c--sharded/snapshots/c2/gone")
    try FileManager.default.createSymbolicLink(
      at: link, withDestinationURL: home.root.appending(path: "nowhere"))
    let report = report(home)
    #expect(
      report.models.map(\.reference) == [
        "hf:a/encoder", "hf:b/decoder@v2", "hf:c/sharded", "hf:d/other@c3", "hf:e/nothing",
      ])
    #expect(report.models.map(\.kind) == ["siglip", "qwen2", "llama", nil, nil])
    #expect(
      report.models.map(\.missing) == [
        [], ["model.safetensors", "tokenizer.json"], ["model-2.safetensors"], [], ["config.json"],
      ])
    #expect(report.models.map(\.isReady) == [true, false, false, false, false])
    #expect(report.models[0].bytes == 4 + 2 + Self.siglip.count)
    #expect(report.text.contains("→ hf download b/decoder --revision v2\n"))
    #expect(report.isHealthy, "models are no need of every run")
  }

  @Test("HF_HUB_CACHE says where the models are")
  func cacheVariable() throws {
    let home = try ConfigFolder()
    defer { home.remove() }
    try home.write(Self.siglip, to: "hub/models--a--b/snapshots/c/config.json")
    let hub = home.path("hub")
    let report = report(home, ["HF_HUB_CACHE": hub, "DRAGOMAN_DATA": home.path("absent")])
    #expect(report.models.map(\.repository) == ["a/b"])
    #expect(report.variables == ["HF_HUB_CACHE": hub, "DRAGOMAN_DATA": home.path("absent")])
    let data = try check(report, "DRAGOMAN_DATA")
    #expect(data.state == .optional && data.found == "there is no folder \(home.path("absent"))")
    #expect(!report.checks.contains { $0.name == "HF_HUB_CACHE" })
  }

  @Test("WordNet and METEOR's paraphrases are found where the metric finds them")
  func meteor() throws {
    let home = try ConfigFolder()
    defer { home.remove() }
    let python = "venv/lib/python3.11/site-packages/pycocoevalcap/meteor"
    try home.write("", to: "wordnet/index.noun")
    try home.write("", to: "\(python)/data/paraphrase-en.gz")
    let report = report(
      home, ["WNSEARCHDIR": home.path("wordnet"), "VIRTUAL_ENV": home.path("venv")])
    #expect(try check(report, "WordNet").found == home.path("wordnet"))
    #expect(try check(report, "METEOR paraphrases").found.hasSuffix("data/paraphrase-en.gz"))
    let without = self.report(home, ["VIRTUAL_ENV": home.path("venv2")])
    let paraphrases = try check(without, "METEOR paraphrases")
    // Where the system has them is not this test's to say.
    if paraphrases.state != .ok {
      #expect(paraphrases.state == .optional && paraphrases.advice != nil)
    }
    #expect(without.isHealthy)
    // Scoring fails for a folder that is named and holds nothing.
    let named = self.report(home, ["DRAGOMAN_METEOR_DATA": home.path("wordnet")])
    #expect(try check(named, "METEOR paraphrases").state == .missing && !named.isHealthy)
    #expect(
      try check(
        self.report(home, ["DRAGOMAN_METEOR_DATA": home.path(python)]), "METEOR paraphrases"
      )
      .state == .ok)
  }

  @Test("without the figures' font, or a folder to write to, something needed is missing")
  func missing() throws {
    let home = try ConfigFolder()
    defer { home.remove() }
    #expect(report(home).isHealthy)
    let fontless = report(home, machine: Self.machine(font: false))
    #expect(!fontless.isHealthy)
    #expect(try check(fontless, "fonts").advice == "apt-get install fonts-dejavu-core")
    #expect(fontless.text.hasSuffix("Needed and missing: fonts.\n"))
    // A file stands where the cache's folder should be.
    try home.write("", to: "file")
    let blocked = report(home, cache: "file/cache")
    #expect(try check(blocked, "cache folder").state == .missing)
    #expect(!blocked.isHealthy)
  }

  @Test("a processor without AVX2 is slow, not unfit")
  func slow() throws {
    let home = try ConfigFolder()
    defer { home.remove() }
    let report = report(home, machine: Self.machine(kernels: "portable"))
    #expect(try check(report, "kernels").state == .optional && report.isHealthy)
  }

  @Test("the program prints its report as JSON and ends with 1 when something needed is missing")
  func program() throws {
    let home = try ConfigFolder()
    defer { home.remove() }
    try home.write("", to: "file")
    let environment = ["HOME": home.root.path]
    let bad = try Program.run(
      ["doctor", "--cache", "file/cache", "--json"], in: home.root, environment: environment)
    #expect(bad.code == 1, "\(bad)")
    let json = try JSONValue(parsing: bad.output)
    let states = json["checks"]?.array?.filter { $0["name"]?.string == "cache folder" }
      .compactMap { $0["state"]?.string }
    #expect(states == ["missing"])
    #expect(bad.errors.isEmpty)
    let text = try Program.run(["doctor"], in: home.root, environment: environment)
    #expect(text.output.contains("OpenBLAS") && text.output.contains("Java"))
  }
}
