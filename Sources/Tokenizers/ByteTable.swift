/// Numbers byte strings 0, 1, 2 … in the order they are added.
///
/// Compares bytes, not Swift `String`s: `String` takes canonically equivalent texts for equal, and
/// two tokens may differ in nothing else. Expected O(length) for both operations.
struct ByteTable: Sendable {
  private var arena: [UInt8] = []
  private var starts: [Int] = [0]
  /// Index of a string or -1; a power of two of slots, at most half of them taken.
  private var slots: [Int32]

  var count: Int { starts.count - 1 }

  init(minimumCapacity: Int = 16) {
    var capacity = 32
    while capacity < minimumCapacity * 2 { capacity *= 2 }
    slots = Array(repeating: -1, count: capacity)
  }

  /// The bytes of string `index`.
  func bytes(_ index: Int) -> ArraySlice<UInt8> { arena[starts[index]..<starts[index + 1]] }

  func index(of bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    let found = slots[slot(for: bytes)]
    return found < 0 ? nil : Int(found)
  }

  func index(of text: String) -> Int? {
    var text = text
    return text.withUTF8 { index(of: $0) }
  }

  /// The index of `bytes`, added if new.
  @discardableResult
  mutating func insert(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var place = slot(for: bytes)
    if slots[place] >= 0 { return Int(slots[place]) }
    let index = count
    if (index + 1) * 2 > slots.count {
      grow()
      place = slot(for: bytes)
    }
    arena.append(contentsOf: bytes)
    starts.append(arena.count)
    slots[place] = Int32(index)
    return index
  }

  @discardableResult
  mutating func insert(_ text: String) -> Int {
    var text = text
    return text.withUTF8 { insert($0) }
  }

  /// The slot that holds `bytes`, or the free one where they belong.
  private func slot(for bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let mask = slots.count - 1
    var place = Int(truncatingIfNeeded: Self.hash(bytes)) & mask
    while true {
      let candidate = slots[place]
      if candidate < 0 || equals(Int(candidate), bytes) { return place }
      place = (place + 1) & mask
    }
  }

  private func equals(_ index: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = starts[index]
    guard starts[index + 1] - start == bytes.count else { return false }
    return arena.withUnsafeBufferPointer { stored in
      for offset in 0..<bytes.count where stored[start + offset] != bytes[offset] { return false }
      return true
    }
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: slots.count * 2)
    let mask = slots.count - 1
    arena.withUnsafeBufferPointer { stored in
      for index in 0..<count {
        let bytes = UnsafeBufferPointer(rebasing: stored[starts[index]..<starts[index + 1]])
        var place = Int(truncatingIfNeeded: Self.hash(bytes)) & mask
        while slots[place] >= 0 { place = (place + 1) & mask }
        slots[place] = Int32(index)
      }
    }
  }

  /// FNV-1a, its high bits folded into the low ones that choose the slot.
  private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash ^ (hash >> 29)
  }
}
