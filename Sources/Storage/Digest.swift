import CXXHash
import Foundation

/// XXH3-128 digests, as 32 lowercase hexadecimal digits (what `xxhsum -H2` prints).
///
/// They key caches and detect damage. They are no protection against someone who forges a file.
public enum Digest {
  public static func of(_ bytes: UnsafeRawBufferPointer) -> String {
    hex(XXH3_128bits(bytes.baseAddress, bytes.count))
  }

  public static func of(_ data: Data) -> String {
    data.withUnsafeBytes { of($0) }
  }

  public static func of(_ bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { of($0) }
  }

  /// Of the text's UTF-8 bytes.
  public static func of(_ text: String) -> String {
    of(Array(text.utf8))
  }

  /// Of a file's content, read in pieces of 1 MiB.
  public static func ofFile(_ url: URL) throws(FileError) -> String {
    var hasher = DigestHasher()
    try hasher.update(contentsOf: url)
    return hasher.finalize()
  }

  static func hex(_ hash: XXH128_hash_t) -> String {
    hex(hash.high64) + hex(hash.low64)
  }

  private static func hex(_ word: UInt64) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// An XXH3-128 digest of content that comes in pieces.
public struct DigestHasher: ~Copyable {
  private let state: OpaquePointer

  public init() {
    guard let state = XXH3_createState() else { preconditionFailure("out of memory") }
    XXH3_128bits_reset(state)
    self.state = state
  }

  deinit { XXH3_freeState(state) }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    cxxhash_update(state, bytes.baseAddress, bytes.count)
  }

  public mutating func update(_ data: Data) {
    data.withUnsafeBytes { update($0) }
  }

  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// The shape or order of the values is not part of the digest; add it yourself where it matters.
  public mutating func update(_ values: [Float]) {
    values.withUnsafeBytes { update($0) }
  }

  /// Adds a named field of a key.
  ///
  /// Name and value go in with their lengths, so that no two different lists of fields are one and the
  /// same stream of bytes.
  public mutating func update(field name: String, _ value: String) {
    for text in [name, value] {
      withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { update($0) }
      update(Array(text.utf8))
    }
  }

  /// Adds a file's content, read in pieces of 1 MiB.
  public mutating func update(contentsOf url: URL) throws(FileError) {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: url.path, operation: .read, errno: errno) }
    defer { close(descriptor) }
    let size = 1 << 20
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = read(descriptor, buffer.baseAddress, size)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: url.path, operation: .read, errno: errno)
      }
      update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// The digest of all that came so far; more may follow.
  public func finalize() -> String {
    Digest.hex(XXH3_128bits_digest(state))
  }
}
