import Configuration
import Foundation
import Storage
import TestSupport
import Testing

@testable import Harness

@Suite("Benchmarks")
struct BenchmarkTests {
  private static let sizes: TrainingStepBenchmark.Sizes = {
    var sizes = TrainingStepBenchmark.Sizes()
    (sizes.batch, sizes.patches, sizes.width, sizes.caption) = (3, 5, 8, 4)
    return sizes
  }()

  private func models() throws -> ConfigFolder {
    let folder = try ConfigFolder()
    try folder.addLanguageModel("llama")
    try folder.addEncoder("vit")
    return folder
  }

  @Test("a step gives a loss each and counts its work, the same for any number of threads")
  func step() throws {
    let folder = try models()
    defer { folder.remove() }
    let model = try BenchmarkModel(folder.path("llama"), random: true)
    let reports = try [1, 2].map {
      try StepReport(
        model, sizes: Self.sizes, dump: nil, steps: 3, lanes: 2, precision: .float32, threads: $0)
    }
    #expect(reports[0].losses == reports[1].losses)
    let report = reports[0]
    #expect(report.losses.count == 4 && report.seconds.count == 3)
    #expect(report.losses.allSatisfy { abs($0 - log(50)) < 0.5 }, "random weights guess")
    #expect(report.losses[3] < report.losses[0], "it learns")
    // Captions of 4, 3 and 2 tokens after 5 patches. A caption's last token has no row.
    let rows = [8, 7, 6]
    let outputs = [4, 3, 2]
    var flops = 0
    for (rows, outputs) in zip(rows, outputs) {
      let pairs = rows * (rows + 1) / 2
      let outputPairs = (rows - outputs + 1...rows).reduce(0, +)
      let (attention, ffn) = (4 * 16 * 16, 3 * 16 * 24)
      flops += 3 * 2 * (rows * (attention + ffn) + 2 * pairs * 16)
      flops += 2 * (rows * 2 * 256 + outputs * (2 * 256 + ffn) + 2 * outputPairs * 16)
      flops += 2 * outputs * 50 * 16
    }
    let projection = 3 * 2 * 5 * (8 * 16 + 16 * 16)
    #expect(report.stepFlops == Double(2 * flops + 3 * projection))
    #expect(report.text.contains("% of the products beside it"))
  }

  /// A dump as the PyTorch benchmark writes it: 2 images of 3 patches.
  private func dump(
    in folder: ConfigFolder, lengths: [Int64] = [2, 3], ids: [Int64] = [1, 2, 0, 3, 4, 5],
    features: [Int] = [2, 3, 8], hidden: Int = 16
  ) throws -> URL {
    let url = folder.root.appending(path: "dump.safetensors")
    func tensor(_ name: String, _ shape: [Int]) -> SafetensorsTensor {
      let count = shape.reduce(1, *)
      return .init(
        name: name, shape: shape, values: .float32((0..<count).map { Float($0 % 7) / 10 - 0.3 }))
    }
    try Safetensors.write(
      [
        tensor("features", features), tensor("projector.0.weight", [hidden, 8]),
        tensor("projector.0.bias", [hidden]), tensor("projector.2.weight", [16, hidden]),
        tensor("projector.2.bias", [16]),
        .init(name: "input_ids", shape: [2, ids.count / 2], values: .int64(ids)),
        .init(name: "lengths", shape: [lengths.count], values: .int64(lengths)),
      ], to: url)
    return url
  }

  @Test("a dump gives sizes, input and start values")
  func dumped() throws {
    let folder = try models()
    defer { folder.remove() }
    let report = try StepReport(
      BenchmarkModel(folder.path("llama"), random: true), sizes: .init(),
      dump: try dump(in: folder), steps: 1, lanes: 8, precision: .float32, threads: 1)
    #expect(report.images == 2 && report.visualTokens == 3 && report.captionTokens == 5)
  }

  @Test("a dump that does not fit says what is wrong with it")
  func badDumps() throws {
    let folder = try models()
    defer { folder.remove() }
    let model = try BenchmarkModel(folder.path("llama"), random: true)
    func message(_ dump: URL) -> String {
      do {
        _ = try StepReport(
          model, sizes: .init(), dump: dump, steps: 1, lanes: 1, precision: .float32, threads: 1)
        return "no error"
      } catch {
        return ProgramFailure(error).messages.joined()
      }
    }
    #expect(
      message(try dump(in: folder, features: [6, 8]))
        .hasSuffix("features must be [image, patch, width], got shape [6, 8]."))
    #expect(
      message(try dump(in: folder, lengths: [2, 3, 1]))
        .hasSuffix(
          "features, input_ids and lengths have 2, 2 and 3 images; they must be the same."))
    #expect(
      message(try dump(in: folder, lengths: [2, 4]))
        .hasSuffix("lengths holds 4; must be between 1 and 3."))
    #expect(
      message(try dump(in: folder, ids: [1, 2, 0, 3, 50, 5]))
        .hasSuffix("input_ids holds 50; the model has ids 0 to 49."))
    #expect(
      message(try dump(in: folder, hidden: 12))
        .hasSuffix("projector.0.weight has shape [12, 8], this model needs [16, 8]."))
    #expect(
      message(try dump(in: folder, features: [2, 130, 8]))
        == "A sequence has 133 rows; the model takes 128 at most.")
  }

  @Test("an encoder's images and a language model's tokens are counted by the second")
  func encodeAndGenerate() throws {
    let folder = try models()
    defer { folder.remove() }
    let encoder = try EncodeReport(
      BenchmarkModel(folder.path("vit"), random: true), images: 5, batch: 2,
      precision: .float32, threads: 2)
    #expect(encoder.tokens == 17 && encoder.width == 16 && encoder.images == 5)
    #expect(encoder.imagesPerSecond > 0 && encoder.imagesPerSecondWithResizing > 0)
    #expect(encoder.flopsPerSecond > 0)
    let language = try BenchmarkModel(folder.path("llama"), random: true)
    let generation = try GenerationReport(
      language, batch: 3, visualTokens: 7, newTokens: 5, precision: .float32, threads: 2)
    #expect(generation.tokensPerSecond > 0 && generation.decodingTokensPerSecond > 0)
    #expect(generation.loadingSeconds > 0)
    #expect(abs(generation.captionsPerSecond * 5 / generation.tokensPerSecond - 1) < 1e-9)
    #expect(throws: BenchmarkError.self) {
      try GenerationReport(
        language, batch: 1, visualTokens: 120, newTokens: 9, precision: .float32, threads: 1)
    }
  }

  @Test("a roofline's parts add up to its step, in both precisions")
  func roofline() throws {
    let folder = try models()
    defer { folder.remove() }
    let model = try BenchmarkModel(folder.path("llama"), random: true)
    let report = try RooflineReport(model, sizes: Self.sizes, lanes: 2)
    #expect(report.steps.map(\.precision) == ["float32", "bfloat16"])
    // The weights are rounded to 8 bits; the losses of both guess alike.
    #expect(abs(report.steps[0].loss - report.steps[1].loss) < 0.05)
    for step in report.steps {
      let parts = step.parts.reduce(0) { $0 + $1.seconds }
      #expect(abs(parts / step.seconds - 1) < 1e-6, "\(parts) of \(step.seconds)")
      let names = step.parts.map(\.name)
      for name in ["attention", "attention, backward", "norms", "head and loss", "update"] {
        #expect(names.contains(name), "\(names)")
      }
      #expect(step.parts.contains { $0.name.hasPrefix("linear") && $0.flops > 0 })
    }
  }

  @Test("a tokenizer's texts and tokens are counted; a file without texts is refused")
  func tokenize() throws {
    let folder = try models()
    defer { folder.remove() }
    let tokenizer = Fixtures.folder("tokenizer/smollm2").path(percentEncoded: false)
    let texts = folder.root.appending(path: "texts.txt")
    try Data("A dog runs.\r\nA dog runs.\n\nZwei Hunde schlafen".utf8).write(to: texts)
    let report = try TokenizeReport(tokenizer, texts: texts, passes: 3)
    #expect(report.texts == 3 && report.bytes == 41 && report.seconds.count == 3)
    #expect(report.tokens == 4 + 4 + 9, "as HF's tokenizers counts them")
    #expect(report.textsPerSecond > 0 && report.loadingSeconds > 0)
    try Data("\n".utf8).write(to: texts)
    #expect(throws: BenchmarkError.self) {
      try TokenizeReport(tokenizer, texts: texts, passes: 1)
    }
  }

  @Test("a model of the wrong kind, or of none, is refused")
  func kinds() throws {
    let folder = try models()
    defer { folder.remove() }
    try folder.addLanguageModel("bert", #"{"model_type": "bert"}"#)
    #expect(throws: BenchmarkError.self) { try BenchmarkModel(folder.path("bert"), random: true) }
    #expect(throws: BenchmarkError.self) {
      try GenerationReport(
        BenchmarkModel(folder.path("vit"), random: true), batch: 1, visualTokens: 1, newTokens: 2,
        precision: .float32, threads: 1)
    }
    #expect(throws: BenchmarkError.self) {
      try EncodeReport(
        BenchmarkModel(folder.path("llama"), random: true), images: 1, batch: 1,
        precision: .float32, threads: 1)
    }
  }

  @Test("the program prints JSON, and names the dump's sizes as wrong usage")
  func program() throws {
    let folder = try models()
    defer { folder.remove() }
    let ending = try Program.run(
      [
        "bench", "step", "--model", "llama", "--random", "--batch", "2", "--patches", "3",
        "--width", "4", "--caption", "3", "--steps", "1", "--threads", "1", "--json",
      ], in: folder.root)
    #expect(ending.code == 0, "\(ending)")
    let json = try JSONValue(parsing: ending.output)
    #expect(json["losses"]?.array?.count == 2 && json["weights"]?.string == "random")
    let wrong = try Program.run(
      ["bench", "step", "--model", "llama", "--dump", "x", "--batch", "2"], in: folder.root)
    #expect(wrong.code == 64 && wrong.errors.contains("--dump gives the sizes"))
    let absent = try Program.run(
      ["bench", "encode", "--model", "vit"], in: folder.root)
    #expect(absent.code == 65 && absent.errors.contains("no weights"), "\(absent)")
  }
}
