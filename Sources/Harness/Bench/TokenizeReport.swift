import Configuration
import Foundation
import Reports
import Storage
import Tensors
import Tokenizers

/// What `dragoman bench tokenize` prints.
public struct TokenizeReport: Encodable, Sendable {
  public var model: String
  public var texts: Int
  public var bytes: Int
  public var tokens: Int
  public var threads = 1
  /// From `tokenizer.json` on the disk to a tokenizer that is ready.
  public var loadingSeconds: Double
  /// Of the first pass, with no word known from before.
  public var firstSeconds: Double
  /// Of each later pass.
  public var seconds: [Double]
  public var textsPerSecond: Double
  public var tokensPerSecond: Double
  public var bytesPerSecond: Double
  public var peakMemoryBytes: Int

  /// Encodes each line of a file, on one thread, as huggingface/tokenizers does with
  /// `add_special_tokens=False`.
  ///
  /// - Parameters:
  ///   - reference: a folder with `tokenizer.json`, or `hf:ORG/NAME[@REV]`.
  ///   - texts: a UTF-8 file, a text a line.
  ///   - passes: over all texts, after the first.
  /// - Throws: `ModelFolderError`, `TokenizerError`, or ``BenchmarkError`` for a file without texts.
  public init(_ reference: String, texts file: URL, passes: Int) throws {
    // Beside a tokenizer alone there need not be a model's config.json.
    let folder =
      reference.hasPrefix("hf:")
      ? try ModelFolder(resolving: reference).url
      : URL(filePath: reference, directoryHint: .isDirectory)
    let loading = Stopwatch()
    let tokenizer = try Tokenizer(folder: folder)
    loadingSeconds = loading.seconds
    let lines = try Self.lines(file)
    model = reference
    texts = lines.count
    bytes = lines.reduce(0) { $0 + $1.utf8.count }
    func pass() -> (tokens: Int, seconds: Double) {
      let watch = Stopwatch()
      let tokens = lines.reduce(0) { $0 + tokenizer.encode($1).count }
      return (tokens, watch.seconds)
    }
    (tokens, firstSeconds) = pass()
    seconds = (0..<passes).map { _ in pass().seconds }
    let typical = seconds.median
    textsPerSecond = Double(texts) / typical
    tokensPerSecond = Double(tokens) / typical
    bytesPerSecond = Double(bytes) / typical
    peakMemoryBytes = KernelInformation.peakMemoryBytes
  }

  private static func lines(_ file: URL) throws -> [String] {
    let path = file.path(percentEncoded: false)
    guard let data = try? Data(contentsOf: file) else {
      throw BenchmarkError(
        description: "\(path): no such file, or not readable; it should hold a text a line.")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw BenchmarkError(description: "\(path): not UTF-8; convert the file to UTF-8.")
    }
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    guard !lines.isEmpty else {
      throw BenchmarkError(description: "\(path): no text in it; it should hold one a line.")
    }
    return lines
  }

  public var text: String {
    var lines = LabelledLines()
    let rate = NumberFormat.significant(3)
    let milliseconds = { (seconds: Double) in rate.text(1000 * seconds) + " ms" }
    lines.add(
      "texts a second", "\(rate.text(textsPerSecond)); \(rate.text(tokensPerSecond)) tokens")
    lines.add("rate", NumberFormat.amount(bytesPerSecond, "B/s"))
    lines.add(
      "a pass",
      "\(milliseconds(seconds.median)); the first, with new words, "
        + milliseconds(firstSeconds))
    lines.add("loading", milliseconds(loadingSeconds))
    lines.add("memory", "\(NumberFormat.bytes(peakMemoryBytes)) at peak")
    let count = NumberFormat.integer
    return "Tokenizer of \(model), one thread:\n"
      + "\(count.text(Double(texts))) texts, \(count.text(Double(bytes))) bytes, "
      + "\(count.text(Double(tokens))) tokens\n" + lines.text
  }
}
