import CKernels

/// Cosines and sines of rotary position embeddings for a range of positions.
///
/// Source: Su et al. 2021, *RoFormer*, arXiv:2104.09864; angles as transformers computes them
/// (float32 inverse frequencies, rotate-half pairing).
public final class RotaryTable: Sendable {
  public let headDimension: Int
  public let positions: Int
  let cosines: [Float]  // [positions, headDimension / 2]
  let sines: [Float]

  /// - Parameter inverseFrequencies: `[headDimension / 2]`, radians a position.
  public init(inverseFrequencies: [Float], positions: Int) {
    headDimension = inverseFrequencies.count * 2
    self.positions = positions
    var cosines: [Float] = []
    var sines: [Float] = []
    cosines.reserveCapacity(positions * inverseFrequencies.count)
    sines.reserveCapacity(positions * inverseFrequencies.count)
    for position in 0..<positions {
      for frequency in inverseFrequencies {
        let angle = Double(Float(position) * frequency)
        cosines.append(Float(cosine(angle)))
        sines.append(Float(sine(angle)))
      }
    }
    self.cosines = cosines
    self.sines = sines
  }

  /// θ^(−2i/d) for i < d/2.
  public static func inverseFrequencies(headDimension: Int, theta: Double) -> [Float] {
    (0..<headDimension / 2).map { index in
      Float(1 / power(theta, Double(2 * index) / Double(headDimension)))
    }
  }
}

struct RotaryOperation {
  let input: Tensor
  let table: RotaryTable
  let positions: [Int32]
  let output: Tensor

  func rotate(
    _ x: UnsafeMutablePointer<Float>, to y: UnsafeMutablePointer<Float>, direction: Int32
  ) {
    dk_rotary(
      x, y, output.rows, output.width / table.headDimension, table.headDimension, positions,
      table.cosines, table.sines, direction, 0)
  }

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let dy = tape.arrived(output)
    rotate(dy, to: dy, direction: -1)
    tape.passGradient(of: output, to: input)
  }
}

extension Tape {
  /// Turns each head's pairs (i, i + d/2) by the angle of the row's position.
  ///
  /// Shapes: `[R, heads · d]` → the same; one position a row. Consumes `input` where it can: do not
  /// use it afterwards.
  /// - Precondition: positions are below the table's.
  public func rotary(_ input: Tensor, table: RotaryTable, positions: [Int32]) -> Tensor {
    precondition(positions.count == input.rows, "one position for each of \(input.rows) rows")
    precondition(
      positions.allSatisfy { $0 >= 0 && Int($0) < table.positions },
      "a position is beyond the rotary table of \(table.positions)")
    let source = pointer(input)
    let output = consume(input) ?? allocate(rows: input.rows, width: input.width)
    let operation = RotaryOperation(
      input: input, table: table, positions: positions, output: output)
    operation.rotate(source, to: pointer(output), direction: 1)
    record(.rotary(operation), output: output, inputs: input)
    return output
  }
}
