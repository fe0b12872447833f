import Testing

@testable import Tensors

@Suite struct BufferPoolTests {
  @Test("buffers are aligned, written to their end, and reused") func alignment() {
    let pool = BufferPool()
    for count in [1, 300, 1 << 19, (1 << 19) + 1, 3_000_000] {
      let buffer = pool.take(count)
      let boundary = count >= 1 << 19 ? 1 << 21 : 64
      #expect(UInt(bitPattern: buffer.base) % UInt(boundary) == 0)
      buffer.base[0] = 1
      buffer.base[buffer.capacity - 1] = 2
      let before = pool.allocatedBytes
      pool.give(buffer)
      #expect(pool.take(count).base == buffer.base)
      #expect(pool.allocatedBytes == before)
    }
  }

  @Test("trimming gives back what is free and leaves what is in use") func trim() {
    let pool = BufferPool()
    let kept = pool.take(1_000_000)
    kept.base[999_999] = 7
    let keptBytes = pool.allocatedBytes
    pool.give(pool.take(5_000_000))
    #expect(pool.usedBytes == keptBytes)
    #expect(pool.allocatedBytes >= keptBytes + 20_000_000)
    pool.trim()
    #expect(pool.allocatedBytes == keptBytes)
    #expect(kept.base[999_999] == 7)
    pool.give(kept)
    pool.trim()
    #expect(pool.allocatedBytes == 0)
  }

  @Test("a weight that is frozen again has no gradient's memory") func frozen() {
    let store = ParameterStore()
    let weight = store.add("weight", shape: [1000, 1000]) { $0.update(repeating: 1) }
    let before = store.allocatedBytes
    store.setTrainable([weight], true)
    #expect(store.allocatedBytes == 2 * before)
    store.setTrainable([weight], false)
    #expect(store.allocatedBytes == before)
  }
}
