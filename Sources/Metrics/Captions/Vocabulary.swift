/// Token strings and their dense integer ids, in order of first appearance.
///
/// Every metric works on ids; strings come back only to normalise for METEOR and to print.
/// Lookup is by UTF-8 bytes in an open-addressing table: expected O(length) per token.
public struct Vocabulary: Sendable {
  /// UTF-8 of all tokens, one after the other.
  private var bytes: [UInt8] = []
  /// Token `i` occupies `bytes[starts[i]..<starts[i + 1]]`.
  private var starts: [Int32] = [0]
  private var hashes: [UInt64] = []
  /// Slot → id + 1, where 0 is empty; the size is a power of two.
  private var slots: [Int32] = Array(repeating: 0, count: 1024)

  public init() {}

  public var count: Int { starts.count - 1 }

  /// The text of token `id`.
  public subscript(id: Int32) -> String {
    String(decoding: bytes[Int(starts[Int(id)])..<Int(starts[Int(id) + 1])], as: UTF8.self)
  }

  /// Whether the token is not empty and holds no white space, control or non-ASCII character.
  package func isPlainASCII(_ id: Int32) -> Bool {
    let range = Int(starts[Int(id)])..<Int(starts[Int(id) + 1])
    return !range.isEmpty && range.allSatisfy { bytes[$0] > 32 && bytes[$0] < 127 }
  }

  /// Whether the token is made of `a` to `z` and `0` to `9` only, and not empty.
  package func isLowercaseAlphanumeric(_ id: Int32) -> Bool {
    let range = Int(starts[Int(id)])..<Int(starts[Int(id) + 1])
    return !range.isEmpty
      && range.allSatisfy {
        (0x61...0x7a).contains(bytes[$0]) || (0x30...0x39).contains(bytes[$0])
      }
  }

  /// The id of a token, which is new if it was not seen before.
  public mutating func intern(_ token: some StringProtocol) -> Int32 {
    var token = String(token)
    return token.withUTF8 { intern($0) }
  }

  package mutating func intern(_ token: UnsafeBufferPointer<UInt8>) -> Int32 {
    let hash = Self.hash(token)
    let slot = slot(of: token, hash)
    if slots[slot] != 0 { return slots[slot] - 1 }
    let id = Int32(count)
    bytes.append(contentsOf: token)
    starts.append(Int32(bytes.count))
    hashes.append(hash)
    slots[slot] = id + 1
    if count * 2 > slots.count { grow() }
    return id
  }

  /// The id of a token, or `nil` if it was never seen.
  public func id(of token: some StringProtocol) -> Int32? {
    var token = String(token)
    return token.withUTF8 { id(of: $0) }
  }

  package func id(of token: ArraySlice<UInt8>) -> Int32? {
    token.withUnsafeBufferPointer { id(of: $0) }
  }

  private func id(of token: UnsafeBufferPointer<UInt8>) -> Int32? {
    let slot = slot(of: token, Self.hash(token))
    return slots[slot] == 0 ? nil : slots[slot] - 1
  }

  /// The slot of a token, or the empty one where it would go.
  private func slot(of token: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let id = Int(slots[slot]) - 1
      if hashes[id] == hash, equals(id, token) { break }
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }

  private func equals(_ id: Int, _ token: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = Int(starts[id])
    guard Int(starts[id + 1]) - start == token.count else { return false }
    for offset in 0..<token.count where bytes[start + offset] != token[offset] {
      return false
    }
    return true
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: slots.count * 4)
    for id in 0..<count {
      var slot = Int(truncatingIfNeeded: hashes[id]) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(id + 1)
    }
  }

  /// FNV-1a with a final mix; collisions are resolved by comparing bytes.
  private static func hash(_ token: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in token { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash ^ (hash >> 29)
  }

  /// Tokens joined by single spaces.
  package func text(of tokens: some Sequence<Int32>) -> String {
    var result: [UInt8] = []
    for (index, token) in tokens.enumerated() {
      if index > 0 { result.append(UInt8(ascii: " ")) }
      result.append(contentsOf: bytes[Int(starts[Int(token)])..<Int(starts[Int(token) + 1])])
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The id in another vocabulary of token `id` of this one.
  package func transfer(_ id: Int32, to other: inout Vocabulary) -> Int32 {
    bytes.withUnsafeBufferPointer { bytes in
      other.intern(
        UnsafeBufferPointer(rebasing: bytes[Int(starts[Int(id)])..<Int(starts[Int(id) + 1])]))
    }
  }
}
