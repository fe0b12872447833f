import Foundation

/// The first 64 bytes of a compact paraphrase table; the sections follow it, each a multiple of 8 bytes.
///
/// Order: word starts `[words + 1]`, word bytes, node words `[nodes]`, first children `[nodes + 1]`,
/// first pairs `[nodes + 1]`, pairs; numbers are 32-bit in the machine's order.
struct ParaphraseHeader {
  static let length = 64
  /// Version 1; the bytes would be another number on a machine of the other order.
  private static let magic: UInt64 = 0x3130_7261_5067_7244

  let identity: GzipIdentity
  let words: UInt32
  let wordBytes: UInt32
  let nodes: UInt32
  let pairs: UInt32
  let checksum: UInt64

  init(
    identity: GzipIdentity, words: Int, wordBytes: Int, nodes: Int, pairs: Int, checksum: UInt64 = 0
  ) {
    self.identity = identity
    self.words = UInt32(words)
    self.wordBytes = UInt32(wordBytes)
    self.nodes = UInt32(nodes)
    self.pairs = UInt32(pairs)
    self.checksum = checksum
  }

  /// Reads a header, or gives `nil` if there is none.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.length, bytes.load(as: UInt64.self) == Self.magic else { return nil }
    func number(_ offset: Int) -> UInt64 { bytes.load(fromByteOffset: offset, as: UInt64.self) }
    identity = GzipIdentity(size: number(8), trailer: number(16))
    words = UInt32(truncatingIfNeeded: number(24))
    wordBytes = UInt32(truncatingIfNeeded: number(24) >> 32)
    nodes = UInt32(truncatingIfNeeded: number(32))
    pairs = UInt32(truncatingIfNeeded: number(32) >> 32)
    checksum = number(40)
  }

  func bytes(checksum: UInt64) -> [UInt8] {
    let numbers = [
      Self.magic, identity.size, identity.trailer, UInt64(words) | UInt64(wordBytes) << 32,
      UInt64(nodes) | UInt64(pairs) << 32, checksum, 0, 0,
    ]
    return numbers.flatMap { number in withUnsafeBytes(of: number) { Array($0) } }
  }

  private static func padded(_ count: Int) -> Int { (count + 7) & ~7 }

  var wordStartsOffset: Int { Self.length }
  var wordBytesOffset: Int { wordStartsOffset + Self.padded(4 * (Int(words) + 1)) }
  var nodeWordsOffset: Int { wordBytesOffset + Self.padded(Int(wordBytes)) }
  var firstChildrenOffset: Int { nodeWordsOffset + Self.padded(4 * Int(nodes)) }
  var firstPairsOffset: Int { firstChildrenOffset + Self.padded(4 * (Int(nodes) + 1)) }
  var pairsOffset: Int { firstPairsOffset + Self.padded(4 * (Int(nodes) + 1)) }
  var size: Int { pairsOffset + Self.padded(4 * Int(pairs)) }

  /// A 64-bit checksum of all that follows the header, four sums side by side for speed.
  static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    let words = UnsafeRawBufferPointer(rebasing: bytes[length...]).bindMemory(to: UInt64.self)
    var sums = (UInt64(1), UInt64(2), UInt64(3), UInt64(4))
    let step: UInt64 = 0x9e37_79b9_7f4a_7c15
    var index = 0
    while index + 4 <= words.count {
      sums.0 = (sums.0 ^ words[index]) &* step
      sums.1 = (sums.1 ^ words[index + 1]) &* step
      sums.2 = (sums.2 ^ words[index + 2]) &* step
      sums.3 = (sums.3 ^ words[index + 3]) &* step
      index += 4
    }
    while index < words.count {
      sums.0 = (sums.0 ^ words[index]) &* step
      index += 1
    }
    return [sums.1, sums.2, sums.3].reduce(sums.0) { ($0 ^ ($1 >> 31) ^ $1) &* step }
  }
}
