import Testing

@testable import Tensors

/// Convolution channel by channel over packed grids, and the scaling of whole sequences.
@Suite struct ConvolutionTests {
  private static let grids = [
    PackedGrid(start: 0, size: GridSize(rows: 3, columns: 2)),
    PackedGrid(start: 6, size: GridSize(rows: 1, columns: 4)),
  ]

  /// Σ of kernel times neighbours, written out; nothing leaks from one grid into the next.
  @Test(arguments: [1, 3, 5]) func depthwiseIsACrossCorrelation(_ side: Int) {
    let (channels, reach) = (3, side / 2)
    let input = noise(10 * channels, "input")
    let weight = noise(channels * side * side, "weight")
    var expected = [Double](repeating: 0, count: input.count)
    for grid in Self.grids {
      for place in 0..<grid.size.count {
        let (row, column) = (place / grid.size.columns, place % grid.size.columns)
        for (i, j) in (0..<side * side).map({ ($0 / side, $0 % side) }) {
          let (y, x) = (row + i - reach, column + j - reach)
          guard (0..<grid.size.rows).contains(y), (0..<grid.size.columns).contains(x) else {
            continue
          }
          for channel in 0..<channels {
            expected[(grid.start + place) * channels + channel] +=
              Double(weight[channel * side * side + i * side + j])
              * Double(input[(grid.start + y * grid.size.columns + x) * channels + channel])
          }
        }
      }
    }
    let tape = Tape(recordsGradients: false)
    let parameter = ParameterStore().add("w", shape: [channels, 1, side, side], values: weight)
    let output = tape.depthwise(
      tape.tensor(input, rows: 10, width: channels), parameter, grids: Self.grids)
    expectClose(tape.values(output), expected, absolute: 1e-5, relative: 1e-5)
  }

  @Test func depthwiseGradients() {
    GradientCheck(inputs: [(10, 3)], weights: [[3, 1, 3, 3]]) { tape, inputs, weights in
      tape.depthwise(inputs[0], weights[0], grids: Self.grids)
    }.run()
  }

  @Test func depthwiseAddsToAGradientThatIsThere() {
    GradientCheck(inputs: [(10, 3)], weights: [[3, 1, 3, 3]]) { tape, inputs, weights in
      tape.add(inputs[0], tape.depthwise(inputs[0], weights[0], grids: Self.grids))
    }.run()
  }

  @Test func scaledSequences() {
    GradientCheck(inputs: [(6, 3), (3, 3)]) { tape, inputs, _ in
      tape.scaled(Rows(inputs[0], Segments(lengths: [1, 3, 2])), by: inputs[1]).tensor
    }.run()
  }

  /// Squeeze and excitation: the factors come from the rows they scale.
  @Test func squeezeAndExcitation() {
    GradientCheck(inputs: [(6, 3)], weights: [[3, 3]]) { tape, inputs, weights in
      let rows = Rows(inputs[0], Segments(lengths: [4, 2]))
      let factors = tape.activation(.sigmoid, tape.linear(tape.mean(rows), weights[0]))
      return tape.scaled(rows, by: factors).tensor
    }.run()
  }
}
