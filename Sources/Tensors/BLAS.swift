import CKernels
import COpenBLAS

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Single-threaded products: a lane is one thread, and OpenBLAS's own threads would change bits.
enum BLAS {
  /// Set once, before the first product.
  private static let singleThreaded: Void = openblas_set_num_threads(1)

  static func prepare() { _ = singleThreaded }

  /// C = alpha · op(A) · op(B) + beta · C, row-major; op(A) is `[m, k]`, op(B) is `[k, n]`.
  @inline(__always)
  static func gemm(
    transposeA: Bool = false, transposeB: Bool = false,
    m: Int, n: Int, k: Int, alpha: Float = 1,
    _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int,
    beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    guard m > 0, n > 0 else { return }
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b, blasint(ldb), beta, c,
      blasint(ldc))
  }
}

/// What the products run on, for provenance: OpenBLAS picks its kernel by CPU.
public enum BLASInformation {
  /// The kernel's name (`Zen`, `SkylakeX`, …).
  public static var kernel: String { String(cString: openblas_get_corename()) }
  /// The build's own description.
  public static var configuration: String { String(cString: openblas_get_config()) }
}

/// What the kernels run on, for provenance.
public enum KernelInformation {
  /// `avx512+bf16`, `avx512`, `avx2+fma` or `portable`.
  public static var instructionSet: String { String(cString: dk_instruction_set()) }

  /// The most memory this process has held, in bytes.
  public static var peakMemoryBytes: Int {
    var usage = rusage()
    #if os(Linux)
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024  // kilobytes
    #else
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
    #endif
  }
}
