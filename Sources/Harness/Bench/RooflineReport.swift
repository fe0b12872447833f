import Foundation
import LanguageModels
import Reports
import Tensors

/// What `dragoman bench roofline` prints: the parts of a training step beside what the machine can give.
public struct RooflineReport: Encodable, Sendable {
  public struct Part: Encodable, Sendable {
    public var name: String
    public var calls: Int
    public var flops: Double
    public var bytes: Double
    public var seconds: Double
    public var shareOfStep: Double
    public var flopsPerSecond: Double
    public var bytesPerSecond: Double
    /// Of the best product rate in this precision; 0 for parts without products.
    public var shareOfBestRate: Double
  }

  public struct Step: Encodable, Sendable {
    public var precision: String
    /// Of products of frozen weights, the best of several shapes, on one thread.
    public var bestFlopsPerSecond: Double
    public var seconds: Double
    public var flopsPerSecond: Double
    public var loss: Double
    public var parts: [Part]
  }

  public var model: String
  public var images: Int
  public var visualTokens: Int
  public var engine: String
  public var instructionSet: String
  /// Read and written by a copy, on one thread.
  public var copyBytesPerSecond: Double
  public var steps: [Step]

  /// One thread, one step to warm up and one that is measured, for each precision.
  public init(_ model: BenchmarkModel, sizes: TrainingStepBenchmark.Sizes, lanes: Int) throws {
    self.model = model.folder.reference
    images = sizes.batch
    visualTokens = sizes.patches
    engine = ComputePrecision.bfloat16.productsText
    instructionSet = KernelInformation.instructionSet
    copyBytesPerSecond = CopyRate.measure()
    let executor = LaneExecutor(threads: ProcessInfo.processInfo.activeProcessorCount)
    steps = try ComputePrecision.allCases.map { precision in
      let language = try model.languageModel(precision: precision, executor: executor)
      let benchmark = TrainingStepBenchmark(sizes, vocabulary: language.vocabularySize)
      let width = language.width
      let wide = language.description.feedForwardWidth
      let best = [(512, width, wide), (1024, wide, width), (1024, 1024, 1024)]
        .map { rows, inputs, outputs in
          ProductRate(rows: rows, inputs: inputs, outputs: outputs, precision: precision)
            .measure(threads: 1)
        }.max()
      let result = try benchmark.run(
        language, steps: 3, lanes: lanes, threads: 1, isProfiled: true)
      let seconds = result.seconds.last ?? 0
      return Step(
        precision: precision.rawValue, bestFlopsPerSecond: best ?? 0, seconds: seconds,
        flopsPerSecond: result.stepFLOPs / seconds, loss: result.losses[0],
        parts: result.parts.map { Part($0, step: seconds, best: best ?? 0) }
          .sorted { $0.seconds > $1.seconds })
    }
  }

  public var text: String {
    var text =
      "Training step of an MLP projector, \(model) frozen: \(images) images, \(visualTokens) visual "
      + "tokens each, on one thread.\nProducts: \(engine); kernels: \(instructionSet); a copy moves "
      + "\(NumberFormat.amount(copyBytesPerSecond, "B/s")).\n"
    for step in steps {
      text +=
        "\n\(step.precision): \(NumberFormat.decimals(3).text(step.seconds)) s a step, "
        + "\(NumberFormat.amount(step.flopsPerSecond, "FLOP/s")); best product rate "
        + "\(NumberFormat.amount(step.bestFlopsPerSecond, "FLOP/s"))\n" + step.table.text()
    }
    return text
  }
}

extension RooflineReport.Part {
  fileprivate init(_ part: TapeProfile.Part, step: Double, best: Double) {
    let rate = part.seconds > 0 ? part.flops / part.seconds : 0
    self.init(
      name: part.name, calls: part.calls, flops: part.flops, bytes: part.bytes,
      seconds: part.seconds, shareOfStep: part.seconds / step, flopsPerSecond: rate,
      bytesPerSecond: part.seconds > 0 ? part.bytes / part.seconds : 0,
      shareOfBestRate: best > 0 ? rate / best : 0)
  }
}

extension RooflineReport.Step {
  /// Parts that take more than a thousandth of the step.
  fileprivate var table: ResultTable {
    ResultTable(
      title: "Parts of the step",
      columns: [
        .init("Part", alignment: .left), .init("Calls", format: .integer),
        .init("FLOP", format: .prefixed(3)), .init("Bytes", format: .prefixed(3)),
        .init("Time", unit: "s", format: .decimals(3)),
        .init("Of the step", unit: "%", format: .decimals(1)),
        .init("FLOP/s", format: .prefixed(3)), .init("Bytes/s", format: .prefixed(3)),
        .init("Of the best rate", unit: "%", format: .decimals(0)),
      ],
      rows: parts.filter { $0.shareOfStep > 0.001 }.map { part in
        let multiplies = part.flops > 0
        return ResultTable.Row([
          .text(part.name), .number(Double(part.calls)),
          multiplies ? .number(part.flops) : .missing,
          part.bytes > 0 ? .number(part.bytes) : .missing, .number(part.seconds),
          .number(100 * part.shareOfStep), multiplies ? .number(part.flopsPerSecond) : .missing,
          part.bytes > 0 ? .number(part.bytesPerSecond) : .missing,
          multiplies ? .number(100 * part.shareOfBestRate) : .missing,
        ])
      })
  }
}

/// How fast memory is copied.
enum CopyRate {
  /// Bytes read and written a second by one thread, of blocks larger than the caches.
  static func measure() -> Double {
    let count = 64 << 20
    let source = [UInt8](repeating: 1, count: count)
    var target = [UInt8](repeating: 0, count: count)
    func copy() {
      target.withUnsafeMutableBytes { target in
        source.withUnsafeBytes { target.copyMemory(from: $0) }
      }
    }
    copy()
    let watch = Stopwatch()
    let times = 8
    for _ in 0..<times { copy() }
    return Double(2 * count * times) / watch.seconds
  }
}
