import CKernels
import Testing

@Suite struct ElementwiseTests {
  /// A sum in float lanes has other bits with another number of lanes, and fused products have others.
  @Test func theFormThatIsNamedIsTheOneThatRuns() throws {
    let name = String(cString: dk_instruction_set())
    let form = try #require(
      (0..<dk_form_count()).first { String(cString: dk_form_name($0)) == name })
    let (a, b) = (noise(577, seed: 17), noise(577, seed: 18))
    let chosen = output(1) { dk_row_dots(a, 577, b, 577, $0, 1, 577) }
    let kernel = dk_row_dots_form(form) ?? dk_row_dots_form(form - 1)
    expectSameBits(chosen, output(1) { kernel?(a, 577, b, 577, $0, 1, 577) }, name)
  }

  @Test(arguments: lengths) func fillAndCopyWriteEveryElement(n: Int) {
    let x = noise(n, seed: 1)
    for (form, fill) in forms(dk_fill_form) {
      expectSameBits(output(n) { fill($0, 2.5, n) }, Array(repeating: 2.5, count: n), form)
    }
    for (form, copy) in forms(dk_copy_form) {
      expectSameBits(output(n) { copy(x, $0, n, 0) }, x, form)
      expectSameBits(output(n, start: 3) { copy(x, $0, n, 1) }, x.map { 3 + $0 }, form)
    }
  }

  @Test(arguments: lengths) func sumsAndProductsEqualSwiftFloats(n: Int) {
    let a = noise(n, seed: 2)
    let b = noise(n, seed: 3)
    for (form, add) in forms(dk_add_form) {
      expectSameBits(output(n) { add(a, b, $0, n) }, zip(a, b).map { $0 + $1 }, form)
      expectSameBits(onCopy(of: a) { add($0, b, $0, n) }, zip(a, b).map { $0 + $1 }, form)
    }
    for (form, scale) in forms(dk_scale_form) {
      expectSameBits(output(n) { scale(a, 0.3, $0, n, 0) }, a.map { $0 * 0.3 }, form)
      expectSameBits(onCopy(of: a) { scale($0, 0.3, $0, n, 0) }, a.map { $0 * 0.3 }, form)
      expectSameBits(
        onCopy(of: b) { scale(a, 0.3, $0, n, 1) }, zip(a, b).map { $1 + $0 * 0.3 }, form)
    }
    for (form, multiply) in forms(dk_multiply_form) {
      expectSameBits(output(n) { multiply(a, b, $0, n, 0) }, zip(a, b).map { $0 * $1 }, form)
      expectSameBits(
        output(n, start: 1) { multiply(a, b, $0, n, 1) }, zip(a, b).map { 1 + $0 * $1 }, form)
    }
  }

  @Test(arguments: lengths) func columnsAreBiasedAndScaledInEveryRow(width: Int) {
    let rows = 3
    let x = noise(rows * width, seed: 4)
    let column = noise(width, seed: 5)
    let biased = x.indices.map { x[$0] + column[$0 % width] }
    let scaled = x.indices.map { x[$0] * column[$0 % width] }
    for (form, addBias) in forms(dk_add_bias_form) {
      expectSameBits(output(x.count) { addBias(x, column, $0, rows, width) }, biased, form)
      expectSameBits(onCopy(of: x) { addBias($0, column, $0, rows, width) }, biased, form)
    }
    for (form, scale) in forms(dk_scale_columns_form) {
      expectSameBits(output(x.count) { scale(x, column, $0, rows, width, 0) }, scaled, form)
      expectSameBits(
        output(x.count, start: 1) { scale(x, column, $0, rows, width, 1) }, scaled.map { 1 + $0 },
        form)
    }
  }

  /// Rows are added in order, so the twin in `Float` gives the same bits.
  @Test(arguments: [0, 1, 3, 4, 5, 11], lengths)
  func rowsAreSummedInOrder(rows: Int, width: Int) {
    let a = noise(rows * width, seed: 6)
    let b = noise(rows * width, seed: 7)
    for start: Float in [0, 2] {
      let accumulate: Int32 = start == 0 ? 0 : 1
      var sums = [Float](repeating: start, count: width)
      var products = sums
      for i in a.indices {
        sums[i % width] += a[i]
        products[i % width] += a[i] * b[i]
      }
      for (form, sumRows) in forms(dk_sum_rows_form) {
        expectSameBits(
          output(width, start: start) { sumRows(a, $0, rows, width, accumulate) }, sums, form)
      }
      for (form, sumProducts) in forms(dk_sum_rows_product_form) {
        expectSameBits(
          output(width, start: start) { sumProducts(a, b, $0, rows, width, accumulate) }, products,
          form)
      }
    }
  }

  // 1e-13 of the terms: double sums in another order. Sums in float would be off by 1e-8.
  @Test(arguments: lengths + [49_152]) func reductionsRunInDouble(n: Int) {
    let a = noise(n, seed: 8, scale: 3)
    let b = noise(n, seed: 9)
    let sum = doubles(a).reduce(0, +)
    let size = Double(n) * 9 * 1e-13
    for (form, kernel) in forms(dk_sum_form) {
      #expect(abs(kernel(a, n) - sum) <= size, "\(form)")
    }
    for (form, kernel) in forms(dk_sum_squares_form) {
      #expect(abs(kernel(a, n) - dot(doubles(a), doubles(a))) <= size, "\(form)")
    }
    for (form, kernel) in forms(dk_dot_form) {
      #expect(abs(kernel(a, b, n) - dot(doubles(a), doubles(b))) <= size, "\(form)")
    }
  }

  @Test(arguments: lengths.filter { $0 > 0 }) func argmaxIsTheFirstOfEquals(n: Int) {
    for (form, argmax) in forms(dk_argmax_form) {
      for place in Set([0, n / 3, n / 2, n - 1]) {
        var x = noise(n, seed: 10)
        x[place] = 5
        #expect(argmax(x, n) == place, "\(form)")
        x[n - 1] = 5
        #expect(argmax(x, n) == place, "\(form)")
      }
      #expect(argmax([Float](repeating: -.infinity, count: n), n) == 0, "\(form)")
      #expect(argmax([Float](repeating: .nan, count: n), n) == 0, "\(form)")
    }
  }

  @Test func argmaxPassesOverNaN() {
    let x: [Float] = [.nan, -3, .nan, -1, -2, .nan, -1, -7, .nan, -9]
    for (form, argmax) in forms(dk_argmax_form) {
      #expect(argmax(x, x.count) == 3, "\(form)")
      #expect(argmax(x, 0) == 0, "\(form)")
    }
  }
}
