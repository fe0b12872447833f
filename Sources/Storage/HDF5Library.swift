import CHDF5
import CJPEG
import CPNG
import Foundation
import Synchronization

/// The one gate to the HDF5 library.
///
/// HDF5 keeps process-wide state: every call of ours runs under one lock. The library's own exit handler is
/// never installed, because an error stack that another thread left uncleared makes it hang.
enum HDF5Library {
  private static let lock = Mutex(false)

  /// Runs `body` under the lock, with error printing off for this thread; if it fails, this thread's error
  /// stack is cleared after the error was made from it.
  static func locked<Value: ~Copyable>(
    _ body: () throws(HDF5Error) -> sending Value
  ) throws(HDF5Error) -> sending Value {
    try lock.withLock { isPrepared throws(HDF5Error) in
      if !isPrepared {
        H5dont_atexit()
        isPrepared = true
      }
      chdf5_quiet()
      do throws(HDF5Error) {
        return try body()
      } catch {
        chdf5_clear_errors()
        throw error
      }
    }
  }

  /// Calls of which nothing needs to be known, such as closing in a `deinit`.
  static func lockedIgnoringErrors(_ body: () -> Void) {
    lock.withLock { _ in
      chdf5_quiet()
      body()
      chdf5_clear_errors()
    }
  }

  /// What HDF5 says went wrong first on this thread.
  static func firstError() -> String {
    var text = [CChar](repeating: 0, count: 256)
    chdf5_first_error(&text, text.count)
    let words = RGBImage.text(text)
    return words.isEmpty ? "HDF5 gives no reason" : words
  }
}

/// An HDF5 handle that is closed once, when it goes out of scope; made and used under the lock only.
struct HDF5Handle: ~Copyable {
  let id: hid_t
  private let close: (hid_t) -> herr_t

  /// - Throws: ``HDF5Error`` made by `failure` from HDF5's own words if `id` is none.
  init(
    _ id: hid_t, closing close: @escaping (hid_t) -> herr_t,
    orThrow failure: (String) -> HDF5Error
  ) throws(HDF5Error) {
    guard id >= 0 else { throw failure(HDF5Library.firstError()) }
    self.id = id
    self.close = close
  }

  deinit { _ = close(id) }
}

/// Why an HDF5 file, or something in it, could not be read or written.
public struct HDF5Error: Error, Equatable, LocalizedError, CustomStringConvertible {
  public enum Problem: Error, Equatable, Sendable {
    /// Absent, not HDF5, truncated, or refused by the system.
    case cannotOpen(String)
    case cannotCreate(String)
    case cannotClose(String)
    case noDataset(String)
    case noAttribute(String)
    /// The element type is none that is read here, or not the one asked for.
    case wrongType(name: String, needed: String)
    case rows(name: String, first: Int, count: Int, of: Int)
    case wrongCount(name: String, needed: Int, got: Int)
    case overflowsHalf(name: String)
    case failed(name: String, operation: String, cause: String)
  }

  /// The file's path.
  public let path: String
  public let problem: Problem

  public var description: String {
    switch problem {
    case .cannotOpen(let cause):
      "Cannot open the HDF5 file \(path): \(cause)."
    case .cannotCreate(let cause):
      "Cannot create the HDF5 file \(path): \(cause)."
    case .cannotClose(let cause):
      "Cannot finish writing the HDF5 file \(path): \(cause)."
    case .noDataset(let name):
      "The HDF5 file \(path) has no dataset \"\(name)\"."
    case .noAttribute(let name):
      "The HDF5 file \(path) has no attribute \"\(name)\" of the type asked for."
    case .wrongType(let name, let needed):
      "In the HDF5 file \(path), \"\(name)\" does not hold \(needed)."
    case .rows(let name, let first, let count, let rows):
      "In the HDF5 file \(path), the dataset \"\(name)\" has \(rows) rows; rows "
        + "\(first)..<\(first + count) were asked for."
    case .wrongCount(let name, let needed, let got):
      "In the HDF5 file \(path), the rows of \"\(name)\" take \(needed) values, the buffer has \(got)."
    case .overflowsHalf(let name):
      "Values for \"\(name)\" in the HDF5 file \(path) exceed 65504, the largest float16: store float32."
    case .failed(let name, let operation, let cause):
      "Cannot \(operation) \"\(name)\" in the HDF5 file \(path): \(cause)."
    }
  }

  public var errorDescription: String? { description }
}

/// Versions of the libraries behind this module, as they run.
public enum StorageLibraries {
  public static var hdf5: String {
    var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
    HDF5Library.lockedIgnoringErrors { H5get_libversion(&major, &minor, &release) }
    return "\(major).\(minor).\(release)"
  }

  public static var png: String {
    let number = png_access_version_number()
    return "\(number / 10000).\(number / 100 % 100).\(number % 100)"
  }

  /// Of the headers that this was built with: the library does not say its own.
  public static var jpegTurbo: String {
    let number = LIBJPEG_TURBO_VERSION_NUMBER
    return "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
  }
}
