import CKernels
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Float buffers that live on from step to step.
///
/// The first touch of a page costs five times a copy, so a buffer that a tape gives back is handed
/// out again. Sizes are rounded up to eight classes an octave (at most 12.5 % waste), because
/// packed batches differ by a few rows from step to step.
public final class BufferPool: @unchecked Sendable {
  // @unchecked: the free lists are behind the mutex; a buffer belongs to one owner at a time.

  /// One run of floats, 64-byte aligned. `capacity` is the size of its class.
  struct Buffer {
    let base: UnsafeMutablePointer<Float>
    let capacity: Int

    /// The same memory as numbers of 16 bits, twice as many.
    var bits: UnsafeMutablePointer<UInt16> {
      UnsafeMutableRawPointer(base).assumingMemoryBound(to: UInt16.self)
    }
  }

  private struct State {
    /// Addresses of free buffers by size class.
    var free: [Int: [UInt]] = [:]
    var allocated = 0
    var peak = 0
    var inUse = 0
  }
  private let state = Mutex(State())

  public init() {}

  deinit {
    trim()
  }

  /// Bytes asked of the system so far, free or in use.
  public var allocatedBytes: Int { state.withLock { $0.allocated * MemoryLayout<Float>.size } }

  /// Bytes in use now.
  var usedBytes: Int { state.withLock { $0.inUse * MemoryLayout<Float>.size } }

  /// The most bytes that were in use at one time.
  public var peakBytes: Int { state.withLock { $0.peak * MemoryLayout<Float>.size } }

  /// At least `count` floats, their contents undefined.
  func take(_ count: Int) -> Buffer {
    let capacity = Self.sizeClass(count)
    let reused: (address: UInt, size: Int)? = state.withLock { state in
      var size = capacity
      for _ in 0..<3 {  // a slightly larger free buffer is better than new pages
        if let address = state.free[size]?.popLast() {
          state.inUse += size
          state.peak = max(state.peak, state.inUse)
          return (address, size)
        }
        size = Self.sizeClass(size + 1)
      }
      state.allocated += capacity
      state.inUse += capacity
      state.peak = max(state.peak, state.inUse)
      return nil
    }
    if let reused, let base = UnsafeMutablePointer<Float>(bitPattern: reused.address) {
      return Buffer(base: base, capacity: reused.size)
    }
    return Buffer(base: Self.allocate(capacity), capacity: capacity)
  }

  func give(_ buffer: Buffer) {
    let address = UInt(bitPattern: buffer.base)
    let capacity = buffer.capacity
    state.withLock { state in
      state.inUse -= capacity
      state.free[capacity, default: []].append(address)
    }
  }

  /// Gives all free buffers back to the system.
  public func trim() {
    state.withLock { state in
      for (size, list) in state.free {
        for address in list { Self.deallocate(address, size) }
        state.allocated -= size * list.count
      }
      state.free.removeAll()
    }
  }

  private static func sizeClass(_ count: Int) -> Int {
    let least = max(count, 256)
    let octave = Int.bitWidth - 1 - least.leadingZeroBitCount
    let step = max(1 << (octave - 3), 64)
    return (least + step - 1) / step * step
  }

  /// Bytes from which a buffer is mapped by itself: a huge page. malloc keeps what is freed inside its
  /// heap, so that one arm's memory would add to the next one's.
  private static let hugePage = 1 << 21

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
    let bytes = count * MemoryLayout<Float>.stride
    let memory: UnsafeMutableRawPointer?
    if bytes >= hugePage {
      memory = map(mappedBytes(bytes))
    } else {
      var small: UnsafeMutableRawPointer?
      memory = posix_memalign(&small, 64, bytes) == 0 ? small : nil
    }
    guard let memory else {
      fatalError("out of memory: \(bytes) bytes for a tensor could not be allocated")
    }
    return memory.bindMemory(to: Float.self, capacity: count)
  }

  private static func deallocate(_ address: UInt, _ count: Int) {
    guard let memory = UnsafeMutableRawPointer(bitPattern: address) else { return }
    let bytes = count * MemoryLayout<Float>.stride
    if bytes >= hugePage { munmap(memory, mappedBytes(bytes)) } else { free(memory) }
  }

  private static func mappedBytes(_ bytes: Int) -> Int {
    let page = Int(getpagesize())
    return (bytes + page - 1) / page * page
  }

  /// New pages that begin at a huge page's boundary; nil when there are none.
  private static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let all = bytes + hugePage
    guard let start = mmap(nil, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
      start != MAP_FAILED
    else { return nil }
    let before = (hugePage - Int(bitPattern: start) % hugePage) % hugePage
    if before > 0 { munmap(start, before) }
    munmap(start + before + bytes, hugePage - before)
    #if os(Linux)
    _ = madvise(start + before, bytes, MADV_HUGEPAGE)
    #endif
    return start + before
  }
}
