import CKernels

/// What a product computes: C = alpha · op(A) · op(B) (+ C), row-major; op(A) is `[m, k]`, op(B) `[k, n]`.
struct ProductForm: Hashable {
  var transposeA = false
  var transposeB = false
  var m: Int
  var n: Int
  var k: Int
  /// Numbers from one row to the next, of A and B as they lie in memory.
  var lda: Int
  var ldb: Int
  var ldc: Int
  var alpha: Float = 1
  /// Whether the product is added to what C holds.
  var accumulates = false
}

/// Where the matrices of a product lie.
struct ProductOperands<Input> {
  let a: UnsafePointer<Input>
  let b: UnsafePointer<Input>
  let c: UnsafeMutablePointer<Float>
}

/// Matrix products on the calling thread alone.
///
/// The engine follows from the CPU's instruction set and the shape, so that bits repeat; which thread
/// computes a product and how many there are changes nothing.
enum Products {
  /// C = alpha · op(A) · op(B) + beta · C in float32, row-major; op(A) is `[m, k]`, op(B) is `[k, n]`.
  ///
  /// - Precondition: `beta` is 0 or 1.
  @inline(__always)
  static func multiply(
    transposeA: Bool = false, transposeB: Bool = false,
    m: Int, n: Int, k: Int, alpha: Float = 1,
    _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int,
    beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    guard m > 0, n > 0 else { return }
    let form = ProductForm(
      transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, lda: lda, ldb: ldb,
      ldc: ldc, alpha: alpha, accumulates: beta != 0)
    let operands = ProductOperands(a: a, b: b, c: c)
    switch ProductRule.engine(of: form) {
    case .openBLAS: OpenBLAS.product(form, operands)
    case .oneDNNGeneral: OneDNN.general(form, operands)
    case .oneDNNPrimitive: OneDNN.current.product(form, operands)
    }
  }

  /// y = x Wᵀ (+ y): x `[rows, inputs]`, W `[outputs, inputs]` in either format.
  ///
  /// With bfloat16 weights x is rounded to bfloat16 and the products are summed in float32.
  static func multiply(
    _ x: UnsafePointer<Float>, rows: Int, inputs: Int, transposed weight: MatrixValues,
    outputs: Int, to y: UnsafeMutablePointer<Float>, accumulates: Bool
  ) {
    guard rows > 0, outputs > 0 else { return }
    // A step of generation has few rows: a general product would spend its time packing the weights.
    if rows <= 64, rows * inputs <= 1 << 17, case .float32(let w) = weight {
      dk_few_rows_transposed(
        x, inputs, w, inputs, y, outputs, rows, inputs, outputs, accumulates ? 1 : 0)
      return
    }
    let form = ProductForm(
      transposeB: true, m: rows, n: outputs, k: inputs, lda: inputs, ldb: inputs, ldc: outputs,
      accumulates: accumulates)
    multiply(form, x, weight, y)
  }

  /// dx = dy W (+ dx): dy `[rows, outputs]`, W `[outputs, inputs]` in either format.
  ///
  /// With bfloat16 weights dy is rounded to bfloat16 and the products are summed in float32.
  static func multiply(
    _ dy: UnsafePointer<Float>, rows: Int, outputs: Int, by weight: MatrixValues, inputs: Int,
    to dx: UnsafeMutablePointer<Float>, accumulates: Bool
  ) {
    guard rows > 0, inputs > 0 else { return }
    let form = ProductForm(
      m: rows, n: inputs, k: outputs, lda: outputs, ldb: inputs, ldc: inputs,
      accumulates: accumulates)
    multiply(form, dy, weight, dx)
  }

  private static func multiply(
    _ form: ProductForm, _ a: UnsafePointer<Float>, _ weight: MatrixValues,
    _ c: UnsafeMutablePointer<Float>
  ) {
    switch weight {
    case .float32(let b):
      multiply(
        transposeB: form.transposeB, m: form.m, n: form.n, k: form.k, a, form.lda, b, form.ldb,
        beta: form.accumulates ? 1 : 0, c, form.ldc)
    case .bfloat16(let b):
      if ProductRule.hasBFloat16Products {
        let thread = OneDNN.current
        let rounded = thread.rounded(a, count: form.m * form.k)
        thread.product(form, ProductOperands(a: rounded, b: b, c: c))
      } else {
        RoundedProducts.multiply(form, a, b, c)
      }
    }
  }
}

/// Which engine computes a product.
enum ProductRule {
  enum Engine {
    case openBLAS
    /// `dnnl_sgemm`.
    case oneDNNGeneral
    /// A primitive made for the shape.
    case oneDNNPrimitive
  }

  static let instructionSet = InstructionSet.effective

  /// Whether bfloat16 products are the CPU's own. `DRAGOMAN_BFLOAT16=emulated` in the environment says no:
  /// inputs are rounded as always, the products are float32's.
  static let hasBFloat16Products =
    instructionSet >= .avx512BFloat16
    && ProcessEnvironment.value(of: "DRAGOMAN_BFLOAT16") != "emulated"

  @inline(__always)
  static func engine(of form: ProductForm) -> Engine { .openBLAS }
}
