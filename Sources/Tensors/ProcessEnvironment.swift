#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The environment that the program started with.
enum ProcessEnvironment {
  static func value(of name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
