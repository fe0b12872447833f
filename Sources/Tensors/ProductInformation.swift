import CKernels
import COneDNN
import COpenBLAS

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the products run on, for provenance: a library picks its kernels by CPU.
public enum ProductInformation {
  /// OpenBLAS's kernel (`Zen`, `SkylakeX`, …).
  public static var openBLASKernel: String { String(cString: openblas_get_corename()) }
  /// OpenBLAS's description of its build.
  public static var openBLASConfiguration: String { String(cString: openblas_get_config()) }

  /// oneDNN's version (`2.6.3`).
  public static var oneDNNVersion: String {
    guard let version = dnnl_version()?.pointee else { return "unknown" }
    return "\(version.major).\(version.minor).\(version.patch)"
  }

  /// The instruction set that oneDNN uses here (`avx2`, `avx512_core`, `avx512_core_bf16`, `amx`, …).
  public static var oneDNNInstructionSet: String { ProductRule.instructionSet.rawValue }

  /// What decides the bits of float32 products.
  public static var float32: String {
    "oneDNN \(oneDNNVersion) \(oneDNNInstructionSet), OpenBLAS \(openBLASKernel)"
  }

  /// What bfloat16 products run on: `amx`, `avx512_bf16`, or `rounding + float32 products` where the CPU has
  /// none of its own.
  public static var bfloat16: String {
    guard ProductRule.hasBFloat16Products else { return "rounding + float32 products" }
    return ProductRule.instructionSet == .amx ? "amx" : "avx512_bf16"
  }

  /// Whether bfloat16 products are the CPU's own, and so faster than float32 ones.
  public static var hasBFloat16Products: Bool { ProductRule.hasBFloat16Products }
}

/// What the products run on, for provenance: OpenBLAS picks its kernel by CPU.
public enum BLASInformation {
  /// The kernel's name (`Zen`, `SkylakeX`, …).
  public static var kernel: String { ProductInformation.openBLASKernel }
  /// The build's own description.
  public static var configuration: String { ProductInformation.openBLASConfiguration }
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
