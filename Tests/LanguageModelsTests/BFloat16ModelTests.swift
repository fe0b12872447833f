import Layers
import Storage
import Tensors
import TestSupport
import Testing

@testable import LanguageModels

@Suite("Language models in bfloat16")
struct BFloat16ModelTests {
  private func model(_ name: String, _ precision: ComputePrecision) throws -> LlamaForCausalLM {
    try LlamaForCausalLM(
      ModelFolder(resolving: Fixtures.folder(name).path),
      store: ParameterStore(matrices: precision), executor: LaneExecutor(threads: 2))
  }

  @Test("matrices are bfloat16, norms and biases float32", arguments: DecoderFixture.names)
  func formats(_ name: String) throws {
    let (narrow, wide) = (try model(name, .bfloat16), try model(name, .float32))
    for (a, b) in zip(narrow.parameters, wide.parameters) {
      #expect(a.precision == (a.shape.count > 1 ? .bfloat16 : .float32), "\(a.name)")
      // 8 bits: the nearest is within 2⁻⁸ of the value.
      #expect(excess(a.values, over: b.values, absolute: 0, relative: 0x1p-8) <= 0, "\(a.name)")
    }
    let copy = try narrow.copied(prefix: "arm.")
    for (a, b) in zip(copy.parameters, narrow.parameters) {
      #expect(a.precision == b.precision && a.values == b.values && a.name == "arm." + b.name)
    }
  }

  /// Against transformers in float32. A weight and an input each err by at most 2⁻⁸ of themselves, so a
  /// product by 2⁻⁷ of its terms' magnitudes. Terms of random sign add up to about the root mean square of the
  /// products' results; a logit lies behind 4 products a layer and the head.
  @Test(
    "logits, loss and gradients are transformers' within 8 bits", arguments: DecoderFixture.names)
  func parity(_ name: String) throws {
    let fixture = try DecoderFixture(name)
    let model = try model(name, .bfloat16)
    let tape = Tape()
    let context = Context(tape: tape)
    let input = tape.tensor(
      try fixture.packed("inputs_embeds"), rows: fixture.segments.totalRows, width: model.width,
      needsGradient: true)
    let hidden = model.hidden(
      input, positions: fixture.positions, layout: .causal(fixture.segments), in: context)
    let logits = tape.values(model.logits(hidden, in: context))
    let expected = try fixture.packed("logits")
    let products = Float(4 * model.layers.count + 1)
    let tolerance = products * 0x1p-7 * rootMeanSquare(expected)
    #expect(excess(logits, over: expected, absolute: tolerance, relative: 0) <= 0)
    // More than float32 would differ by: it is bfloat16 that ran.
    #expect(excess(logits, over: expected, absolute: tolerance / 1000, relative: 0) > 0)

    let (rows, targets) = try fixture.supervised(labels: "labels")
    let loss = tape.crossEntropy(
      tape.gather(hidden, rows: rows), head: model.headWeight, targets: targets,
      scale: 1 / Float(targets.count))
    // A logit and the log of the sum of all err by the tolerance.
    #expect(abs(Float(loss.value) - (try fixture.io.floats("loss")[0])) < 2 * tolerance)
    tape.backward(from: loss.tensor)
    // As many products back again. Their errors are independent: in the norm their squares add.
    let gradient = try fixture.packed("grad.inputs_embeds")
    let difference = zip(tape.gradient(of: input), gradient).map { $0 - $1 }
    #expect(
      rootMeanSquare(difference)
        <= (2 * products).squareRoot() * 0x1p-7 * rootMeanSquare(gradient))
  }

  private func rootMeanSquare(_ values: [Float]) -> Float {
    (values.reduce(0) { $0 + $1 * $1 } / Float(max(values.count, 1))).squareRoot()
  }
}
