import Synchronization
import Testing

@testable import Tensors

@Suite struct LanesTests {
  /// A small model with every kind of weight gradient: embedding, norm, linear, repeated rows,
  /// head.
  private final class Model: Sendable {
    let store = ParameterStore()
    let table: Parameter
    let prompt: Parameter
    let gain: Parameter
    let first: Parameter
    let bias: Parameter
    /// More than one block of rows.
    let head: Parameter

    var parameters: [Parameter] { [table, prompt, gain, first, bias, head] }

    init() {
      let store = store
      func weight(_ name: String, _ shape: [Int]) -> Parameter {
        store.add(name, shape: shape, values: noise(shape.reduce(1, *), name, scale: 0.5))
      }
      table = weight("table", [11, 24])
      prompt = weight("prompt", [1, 2, 24])
      gain = weight("gain", [24])
      first = weight("first", [24, 24])
      bias = weight("bias", [24])
      head = weight("head", [700, 24])
      store.setTrainable(parameters, true)
    }

    /// The share of the loss of some of 13 samples, of 3 tokens each.
    func loss(_ samples: Range<Int>, on tape: Tape) -> Loss? {
      guard !samples.isEmpty else { return nil }
      let ids = samples.flatMap { sample in (0..<3).map { Int32((sample * 5 + $0 * 3) % 11) } }
      let words = Rows(
        tape.embedding(table, ids: ids), .uniform(count: samples.count, length: 3))
      let rows = tape.joined(tape.repeated(prompt, times: samples.count), words)
      let hidden = tape.scoped {
        let normed = tape.rmsNorm(rows.tensor, weight: gain, epsilon: 1e-6)
        let mixed = tape.attention(
          queries: normed, keys: normed, values: normed, heads: 3, layout: .causal(rows.segments))
        return tape.linear(mixed, first, bias: bias, addingTo: rows.tensor)
      }
      let targets = samples.flatMap { sample in (0..<5).map { Int32((sample * 5 + $0) * 37 % 700) }
      }
      return tape.crossEntropy(hidden, head: head, targets: targets, scale: 1 / 65)
    }
  }

  private func gradients(lanes: Int, threads: Int) -> (loss: Double, gradients: [[Float]]) {
    let model = Model()
    let runner = Lanes(count: lanes, threads: threads)
    let parts = Lanes.split(13, lanes: lanes)
    var loss = 0.0
    for _ in 0..<3 {  // later steps reuse the buffers of earlier ones
      loss = runner.gradients(of: model.parameters) { lane, tape in
        model.loss(parts[lane], on: tape)
      }
    }
    return (loss, model.parameters.map(\.gradient))
  }

  @Test(arguments: [2, 3, 5]) func theThreadsDoNotChangeABit(threads: Int) {
    let one = gradients(lanes: 8, threads: 1)
    let many = gradients(lanes: 8, threads: threads)
    #expect(one.loss == many.loss)
    for (a, b) in zip(one.gradients, many.gradients) { expectSameBits(a, b) }
    #expect(one.gradients.allSatisfy { $0.contains { $0 != 0 } })
  }

  /// 17 lanes for 13 samples: some have none.
  @Test(arguments: [2, 8, 17]) func lanesAddUpToOneLane(lanes: Int) {
    let one = gradients(lanes: 1, threads: 1)
    let several = gradients(lanes: lanes, threads: 2)
    #expect(abs(one.loss - several.loss) < 1e-6)
    for (a, b) in zip(several.gradients, one.gradients) {
      expectClose(a, b, absolute: 1e-6, relative: 1e-5)
    }
  }

  @Test func splitCoversEverySampleOnce() {
    for (samples, lanes) in [(13, 8), (3, 8), (0, 2), (32, 8)] {
      let parts = Lanes.split(samples, lanes: lanes)
      #expect(parts.count == lanes)
      #expect(parts.flatMap(Array.init) == Array(0..<samples))
      let lengths = parts.map(\.count)
      #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 1)
    }
  }

  @Test func memoryIsReusedFromStepToStep() {
    let model = Model()
    let lanes = Lanes(count: 4, threads: 1)
    var allocated: [Int] = []
    for step in 0..<6 {
      lanes.gradients(of: model.parameters) { lane, tape in
        // Packed batches differ by a few rows from step to step.
        model.loss(lane * 12..<lane * 12 + 12 - (step == 3 ? 1 : 0), on: tape)
      }
      allocated.append(lanes.pool.allocatedBytes)
    }
    #expect(allocated[1...].allSatisfy { $0 == allocated[1] }, "\(allocated)")
    #expect(allocated[0] > 0)
    lanes.pool.trim()
    #expect(lanes.pool.allocatedBytes == 0)
  }

  @Test func executorRunsEachPieceOnce() {
    for threads in 1...3 {
      let seen = Mutex<[Int]>([])
      LaneExecutor(threads: threads).run(count: 50) { index in seen.withLock { $0.append(index) } }
      #expect(seen.withLock { $0.sorted() } == Array(0..<50))
    }
  }

  @Test func executorThrowsTheErrorOfTheLowestIndex() {
    struct Failure: Error, Equatable { let index: Int }
    for threads in 1...3 {
      #expect(throws: Failure(index: 7)) {
        try LaneExecutor(threads: threads).map(count: 20) { index throws(Failure) -> Int in
          if index == 7 || index == 13 { throw Failure(index: index) }
          return index
        }
      }
      #expect(
        LaneExecutor(threads: threads).map(count: 20) { $0 * $0 } == (0..<20).map { $0 * $0 })
    }
  }
}
