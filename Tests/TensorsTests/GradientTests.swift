import Testing

@testable import Tensors

/// Every operation's gradient against finite differences, for all of its inputs and weights and for
/// each alone.
@Suite struct GradientTests {
  @Test func linear() {
    GradientCheck(inputs: [(5, 6)], weights: [[7, 6], [7]]) { tape, inputs, weights in
      tape.linear(inputs[0], weights[0], bias: weights[1])
    }.run()
  }

  @Test func linearWithoutBias() {
    GradientCheck(inputs: [(5, 6)], weights: [[7, 6]]) { tape, inputs, weights in
      tape.linear(inputs[0], weights[0])
    }.run()
  }

  @Test func linearWithResidual() {
    GradientCheck(inputs: [(5, 6), (5, 7)], weights: [[7, 6], [7]]) { tape, inputs, weights in
      tape.linear(inputs[0], weights[0], bias: weights[1], addingTo: inputs[1])
    }.run()
  }

  @Test func linearWhoseInputIsItsResidual() {
    GradientCheck(inputs: [(5, 6)], weights: [[6, 6], [6]]) { tape, inputs, weights in
      tape.linear(inputs[0], weights[0], bias: weights[1], addingTo: inputs[0])
    }.run()
  }

  @Test func chainOfLinears() {
    GradientCheck(inputs: [(4, 5)], weights: [[6, 5], [6], [3, 6], [3]]) { tape, inputs, weights in
      let hidden = tape.scoped {
        tape.activation(.silu, tape.linear(inputs[0], weights[0], bias: weights[1]))
      }
      return tape.linear(hidden, weights[2], bias: weights[3])
    }.run()
  }

  @Test func add() {
    GradientCheck(inputs: [(3, 4), (3, 4)]) { tape, inputs, _ in tape.add(inputs[0], inputs[1]) }
      .run()
  }

  @Test func addOfATensorToItself() {
    GradientCheck(inputs: [(3, 4)]) { tape, inputs, _ in tape.add(inputs[0], inputs[0]) }.run()
  }

  @Test func scale() {
    GradientCheck(inputs: [(3, 4)]) { tape, inputs, _ in tape.scale(inputs[0], by: -1.5) }.run()
  }

  @Test(arguments: Activation.allCases) func activation(_ activation: Activation) {
    // Away from 0, where ReLU has no derivative.
    let values = noise(24, "activation").map { $0 < 0 ? $0 - 0.1 : $0 + 0.1 }
    GradientCheck(inputs: [(4, 6)], values: ["input 0": values]) { tape, inputs, _ in
      tape.activation(activation, inputs[0])
    }.run()
  }

  @Test func swiglu() {
    GradientCheck(inputs: [(3, 5), (3, 5)]) { tape, inputs, _ in
      tape.swiglu(gate: inputs[0], up: inputs[1])
    }.run()
  }

  @Test func scaleColumns() {
    GradientCheck(inputs: [(4, 6)], weights: [[6]]) { tape, inputs, weights in
      tape.scaleColumns(inputs[0], by: weights[0])
    }.run()
  }

  @Test func layerNorm() {
    GradientCheck(inputs: [(4, 9)], weights: [[9], [9]]) { tape, inputs, weights in
      tape.layerNorm(inputs[0], weight: weights[0], bias: weights[1], epsilon: 1e-5)
    }.run()
  }

  @Test func rmsNorm() {
    GradientCheck(inputs: [(4, 9)], weights: [[9]]) { tape, inputs, weights in
      tape.rmsNorm(inputs[0], weight: weights[0], epsilon: 1e-6)
    }.run()
  }

  @Test func rmsNormOfEachHead() {
    GradientCheck(inputs: [(3, 8)], weights: [[4]]) { tape, inputs, weights in
      tape.rmsNorm(inputs[0], weight: weights[0], epsilon: 1e-6)
    }.run()
  }

  @Test func normalize() {
    GradientCheck(inputs: [(4, 9)]) { tape, inputs, _ in tape.normalize(inputs[0]) }.run()
  }

  @Test func rotary() {
    let table = RotaryTable(
      inverseFrequencies: RotaryTable.inverseFrequencies(headDimension: 4, theta: 100),
      positions: 9)
    GradientCheck(inputs: [(5, 8)]) { tape, inputs, _ in
      tape.rotary(inputs[0], table: table, positions: [0, 1, 5, 2, 8])
    }.run()
  }

  @Test func gatherWithRepeats() {
    GradientCheck(inputs: [(5, 3)]) { tape, inputs, _ in
      tape.gather(inputs[0], rows: [4, 0, 0, 2, 4, 4])
    }.run()
  }

  @Test func joinOfRunsThatOverlap() {
    GradientCheck(inputs: [(4, 3), (3, 3)]) { tape, inputs, _ in
      tape.join(
        inputs,
        runs: [
          RowRun(source: 1, rows: 1..<3), RowRun(source: 0, rows: 0..<3),
          RowRun(source: 1, rows: 0..<2), RowRun(source: 0, rows: 2..<4),
        ])
    }.run()
  }

  @Test func joinedSequences() {
    GradientCheck(inputs: [(5, 3), (3, 3)]) { tape, inputs, _ in
      tape.joined(
        Rows(inputs[0], Segments(lengths: [2, 3])), Rows(inputs[1], Segments(lengths: [1, 2]))
      ).tensor
    }.run()
  }

  @Test func parameterAsATensor() {
    GradientCheck(inputs: [(3, 4)], weights: [[3, 4]]) { tape, inputs, weights in
      tape.add(inputs[0], tape.parameter(weights[0]))
    }.run()
  }

  @Test func repeated() {
    GradientCheck(weights: [[1, 3, 4]]) { tape, _, weights in
      tape.repeated(weights[0], times: 4).tensor
    }.run()
  }

  @Test func combinedRows() {
    GradientCheck(weights: [[1, 3, 4]]) { tape, _, weights in
      tape.combined(weights[0], by: [1, 0, 0, 0.5, -0.25, 2])
    }.run()
  }

  @Test func addRepeated() {
    GradientCheck(inputs: [(6, 4)], weights: [[3, 4]]) { tape, inputs, weights in
      tape.addRepeated(inputs[0], weights[0])
    }.run()
  }

  @Test func embeddingWithRepeatedIds() {
    GradientCheck(weights: [[6, 4]]) { tape, _, weights in
      tape.embedding(weights[0], ids: [5, 0, 0, 2, 5])
    }.run()
  }

  @Test func meanOfEachSequence() {
    GradientCheck(inputs: [(6, 3)]) { tape, inputs, _ in
      tape.mean(Rows(inputs[0], Segments(lengths: [1, 3, 2])))
    }.run()
  }

  @Test func product() {
    GradientCheck(inputs: [(3, 5), (4, 5)]) { tape, inputs, _ in
      tape.product(inputs[0], transposed: inputs[1], scale: 0.7)
    }.run()
  }

  @Test func productWithItself() {
    GradientCheck(inputs: [(3, 5)]) { tape, inputs, _ in
      tape.product(inputs[0], transposed: inputs[0])
    }.run()
  }

  @Test func dot() {
    GradientCheck(
      inputs: [(3, 5)],
      loss: { tape, inputs, _ in tape.dot(inputs[0], probe: noise(15, "dot")) }
    ).run()
  }

  @Test func crossEntropyOverItsHead() {
    GradientCheck(
      inputs: [(5, 6)], weights: [[9, 6]],
      loss: { tape, inputs, weights in
        tape.crossEntropy(inputs[0], head: weights[0], targets: [0, 8, 3, 3, 1], scale: 0.2)
      }
    ).run()
  }

  /// More rows than go through the head at a time when it is frozen.
  @Test func crossEntropyInPieces() {
    let targets = (0..<150).map { Int32($0 % 4) }
    GradientCheck(
      inputs: [(150, 2)], weights: [[4, 2]],
      loss: { tape, inputs, weights in
        tape.crossEntropy(inputs[0], head: weights[0], targets: targets, scale: 0.1)
      }
    ).run()
  }

  @Test func contrastive() {
    GradientCheck(
      inputs: [(4, 5), (4, 5)], weights: [[1]], values: ["weight 0": [0.8]],
      loss: { tape, inputs, weights in
        tape.contrastive(inputs[0], inputs[1], logScale: weights[0], scale: 0.5)
      }
    ).run()
  }

  /// A loss may be scaled or added to another before the backward pass: the head learns by as much.
  @Test func aScaledLossScalesEveryGradient() {
    func gradients(_ factor: Float) -> [[Float]] {
      let check = GradientCheck(
        inputs: [(4, 5), (4, 5)], weights: [[4, 5], [1]],
        loss: { tape, inputs, weights in
          let entropy = tape.crossEntropy(
            inputs[0], head: weights[0], targets: [1, 0, 3, 2], scale: 0.25)
          let matched = tape.contrastive(inputs[0], inputs[1], logScale: weights[1])
          let sum = tape.scale(tape.add(entropy.tensor, matched.tensor), by: factor)
          return Loss(tensor: sum, value: Double(factor) * (entropy.value + matched.value))
        })
      return check.gradients(inputs: [0, 1], weights: [0, 1])
    }
    for (scaled, plain) in zip(gradients(3), gradients(1)) {
      expectClose(scaled, plain.map { 3 * $0 }, absolute: 1e-6, relative: 1e-5)
    }
  }

  @Test func attentionWithSharedKeysAndGroupedHeads() {
    let layout = AttentionLayout(blocks: [
      AttentionBlock(queries: 0..<2, shared: 0..<3, own: 3..<5, visible: 1),
      AttentionBlock(queries: 2..<5, shared: 0..<3, own: 5..<8, visible: 1),
    ])
    GradientCheck(inputs: [(5, 8), (8, 4), (8, 4)]) { tape, inputs, _ in
      tape.attention(
        queries: inputs[0], keys: inputs[1], values: inputs[2], heads: 4, layout: layout)
    }.run()
  }

  @Test func attentionOfATensorToItself() {
    GradientCheck(inputs: [(6, 4)]) { tape, inputs, _ in
      tape.attention(
        queries: inputs[0], keys: inputs[0], values: inputs[0], heads: 2,
        layout: .causal(Segments(lengths: [4, 2])))
    }.run()
  }
}
