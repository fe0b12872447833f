import Testing

@testable import Tensors

/// The float32 numbers that bfloat16 weights hold are compared with; what they round their inputs to is
/// in ``rounded(_:)``.
@Suite("Weights kept in bfloat16")
struct BFloat16Tests {
  private static func matrix(
    _ name: String, _ shape: [Int], in store: ParameterStore
  ) -> Parameter {
    store.addMatrix(name, shape: shape) { buffer in
      buffer.write { _ = $0.update(fromContentsOf: noise(shape.reduce(1, *), name)) }
    }
  }

  @Test("a matrix is rounded to nearest even, ties and overflow included; other weights are not")
  func formats() {
    let store = ParameterStore(matrices: .bfloat16)
    let tie = Float(bitPattern: 0x3F80_8000)
    let upperTie = Float(bitPattern: 0x3F81_8000)
    let values: [Float] = [
      1, tie, upperTie, tie.nextUp, tie.nextDown, -tie.nextUp, .greatestFiniteMagnitude, 0, -0.0,
      .infinity, Float(bitPattern: 0x1_2345),
    ]
    let matrix = store.addMatrix("m", shape: [1, values.count]) { buffer in
      buffer.write { _ = $0.update(fromContentsOf: values) }
    }
    let vector = store.add("v", shape: [values.count], values: values)
    #expect(matrix.precision == .bfloat16 && vector.precision == .float32)
    expectSameBits(matrix.values, rounded(values))
    #expect(matrix.values[1] == 1 && matrix.values[2] == Float(bitPattern: 0x3F82_0000))
    #expect(matrix.values[6] == .infinity)
    expectSameBits(vector.values, values)
    matrix.assign(values.map { 3 * $0 })
    expectSameBits(matrix.values, rounded(values.map { 3 * $0 }))
  }

  @Test("a matrix takes half the memory, in values and in shapes", arguments: [false, true])
  func memory(shapes: Bool) {
    func store(_ precision: ComputePrecision) -> (bytes: Int, weight: Parameter, allocated: Int) {
      let store = ParameterStore(shapes ? .shapes : .values, matrices: precision)
      let weight = store.addMatrix("w", shape: [1024, 1024]) { buffer in
        buffer.write { $0.update(repeating: 0.5) }
      }
      return (weight.byteCount, weight, store.allocatedBytes)
    }
    let (float32, bfloat16) = (store(.float32), store(.bfloat16))
    #expect(float32.bytes == 4 << 20 && bfloat16.bytes == 2 << 20)
    #expect(float32.allocated == (shapes ? 0 : 4 << 20))
    #expect(bfloat16.allocated == (shapes ? 0 : 2 << 20))
  }

  @Test("a copy has the same bits; one of another format is rounded or widened")
  func copies() {
    let (narrow, wide) = (ParameterStore(matrices: .bfloat16), ParameterStore())
    let a = Self.matrix("a", [3, 5], in: narrow)
    let b = Self.matrix("b", [3, 5], in: narrow)
    let c = Self.matrix("c", [3, 5], in: wide)
    let exact = c.values
    b.assign(from: c)
    expectSameBits(b.values, rounded(exact))
    b.assign(from: a)
    expectSameBits(b.values, a.values)
    c.assign(from: a)
    expectSameBits(c.values, a.values)
  }

  /// Few rows and many take different ways.
  @Test(
    "a linear map rounds its input and nothing else, forward and backward",
    arguments: [1, 3, 70, 300], [false, true])
  func linear(rows: Int, hasResidual: Bool) {
    let store = ParameterStore(matrices: .bfloat16)
    let (inputs, outputs) = (96, 50)
    let weight = Self.matrix("w", [outputs, inputs], in: store)
    let bias = store.add("b", shape: [outputs], values: noise(outputs, "b"))
    let (x, probe) = (noise(rows * inputs, "x"), noise(rows * outputs, "probe"))
    let residual = noise(rows * outputs, "residual")
    let tape = Tape()
    let input = tape.tensor(x, rows: rows, width: inputs, needsGradient: true)
    let added = tape.tensor(residual, rows: rows, width: outputs, needsGradient: true)
    let output = tape.linear(input, weight, bias: bias, addingTo: hasResidual ? added : nil)
    let computed = tape.values(output)
    tape.backward(from: tape.dot(output, probe: probe).tensor)

    let (w, xr, dr) = (weight.values, rounded(x), rounded(probe))
    var y = [Double](repeating: 0, count: rows * outputs)
    var dx = [Double](repeating: 0, count: rows * inputs)
    for row in 0..<rows {
      for out in 0..<outputs {
        let place = row * outputs + out
        y[place] = Double(bias.values[out]) + (hasResidual ? Double(residual[place]) : 0)
        for index in 0..<inputs {
          let value = Double(w[out * inputs + index])
          y[place] += Double(xr[row * inputs + index]) * value
          dx[row * inputs + index] += Double(dr[place]) * value
        }
      }
    }
    // Float32 sums of at most 98 numbers whose magnitudes add up to less than 200: 98 · 2⁻²⁴ · 200.
    expectClose(computed, y, absolute: 1.2e-3, "y")
    expectClose(tape.gradient(of: input), dx, absolute: 1.2e-3, "dx")
    if hasResidual { expectSameBits(tape.gradient(of: added), probe, "residual's gradient") }
  }

  @Test("an embedding looks up the widened rows")
  func embedding() {
    let store = ParameterStore(matrices: .bfloat16)
    let table = Self.matrix("table", [7, 12], in: store)
    let tape = Tape()
    let rows = tape.values(tape.embedding(table, ids: [6, 0, 6]))
    let values = table.values
    expectSameBits(rows, Array(values[72...] + values[..<12] + values[72...]))
  }

  /// The reference is the same operation in float32 on the rounded numbers; its own parity is tested elsewhere.
  @Test("a head's loss, log probabilities and hidden gradients are those of the rounded numbers")
  func crossEntropy() {
    let (rows, width, vocabulary) = (150, 64, 230)
    let narrow = ParameterStore(matrices: .bfloat16)
    let head = Self.matrix("head", [vocabulary, width], in: narrow)
    let wide = ParameterStore().add(
      "head", shape: [vocabulary, width], values: head.values)
    let bias = narrow.add("bias", shape: [vocabulary], values: noise(vocabulary, "bias"))
    let hidden = noise(rows * width, "hidden", scale: 0.2)
    let targets = (0..<rows).map { Int32($0 * 37 % vocabulary) }
    func run(_ weight: Parameter, _ values: [Float]) -> (Double, [Double], [Float]) {
      let tape = Tape()
      let input = tape.tensor(values, rows: rows, width: width, needsGradient: true)
      let loss = tape.crossEntropy(input, head: weight, bias: bias, targets: targets, scale: 1)
      let log = tape.logProbabilities(input, head: weight, bias: bias, targets: targets)
      tape.backward(from: loss.tensor)
      return (loss.value, log, tape.gradient(of: input))
    }
    let (loss, log, gradient) = run(head, hidden)
    let (expectedLoss, expectedLog, expectedGradient) = run(wide, rounded(hidden))
    // Logits of 64 products of magnitude about 0.2 each err by 64 · 2⁻²⁴ · 13 at most.
    #expect(abs(loss - expectedLoss) < Double(rows) * 5e-5)
    expectClose(log, expectedLog, absolute: 5e-5)
    // The logits' gradients, probabilities in sum 2 a row, are rounded by at most 2⁻⁸ of themselves before they
    // meet weights of at most 4.5.
    expectClose(gradient, expectedGradient, absolute: 2 * 4.5 / 256)
    #expect(zip(gradient, expectedGradient).contains { $0 != $1 })
  }

  @Test("the numbers of threads do not change a bit", arguments: [2, 3])
  func threads(threads: Int) {
    let store = ParameterStore(matrices: .bfloat16)
    let table = Self.matrix("table", [300, 64], in: store)
    let first = Self.matrix("first", [64, 64], in: store)
    let prompt = store.add("prompt", shape: [40, 64], values: noise(40 * 64, "prompt"))
    store.setTrainable([prompt], true)
    func step(_ threads: Int) -> (Double, [Float]) {
      let lanes = Lanes(count: 5, threads: threads)
      let loss = lanes.gradients(of: [prompt]) { lane, tape in
        let rows = tape.repeated(prompt, times: 2 + lane).tensor
        let hidden = tape.linear(rows, first, addingTo: rows)
        let targets = (0..<hidden.rows).map { Int32($0 * 7 % 300) }
        return tape.crossEntropy(hidden, head: table, targets: targets, scale: 1 / 800)
      }
      return (loss, prompt.gradient)
    }
    let (one, many) = (step(1), step(threads))
    #expect(one.0 == many.0)
    expectSameBits(one.1, many.1)
    #expect(one.1.contains { $0 != 0 })
  }

  @Test("what trains is float32")
  func trainable() async {
    await #expect(processExitsWith: .failure) {
      let store = ParameterStore(matrices: .bfloat16)
      let weight = store.addMatrix("w", shape: [2, 2]) { _ in }
      store.setTrainable([weight], true)
    }
  }
}
