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

  /// y = x Wᵀ (+ y) in float32: x `[rows, inputs]`, W `[outputs, inputs]`.
  static func multiply(
    _ x: UnsafePointer<Float>, rows: Int, inputs: Int, transposed weight: UnsafePointer<Float>,
    outputs: Int, to y: UnsafeMutablePointer<Float>, accumulates: Bool
  ) {
    if let most = ProductRule.directRows(of: rows, inputs: inputs, .float32) {
      forEachBlock(of: rows, atMost: most) { first, count in
        dk_few_rows_transposed(
          x + first * inputs, inputs, weight, inputs, y + first * outputs, outputs, count, inputs,
          outputs, accumulates ? 1 : 0)
      }
    } else {
      multiply(
        transposeB: true, m: rows, n: outputs, k: inputs, x, inputs, weight, inputs,
        beta: accumulates ? 1 : 0, y, outputs)
    }
  }

  /// The same from bfloat16 numbers, summed in float32.
  static func multiply(
    _ x: UnsafePointer<UInt16>, rows: Int, inputs: Int, transposed weight: UnsafePointer<UInt16>,
    outputs: Int, to y: UnsafeMutablePointer<Float>, accumulates: Bool
  ) {
    if let most = ProductRule.directRows(of: rows, inputs: inputs, .bfloat16) {
      forEachBlock(of: rows, atMost: most) { first, count in
        dk_few_rows_transposed_bf16(
          x + first * inputs, inputs, weight, inputs, y + first * outputs, outputs, count, inputs,
          outputs, accumulates ? 1 : 0)
      }
    } else {
      multiply(
        ProductForm(
          transposeB: true, m: rows, n: outputs, k: inputs, lda: inputs, ldb: inputs, ldc: outputs,
          accumulates: accumulates), ProductOperands(a: x, b: weight, c: y))
    }
  }

  /// Calls `body` with the first row and the number of rows of blocks of about one size.
  @inline(__always)
  private static func forEachBlock(of rows: Int, atMost most: Int, _ body: (Int, Int) -> Void) {
    guard rows > 0 else { return }
    let blocks = (rows + most - 1) / most
    for block in 0..<blocks {
      let first = rows * block / blocks
      body(first, rows * (block + 1) / blocks - first)
    }
  }

  /// C = op(A) · op(B) (+ C) of bfloat16 numbers, summed in float32; A as it is and dense, as are B's rows.
  static func multiply(_ form: ProductForm, _ operands: ProductOperands<UInt16>) {
    guard form.m > 0, form.n > 0 else { return }
    if ProductRule.hasBrainKernels, !form.transposeB {
      dk_rows_bf16(
        operands.a, form.lda, operands.b, form.ldb, operands.c, form.ldc, form.m, form.k, form.n,
        form.accumulates ? 1 : 0)
    } else if ProductRule.hasBFloat16Products {
      OneDNN.current.product(form, operands)
    } else {
      WidenedProducts.multiply(form, operands)
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
  private static let hasKernels = instructionSet >= .avx2
  private static let makesPrimitives = instructionSet >= .avx512

  /// Whether bfloat16 products are the CPU's own. `DRAGOMAN_BFLOAT16=emulated` in the environment says no:
  /// inputs are rounded as always, the products are float32's.
  static let hasBFloat16Products =
    instructionSet >= .avx512BFloat16
    && ProcessEnvironment.value(of: "DRAGOMAN_BFLOAT16") != "emulated"

  /// Measured on Zen 4 and, with AVX2 alone, on the same (issue 10): `dnnl_sgemm` is 3 to 15 % faster than
  /// OpenBLAS but where B comes transposed. With AVX-512 a primitive repacks it in less time, as long as the
  /// rows are not so many that this no longer counts.
  @inline(__always)
  static func engine(of form: ProductForm) -> Engine {
    guard hasKernels else { return .openBLAS }
    guard makesPrimitives, form.transposeB, !form.transposeA, form.alpha == 1,
      form.m >= 32, form.m < 1024, form.n * form.k >= 1 << 14,
      form.lda == form.k, form.ldb == form.k, form.ldc == form.n
    else { return .oneDNNGeneral }
    return .oneDNNPrimitive
  }

  /// Rows of x at a time in a product with a transposed weight that is read as it lies; nil where a general
  /// product, which packs the weight first, is faster.
  ///
  /// Few rows, as generation has them, never pay for packing. With AVX-512 the rows that stay in the
  /// second-level cache run at the CPU's full rate.
  @inline(__always)
  static func directRows(of rows: Int, inputs: Int, _ precision: ComputePrecision) -> Int? {
    let isFew = rows <= 64 && rows * inputs <= 1 << 17
    switch precision {
    case .float32:
      if isFew { return 64 }
      return hasWideKernels && inputs <= 1024 ? max((1 << 16) / inputs, 16) : nil
    case .bfloat16:
      if isFew, instructionSet != .amx || rows < 16 { return 64 }
      return hasBrainKernels ? max((1 << 17) / inputs, 16) : nil
    }
  }

  private static let hasWideKernels = KernelInformation.instructionSet.hasPrefix("avx512")
  /// Whether our own kernels run bfloat16 products: with AVX512_BF16 they need no packed copy of a weight and no
  /// primitive for each number of rows. AMX is oneDNN's.
  static let hasBrainKernels =
    KernelInformation.instructionSet == "avx512+bf16" && hasBFloat16Products
    && instructionSet != .amx
}
