import COpenBLAS

/// Single-threaded products: a lane is one thread, and OpenBLAS's own threads would change bits.
enum OpenBLAS {
  /// Set once, before the first product.
  private static let singleThreaded: Void = openblas_set_num_threads(1)

  @inline(__always)
  static func product(_ form: ProductForm, _ operands: ProductOperands<Float>) {
    _ = singleThreaded
    cblas_sgemm(
      CblasRowMajor, form.transposeA ? CblasTrans : CblasNoTrans,
      form.transposeB ? CblasTrans : CblasNoTrans, blasint(form.m), blasint(form.n),
      blasint(form.k), form.alpha, operands.a, blasint(form.lda), operands.b, blasint(form.ldb),
      form.accumulates ? 1 : 0, operands.c, blasint(form.ldc))
  }
}
