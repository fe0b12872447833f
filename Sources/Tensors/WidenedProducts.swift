import CKernels

/// bfloat16 products where the CPU has none of its own: the rounded inputs are widened, and float32 products
/// sum them. A product of two bfloat16 numbers is exact in float32, so the meaning is the same.
enum WidenedProducts {
  /// Numbers of a block of B that is widened at a time: 1 MB, which stays in the cache.
  private static let blockCount = 1 << 18

  /// As ``ProductForm`` says; A `[m, k]` and B, `[n, k]` or `[k, n]` as it lies in memory, are dense.
  static func multiply(_ form: ProductForm, _ operands: ProductOperands<UInt16>) {
    let (rows, width) = form.transposeB ? (form.n, form.k) : (form.k, form.n)
    let blockRows = min(max(blockCount / max(width, 1), 1), rows)
    let a = OneDNN.current.floats(form.m * form.k + blockRows * width)
    let block = a + form.m * form.k
    dk_bf16_to_f32(operands.a, a, form.m * form.k)
    for first in stride(from: 0, to: rows, by: blockRows) {
      let count = min(blockRows, rows - first)
      dk_bf16_to_f32(operands.b + first * width, block, count * width)
      if form.transposeB {
        Products.multiply(
          transposeB: true, m: form.m, n: count, k: form.k, a, form.k, block, width,
          beta: form.accumulates ? 1 : 0, operands.c + first, form.ldc)
      } else {
        Products.multiply(
          m: form.m, n: form.n, k: count, a + first, form.k, block, width,
          beta: form.accumulates || first > 0 ? 1 : 0, operands.c, form.ldc)
      }
    }
  }
}
