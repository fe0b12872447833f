import CKernels
import Testing

@Suite struct ProductTests {
  /// Rows, inputs, outputs: around the kernels' blocks of 3 or 4 rows, 4 outputs, 8 to 32 inputs and 32 or
  /// 64 columns, 6 rows and 128 inputs.
  static let shapes = [
    (1, 1, 1), (2, 7, 3), (3, 8, 4), (4, 9, 5), (5, 64, 33), (16, 100, 41), (7, 270, 64),
    (64, 31, 9), (3, 0, 4), (6, 17, 70), (9, 33, 12), (14, 259, 130),
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
        ? forms(dk_few_rows_transposed_form)
        : forms(dk_few_rows_form)
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

  /// In bfloat16 a product of two numbers is exact, so only the sums are rounded, as in float32.
  @Test(arguments: shapes)
  func productsOfBrainFloatsEqualDoublePrecisionAtAnyStrideAndAddWhereAsked(
    rows: Int, inputs: Int, outputs: Int
  ) {
    let (ldx, ldy) = (inputs + 3, outputs + 2)
    let x = Self.brainFloats(noise(rows * ldx, seed: 64))
    // What lies between the rows is no part of the product.
    let notANumber: UInt16 = 0x7fc0
    let xBits = x.indices.map { $0 % ldx < inputs ? x[$0] : notANumber }
    for transposed in [true, false] {
      let width = transposed ? inputs : outputs
      let ldw = width + 5
      let w = Self.brainFloats(noise((transposed ? outputs : inputs) * ldw + 1, seed: 65))
      let wBits = w.indices.map { $0 % ldw < width ? w[$0] : notANumber }
      let kernels =
        transposed ? forms(dk_few_rows_transposed_bf16_form) : forms(dk_rows_bf16_form)
      for start in [Float(0), 2] {
        var expected = [Double](repeating: Double(start), count: rows * ldy)
        for row in 0..<rows {
          for column in 0..<outputs {
            expected[row * ldy + column] += (0..<inputs).reduce(0.0) { sum, i in
              sum + Self.value(x[row * ldx + i])
                * Self.value(transposed ? w[column * ldw + i] : w[i * ldw + column])
            }
          }
        }
        for (form, kernel) in kernels {
          let y = onCopy(
            of: (0..<rows * ldy).map { $0 % ldy < outputs && start == 0 ? .nan : start }
          ) {
            kernel(xBits, ldx, wBits, ldw, $0, ldy, rows, inputs, outputs, start == 0 ? 0 : 1)
          }
          expectClose(y, expected, relative: 1e-6, absolute: 4e-6, form)
        }
      }
    }
  }

  @Test func aRowsBitsDoNotDependOnTheOtherRows() {
    let (rows, inputs, outputs) = (11, 100, 41)
    let x = noise(rows * inputs, seed: 62)
    let w = noise(inputs * outputs, seed: 63)
    for (transposed, kernels) in [
      (true, forms(dk_few_rows_transposed_form)), (false, forms(dk_few_rows_form)),
    ] {
      for (form, kernel) in kernels {
        expectRowsAlone(x, rows: rows, outputs: outputs, form) { x, y, rows in
          kernel(
            x, inputs, w, transposed ? inputs : outputs, y, outputs, rows, inputs, outputs, 0)
        }
      }
    }
    let brainX = Self.brainFloats(x)
    let brainW = Self.brainFloats(w)
    for (transposed, kernels) in [
      (true, forms(dk_few_rows_transposed_bf16_form)), (false, forms(dk_rows_bf16_form)),
    ] {
      for (form, kernel) in kernels {
        expectRowsAlone(brainX, rows: rows, outputs: outputs, form) { x, y, rows in
          kernel(
            x, inputs, brainW, transposed ? inputs : outputs, y, outputs, rows, inputs, outputs, 0)
        }
      }
    }
  }

  /// Outputs computed in two parts, as two threads do, have the bits of those computed together.
  @Test(arguments: [4, 6, 20]) func anOutputsBitsDoNotDependOnTheOtherOutputs(first: Int) {
    let (rows, inputs, outputs) = (5, 100, 41)
    let x = Self.brainFloats(noise(rows * inputs, seed: 66))
    let w = Self.brainFloats(noise(inputs * outputs, seed: 67))
    for (form, kernel) in forms(dk_few_rows_transposed_bf16_form) {
      let all = output(rows * outputs) {
        kernel(x, inputs, w, inputs, $0, outputs, rows, inputs, outputs, 0)
      }
      let parts = output(rows * outputs) {
        kernel(x, inputs, w, inputs, $0, outputs, rows, inputs, first, 0)
        kernel(
          x, inputs, Array(w[(first * inputs)...]), inputs, $0 + first, outputs, rows, inputs,
          outputs - first, 0)
      }
      expectSameBits(parts, all, form)
    }
  }

  private func expectRowsAlone<Number>(
    _ x: [Number], rows: Int, outputs: Int, _ form: String,
    product: ([Number], UnsafeMutablePointer<Float>, Int) -> Void
  ) {
    let inputs = x.count / rows
    let all = output(rows * outputs) { product(x, $0, rows) }
    for row in 0..<rows {
      let alone = output(outputs) { product(Array(x[row * inputs..<(row + 1) * inputs]), $0, 1) }
      expectSameBits(alone, Array(all[row * outputs..<(row + 1) * outputs]), form)
    }
  }

  private static func brainFloats(_ values: [Float]) -> [UInt16] {
    var bits = [UInt16](repeating: 0, count: values.count)
    dk_f32_to_bf16(values, &bits, values.count)
    return bits
  }

  private static func value(_ bits: UInt16) -> Double {
    Double(Float(bitPattern: UInt32(bits) << 16))
  }
}
