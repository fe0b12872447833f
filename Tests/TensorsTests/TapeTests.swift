import Testing

@testable import Tensors

@Suite struct TapeTests {
  private let store = ParameterStore()

  private func weight(_ name: String, _ shape: [Int], scale: Float = 0.3) -> Parameter {
    store.add(name, shape: shape, values: noise(shape.reduce(1, *), name, scale: scale))
  }

  /// Ten blocks x + W₂ gelu(W₁ norm(x)), scoped or not.
  private func blocks(
    _ tape: Tape, _ input: Tensor, _ weights: [[Parameter]], scoped: Bool
  ) -> Tensor {
    weights.reduce(input) { x, block in
      let body = { () -> Tensor in
        let normed = tape.layerNorm(x, weight: block[0], bias: block[1], epsilon: 1e-5)
        let hidden = tape.activation(.gelu, tape.linear(normed, block[2]))
        return tape.linear(hidden, block[3], addingTo: x)
      }
      return scoped ? tape.scoped(body) : body()
    }
  }

  private func blockWeights(width: Int) -> [[Parameter]] {
    (0..<10).map { index in
      [
        weight("\(index).norm", [width]), weight("\(index).bias", [width]),
        weight("\(index).first", [4 * width, width]),
        weight("\(index).second", [width, 4 * width]),
      ]
    }
  }

  @Test func scopesDoNotChangeResults() {
    let weights = blockWeights(width: 16)
    let all = weights.flatMap { $0 }
    store.setTrainable(all, true)
    func run(scoped: Bool) -> [[Float]] {
      let tape = Tape()
      let input = tape.tensor(noise(20 * 16, "x"), rows: 20, width: 16, needsGradient: true)
      let output = blocks(tape, input, weights, scoped: scoped)
      let values = tape.values(output)
      tape.backward(from: tape.dot(output, probe: noise(20 * 16, "probe")).tensor)
      tape.collectWeightGradients(for: all)
      return [values, tape.gradient(of: input)] + all.map(\.gradient)
    }
    for (scoped, plain) in zip(run(scoped: true), run(scoped: false)) {
      expectSameBits(scoped, plain)
    }
  }

  @Test func scopesFreeWhatNoBackwardPassReads() {
    let weights = blockWeights(width: 64)
    func peak(scoped: Bool) -> Int {
      let pool = BufferPool()
      let tape = Tape(pool: pool, recordsGradients: false)
      let input = tape.tensor(noise(64 * 64, "x"), rows: 64, width: 64)
      _ = blocks(tape, input, weights, scoped: scoped)
      return pool.peakBytes
    }
    // In widths: unscoped 10 a block; scoped 1 a block (its result) and 10 of the block that runs.
    #expect(peak(scoped: true) * 4 < peak(scoped: false))
  }

  /// A frozen stretch before trained weights keeps no activations.
  @Test func frozenWeightsKeepNothing() {
    let weights = blockWeights(width: 64)
    let head = weight("head", [3, 64])
    store.setTrainable([head], true)
    func peak(frozen: Bool) -> Int {
      store.setTrainable(weights.flatMap { $0 }, !frozen)
      let pool = BufferPool()
      let tape = Tape(pool: pool)
      let input = tape.tensor(noise(64 * 64, "x"), rows: 64, width: 64)
      let output = tape.linear(blocks(tape, input, weights, scoped: true), head)
      tape.backward(from: tape.dot(output, probe: noise(64 * 3, "probe")).tensor)
      return pool.peakBytes
    }
    #expect(peak(frozen: true) * 4 < peak(frozen: false))
  }

  @Test func aFrozenWeightHasNoGradientBuffer() {
    let (first, second) = (weight("a", [8, 4]), weight("b", [8, 4]))
    #expect(store.gradientBase(of: first) == nil)
    store.setTrainable([first], true)
    #expect(store.gradientBase(of: first) != nil)
    #expect(store.gradientBase(of: second) == nil)
    #expect(second.gradient == [Float](repeating: 0, count: 32))

    let tape = Tape()
    let x = tape.tensor(noise(8, "x"), rows: 2, width: 4)
    let sum = tape.add(tape.linear(x, first), tape.linear(x, second))
    tape.backward(from: tape.dot(sum, probe: noise(16, "probe")).tensor)
    tape.collectWeightGradients(for: [first, second])
    #expect(first.gradient.contains { $0 != 0 })
    #expect(store.gradientBase(of: second) == nil)
    store.setTrainable([first], false)
    #expect(store.gradientBase(of: first) == nil)
  }

  /// A weight used in two places learns from both.
  @Test func gradientsOfASharedWeightAdd() {
    let shared = weight("shared", [4, 4])
    store.setTrainable([shared], true)
    func gradient(_ graph: (Tape, Tensor) -> Tensor) -> [Float] {
      let tape = Tape()
      let x = tape.tensor(noise(12, "x"), rows: 3, width: 4)
      tape.backward(from: tape.dot(graph(tape, x), probe: noise(12, "probe")).tensor)
      tape.collectWeightGradients(for: [shared])
      return shared.gradient
    }
    let once = gradient { tape, x in tape.linear(x, shared) }
    let twice = gradient { tape, x in tape.add(tape.linear(x, shared), tape.linear(x, shared)) }
    expectClose(twice, once.map { 2 * $0 }, absolute: 1e-5)
  }

  @Test func aTapeWithoutRecordingGivesTheSameValues() {
    let weights = blockWeights(width: 16)
    store.setTrainable(weights.flatMap { $0 }, true)
    func values(records: Bool) -> [Float] {
      let tape = Tape(recordsGradients: records)
      let input = tape.tensor(noise(5 * 16, "x"), rows: 5, width: 16)
      return tape.values(blocks(tape, input, weights, scoped: true))
    }
    expectSameBits(values(records: false), values(records: true))
  }

  @Test func rotaryTurnsPairsByThePositionsAngle() {
    let table = RotaryTable(inverseFrequencies: [0.5, 0.25], positions: 4)
    let tape = Tape()
    let x: [Float] = [1, 2, 3, 4, 1, 2, 3, 4]
    let y = tape.rotary(tape.tensor(x, rows: 2, width: 4), table: table, positions: [0, 3])
    var expected: [Double] = [1, 2, 3, 4]
    let angles = [1.5, 0.75]
    expected += (0..<2).map {
      Double(x[$0]) * cosine(angles[$0]) - Double(x[$0 + 2]) * sine(angles[$0])
    }
    expected += (0..<2).map {
      Double(x[$0 + 2]) * cosine(angles[$0]) + Double(x[$0]) * sine(angles[$0])
    }
    expectClose(tape.values(y), expected, absolute: 1e-6)
  }
}
