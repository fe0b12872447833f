import CKernels

/// bfloat16 products where the CPU has none of its own: both inputs are rounded to bfloat16, and float32
/// products sum them. A product of two bfloat16 numbers is exact in float32, so the meaning is the same.
enum RoundedProducts {
  /// Numbers of a block of weights that is widened at a time: 1 MB, which stays in the cache.
  private static let blockCount = 1 << 18

  /// As ``ProductForm`` says, A to be rounded, B `[n, k]` or `[k, n]` as it lies in memory, in bfloat16.
  static func multiply(
    _ form: ProductForm, _ a: UnsafePointer<Float>, _ b: UnsafePointer<UInt16>,
    _ c: UnsafeMutablePointer<Float>
  ) {
    let (rows, width) = form.transposeB ? (form.n, form.k) : (form.k, form.n)
    let blockRows = max(blockCount / max(width, 1), 1)
    let thread = OneDNN.current
    let rounded = thread.rounded(a, count: form.m * form.k)
    let widened = thread.floats(form.m * form.k + min(blockRows, rows) * width)
    dk_bf16_to_f32(rounded, widened, form.m * form.k)
    let block = widened + form.m * form.k
    for first in stride(from: 0, to: rows, by: blockRows) {
      let count = min(blockRows, rows - first)
      dk_bf16_to_f32(b + first * width, block, count * width)
      if form.transposeB {
        Products.multiply(
          transposeB: true, m: form.m, n: count, k: form.k, widened, form.k, block, width,
          beta: form.accumulates ? 1 : 0, c + first, form.ldc)
      } else {
        Products.multiply(
          m: form.m, n: form.n, k: count, widened + first, form.k, block, width,
          beta: form.accumulates || first > 0 ? 1 : 0, c, form.ldc)
      }
    }
  }
}
