import CKernels
import Testing

@Suite struct ProductTests {
  /// Rows, inputs, outputs: around the kernels' blocks of 3 rows, 4 outputs, 8 lanes and 32 columns.
  static let shapes = [
    (1, 1, 1), (2, 7, 3), (3, 8, 4), (4, 9, 5), (5, 64, 33), (16, 100, 41), (7, 270, 64),
    (64, 31, 9), (3, 0, 4),
  ]

  @Test(arguments: shapes)
  func productsEqualDoublePrecisionAtAnyStrideAndAddWhereAsked(
    rows: Int, inputs: Int, outputs: Int
  ) {
    let (ldx, ldy) = (inputs + 3, outputs + 2)
    let x = noise(rows * ldx, seed: 60)
    for transposed in [true, false] {
      let ldw = (transposed ? inputs : outputs) + 5
      let w = noise((transposed ? outputs : inputs) * ldw + 1, seed: 61)
      let kernels =
        transposed
        ? forms(dk_few_rows_transposed, dk_few_rows_transposed_portable)
        : forms(dk_few_rows, dk_few_rows_portable)
      for start in [Float(0), 2] {
        var expected = [Double](repeating: Double(start), count: rows * ldy)
        for row in 0..<rows {
          for column in 0..<outputs {
            expected[row * ldy + column] += (0..<inputs).reduce(0.0) { sum, i in
              sum + Double(x[row * ldx + i])
                * Double(transposed ? w[column * ldw + i] : w[i * ldw + column])
            }
          }
        }
        for (form, kernel) in kernels {
          // Without accumulation what was there before must not matter.
          let y = onCopy(
            of: (0..<rows * ldy).map { $0 % ldy < outputs && start == 0 ? .nan : start }
          ) {
            kernel(x, ldx, w, ldw, $0, ldy, rows, inputs, outputs, start == 0 ? 0 : 1)
          }
          expectClose(y, expected, relative: 1e-6, absolute: 4e-6, form)
        }
      }
    }
  }

  @Test func aRowsBitsDoNotDependOnTheOtherRows() {
    let (rows, inputs, outputs) = (11, 100, 41)
    let x = noise(rows * inputs, seed: 62)
    for transposed in [true, false] {
      let w = noise(inputs * outputs, seed: 63)
      let ldw = transposed ? inputs : outputs
      let kernel = transposed ? dk_few_rows_transposed : dk_few_rows
      let all = output(rows * outputs) {
        kernel(x, inputs, w, ldw, $0, outputs, rows, inputs, outputs, 0)
      }
      for row in 0..<rows {
        let alone = output(outputs) {
          kernel(
            Array(x[row * inputs..<(row + 1) * inputs]), inputs, w, ldw, $0, outputs, 1, inputs,
            outputs, 0)
        }
        expectSameBits(alone, Array(all[row * outputs..<(row + 1) * outputs]))
      }
    }
  }
}
