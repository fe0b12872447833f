import Testing

@testable import Tensors

/// The bfloat16 bits nearest to each value, ties to even: the upper half of a float32, by integers.
func bits(_ values: [Float]) -> [UInt16] {
  values.map { value in
    let pattern = value.bitPattern
    let lower = pattern & 0xFFFF
    let isUp = lower > 0x8000 || lower == 0x8000 && pattern & 0x1_0000 != 0
    return UInt16(pattern >> 16) + (isUp ? 1 : 0)
  }
}

/// Values rounded to bfloat16.
func rounded(_ values: [Float]) -> [Float] {
  bits(values).map { Float(bitPattern: UInt32($0) << 16) }
}

@Suite("Products")
struct ProductTests {
  struct Shape: CustomTestStringConvertible {
    let m: Int
    let n: Int
    let k: Int
    var testDescription: String { "\(m) × \(n) × \(k)" }
  }

  /// Shapes of few and many rows, of each engine, with and without remainders of its blocks.
  static let shapes = [
    Shape(m: 1, n: 1, k: 1), Shape(m: 3, n: 5, k: 2), Shape(m: 17, n: 33, k: 65),
    Shape(m: 64, n: 192, k: 576), Shape(m: 273, n: 192, k: 576), Shape(m: 530, n: 97, k: 64),
    Shape(m: 70, n: 64, k: 3001), Shape(m: 16, n: 3001, k: 64),
  ]

  /// Σ a b in double precision and Σ |a b|, from which the error of float32 sums follows.
  private static func reference(
    _ form: ProductForm, _ a: [Float], _ b: [Float], _ c: [Float]
  ) -> (values: [Double], magnitudes: [Double]) {
    var values: [Double] = []
    var magnitudes: [Double] = []
    for row in 0..<form.m {
      for column in 0..<form.n {
        let start = form.accumulates ? Double(c[row * form.ldc + column]) : 0
        var (sum, magnitude) = (0.0, 0.0)
        for index in 0..<form.k {
          let x = a[form.transposeA ? index * form.lda + row : row * form.lda + index]
          let y = b[form.transposeB ? column * form.ldb + index : index * form.ldb + column]
          sum += Double(x) * Double(y)
          magnitude += abs(Double(x) * Double(y))
        }
        values.append(start + Double(form.alpha) * sum)
        magnitudes.append(abs(start) + abs(Double(form.alpha)) * magnitude)
      }
    }
    return (values, magnitudes)
  }

  /// A float32 sum of k products, in whatever order, errs by at most (k + 2) · 2⁻²⁴ of Σ |a b|.
  private static func expectSums(
    _ c: [Float], _ form: ProductForm, _ a: [Float], _ b: [Float], start: [Float], _ label: String
  ) {
    let (values, magnitudes) = reference(form, a, b, start)
    var worst = 0.0
    for row in 0..<form.m {
      for column in 0..<form.n {
        let index = row * form.n + column
        let bound = Double(form.k + 2) * 0x1p-24 * magnitudes[index] + 1e-37
        worst = max(worst, abs(Double(c[row * form.ldc + column]) - values[index]) / bound)
      }
    }
    #expect(worst <= 1, "\(label): \(worst) of what float32 sums may err by")
  }

  @Test(
    "each engine computes the product, transposed or not, added or not, inside larger matrices",
    arguments: shapes, [false, true])
  func engines(shape: Shape, accumulates: Bool) {
    for (transposeA, transposeB) in [(false, false), (false, true), (true, false)] {
      for padding in [0, 3] {
        let form = ProductForm(
          transposeA: transposeA, transposeB: transposeB, m: shape.m, n: shape.n, k: shape.k,
          lda: (transposeA ? shape.m : shape.k) + padding,
          ldb: (transposeB ? shape.k : shape.n) + padding, ldc: shape.n + padding,
          accumulates: accumulates)
        let a = noise((transposeA ? shape.k : shape.m) * form.lda, "a")
        let b = noise((transposeB ? shape.n : shape.k) * form.ldb, "b")
        let start = noise(shape.m * form.ldc, "c")
        let engines: [(String, (ProductForm, ProductOperands<Float>) -> Void)] = [
          ("OpenBLAS", OpenBLAS.product), ("dnnl_sgemm", OneDNN.general),
          ("oneDNN primitive", { OneDNN.current.product($0, $1) }),
        ]
        for (name, multiply) in engines {
          var c = start
          c.withUnsafeMutableBufferPointer { c in
            a.withUnsafeBufferPointer { a in
              b.withUnsafeBufferPointer { b in
                guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else {
                  return
                }
                multiply(form, ProductOperands(a: a, b: b, c: c))
              }
            }
          }
          Self.expectSums(c, form, a, b, start: start, "\(name) \(form)")
        }
      }
    }
  }

  @Test(
    "bfloat16 weights: inputs rounded to nearest even, sums in float32, by the CPU and by rounding",
    arguments: shapes, [false, true])
  func bfloat16(shape: Shape, accumulates: Bool) {
    for transposed in [false, true] {
      let form = ProductForm(
        transposeB: transposed, m: shape.m, n: shape.n, k: shape.k, lda: shape.k,
        ldb: transposed ? shape.k : shape.n, ldc: shape.n, accumulates: accumulates)
      let (a, b) = (noise(shape.m * shape.k, "a"), noise(shape.k * shape.n, "b"))
      let start = noise(shape.m * shape.n, "c")
      let (left, right) = (bits(a), bits(b))
      for widens in [false, true] {
        var c = start
        c.withUnsafeMutableBufferPointer { c in
          left.withUnsafeBufferPointer { a in
            right.withUnsafeBufferPointer { b in
              guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else {
                return
              }
              let operands = ProductOperands(a: a, b: b, c: c)
              if widens {
                WidenedProducts.multiply(form, operands)
              } else {
                Products.multiply(form, operands)
              }
            }
          }
        }
        Self.expectSums(
          c, form, rounded(a), rounded(b), start: start,
          "\(widens ? "rounding" : ProductInformation.bfloat16) \(form)")
      }
    }
  }
}
