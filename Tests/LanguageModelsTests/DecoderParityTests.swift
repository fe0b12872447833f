import Foundation
import Layers
import Storage
import Tensors
import TestSupport
import Testing

@testable import LanguageModels

/// Against `LlamaForCausalLM` and `Qwen2ForCausalLM` of transformers 4.57, tolerances of the fixtures.
@Suite struct DecoderParityTests {
  private let hiddenTolerance: (Float, Float) = (5e-5, 1e-4)
  private let gradientTolerance: (Float, Float) = (2e-5, 1e-3)

  @Test(arguments: DecoderFixture.names)
  func layerOutputsLogitsAndAttentionsEqualTransformers(_ name: String) throws {
    let fixture = try DecoderFixture(name)
    let model = fixture.model
    let tape = Tape(recordsGradients: false)
    tape.captures = Captures()
    let context = Context(tape: tape)
    let input = tape.tensor(
      try fixture.packed("inputs_embeds"), rows: fixture.segments.totalRows, width: model.width)
    let pass = DecoderPass(
      positions: fixture.positions, layout: .causal(fixture.segments),
      rotary: RotaryTable(
        inverseFrequencies: model.description.inverseFrequencies, positions: fixture.padded),
      cache: nil)
    var rows = input
    for (index, layer) in model.layers.enumerated() {
      rows = layer(rows, layer: index, pass: pass, in: context)
      let expected = try fixture.packed("layer_out.\(index)")
      #expect(excess(tape.values(rows), over: expected, hiddenTolerance) <= 0, "layer \(index)")
    }
    let hidden = model.hidden(
      input, positions: fixture.positions, layout: .causal(fixture.segments), in: context)
    let logits = tape.values(model.logits(hidden, in: context))
    #expect(excess(logits, over: try fixture.packed("logits"), hiddenTolerance) <= 0)
    for index in model.layers.indices {
      try compareAttention(tape.captures, layer: index, fixture)
    }
  }

  private func compareAttention(
    _ captures: Captures?, layer: Int, _ fixture: DecoderFixture
  ) throws {
    let expected = try fixture.io.floats("attentions.\(layer)")
    let blocks = try #require(captures?.attention["model.layers.\(layer).self_attn"])
    #expect(blocks.count == fixture.lengths.count)
    let padded = fixture.padded
    for (sequence, block) in blocks.enumerated() {
      var worst: Float = 0
      for head in 0..<block.heads {
        for query in 0..<block.queries {
          for key in 0..<block.keys {
            let theirs = expected[
              ((sequence * block.heads + head) * padded + query) * padded + key]
            let ours = block.probabilities[(head * block.queries + query) * block.keys + key]
            worst = max(worst, abs(theirs - ours))
          }
        }
      }
      #expect(worst < 1e-5, "layer \(layer), sequence \(sequence)")
    }
  }

  @Test(arguments: DecoderFixture.names)
  func lossAndEveryGradientEqualTransformers(_ name: String) throws {
    let fixture = try DecoderFixture(name)
    let model = fixture.model
    model.setTrainable(true)
    let tape = Tape()
    let context = Context(tape: tape)
    let input = tape.tensor(
      try fixture.packed("inputs_embeds"), rows: fixture.segments.totalRows, width: model.width,
      needsGradient: true)
    let (rows, targets) = try fixture.supervised(labels: "labels")
    let hidden = model.hidden(
      input, positions: fixture.positions, layout: .causal(fixture.segments), outputRows: rows,
      in: context)
    let loss = tape.crossEntropy(
      hidden, head: model.headWeight, targets: targets, scale: 1 / Float(targets.count))
    #expect(abs(Float(loss.value) - (try fixture.io.floats("loss")[0])) < 1e-5)
    tape.backward(from: loss.tensor)
    tape.collectWeightGradients(for: model.parameters)
    // Padded rows get no gradient.
    let expected = try fixture.packed("grad.inputs_embeds")
    #expect(excess(tape.gradient(of: input), over: expected, gradientTolerance) <= 0)
    try compareGradients("grad.", fixture)
  }

  @Test(arguments: DecoderFixture.names)
  func idsWithTiedEmbeddingsGiveTheSameGradients(_ name: String) throws {
    let fixture = try DecoderFixture(name)
    let model = fixture.model
    model.setTrainable(true)
    let tape = Tape()
    let context = Context(tape: tape)
    let (rows, targets) = try fixture.supervised(labels: "ids.labels")
    let ids = try fixture.packedIds("ids.input_ids")
    let hidden = model.hidden(
      model.embed(ids, in: context), positions: fixture.positions,
      layout: .causal(fixture.segments), in: context)
    let logits = tape.values(model.logits(hidden, in: context))
    #expect(excess(logits, over: try fixture.packed("ids.logits"), hiddenTolerance) <= 0)
    let loss = tape.crossEntropy(
      tape.gather(hidden, rows: rows), head: model.headWeight, targets: targets,
      scale: 1 / Float(targets.count))
    #expect(abs(Float(loss.value) - (try fixture.io.floats("ids.loss")[0])) < 1e-5)
    tape.backward(from: loss.tensor)
    tape.collectWeightGradients(for: model.parameters)
    try compareGradients("ids.grad.", fixture)
  }

  private func compareGradients(_ prefix: String, _ fixture: DecoderFixture) throws {
    let names = Set(fixture.io.names)
    var compared = 0
    for parameter in fixture.model.parameters where names.contains(prefix + parameter.name) {
      let expected = try fixture.io.floats(prefix + parameter.name)
      #expect(
        excess(parameter.gradient, over: expected, gradientTolerance) <= 0, "\(parameter.name)")
      compared += 1
    }
    let given = names.count { $0.hasPrefix(prefix) && $0 != prefix + "inputs_embeds" }
    #expect(compared == given && compared > 0)
  }

  @Test(arguments: DecoderFixture.names)
  func greedyIdsAndStepLogitsEqualTransformers(_ name: String) throws {
    let fixture = try DecoderFixture(name)
    let tape = Tape(recordsGradients: false)
    let prefixes = Rows(
      tape.tensor(
        try fixture.packed("inputs_embeds"), rows: fixture.segments.totalRows,
        width: fixture.model.width), fixture.segments)
    let expected = try fixture.lengths.indices.map { row in
      try fixture.io.int64s("gen.row\(row).ids").map { Int32($0) }
    }
    let logits = try fixture.lengths.indices.map { row in
      try fixture.io.floats("gen.row\(row).step_logits")
    }
    var step = 0
    let ids = Generator(fixture.model).generate(
      prefixes: GenerationPrefixes(prefixes), maxNewTokens: expected[0].count, endTokens: [],
      in: Context(tape: tape)
    ) { sequences, tensor in
      let width = fixture.model.vocabularySize
      for (row, sequence) in sequences.enumerated() {
        let theirs = Array(logits[sequence][step * width..<(step + 1) * width])
        #expect(excess(tape.row(row, of: tensor), over: theirs, hiddenTolerance) <= 0)
      }
      step += 1
    }
    #expect(ids == expected)
  }

  @Test(arguments: DecoderFixture.names)
  func outputRowsEqualThoseOfTheWholePass(_ name: String) throws {
    let fixture = try DecoderFixture(name)
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    let input = tape.tensor(
      try fixture.packed("inputs_embeds"), rows: fixture.segments.totalRows,
      width: fixture.model.width)
    let rows = [Int32](stride(from: 1, to: Int32(input.rows), by: 3))
    let whole = fixture.model.hidden(
      input, positions: fixture.positions, layout: .causal(fixture.segments), in: context)
    let some = fixture.model.hidden(
      input, positions: fixture.positions, layout: .causal(fixture.segments), outputRows: rows,
      in: context)
    let expected = tape.values(tape.gather(whole, rows: rows))
    #expect(excess(tape.values(some), over: expected, (1e-6, 1e-5)) <= 0)
  }
}

private func excess(
  _ values: [Float], over expected: [Float], _ tolerance: (absolute: Float, relative: Float)
) -> Float {
  excess(values, over: expected, absolute: tolerance.absolute, relative: tolerance.relative)
}
