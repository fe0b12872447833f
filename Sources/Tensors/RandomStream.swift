import Dispatch

/// Names a stream of random numbers by seed and purpose, so that adding an arm changes no other.
public struct RandomKey: Sendable, Hashable {
  let bits: UInt64

  public init(seed: UInt64) { bits = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15) }
  private init(bits: UInt64) { self.bits = bits }

  /// The key of one purpose under this one (`"init"`, `"order"`, `"dropout"`).
  public func named(_ purpose: String) -> RandomKey {
    var hash = bits ^ 0xCBF2_9CE4_8422_2325
    for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return RandomKey(bits: Self.mix(hash))
  }

  /// The key of one step, epoch or image under this one.
  public func numbered(_ index: Int) -> RandomKey {
    RandomKey(bits: Self.mix(bits &+ Self.mix(UInt64(bitPattern: Int64(index)) &+ 0xD1B5_4A32)))
  }

  /// The stream from its beginning; two streams of one key are equal.
  public var stream: RandomStream { RandomStream(key: self) }

  // SplitMix64's finaliser (Steele et al. 2014).
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A counter-based generator: Philox 4×32-10 (Salmon et al. 2011, *Parallel random numbers: as easy
/// as 1, 2, 3*). The n-th number depends on the key and n only.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private let key: (UInt32, UInt32)
  private var counter: UInt64 = 0
  private var block: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  private var used = 4
  private var spareNormal: Double?

  init(key: RandomKey) {
    self.key = (UInt32(truncatingIfNeeded: key.bits), UInt32(truncatingIfNeeded: key.bits >> 32))
  }

  /// The block of four words of Philox 4×32-10 for `counter` and `key`.
  static func philox(
    counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var (c0, c1, c2, c3) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
      let first = UInt64(0xD251_1F53) &* UInt64(c0)
      let second = UInt64(0xCD9E_8D57) &* UInt64(c2)
      (c0, c1, c2, c3) = (
        UInt32(truncatingIfNeeded: second >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: second),
        UInt32(truncatingIfNeeded: first >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: first)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return (c0, c1, c2, c3)
  }

  private mutating func word() -> UInt32 {
    if used == 4 {
      block = Self.philox(
        counter: (
          UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), 0, 0
        ), key: key)
      counter += 1
      used = 0
    }
    defer { used += 1 }
    return switch used {
    case 0: block.0
    case 1: block.1
    case 2: block.2
    default: block.3
    }
  }

  public mutating func next() -> UInt64 { UInt64(word()) | UInt64(word()) << 32 }

  /// Uniform in [0, 1), 24 bits.
  public mutating func uniform() -> Float { Float(word() >> 8) * 0x1p-24 }

  /// Standard normal (Box-Muller in double precision).
  public mutating func normal() -> Float {
    if let spare = spareNormal {
      spareNormal = nil
      return Float(spare)
    }
    let pair = Self.normals(next(), next())
    spareNormal = pair.1
    return Float(pair.0)
  }

  private static func normals(_ first: UInt64, _ second: UInt64) -> (Double, Double) {
    let radius = (-2 * logarithm((Double(first >> 11) + 0.5) * 0x1p-53)).squareRoot()
    let angle = 2 * Double.pi * (Double(second >> 11) * 0x1p-53)
    return (radius * cosine(angle), radius * sine(angle))
  }

  /// Fills `values` with normal numbers times `deviation`: those that the key's stream gives from its
  /// beginning. Many are made on all cores; the bits do not depend on how many there are.
  public static func fillNormal(
    _ values: UnsafeMutableBufferPointer<Float>, key: RandomKey, deviation: Float
  ) {
    guard let base = values.baseAddress else { return }
    let (target, count) = (UncheckedBox(base), values.count)
    let words = RandomStream(key: key).key
    let piece = 1 << 16  // even: each block of four words makes two numbers
    DispatchQueue.concurrentPerform(iterations: (count + piece - 1) / piece) { index in
      let end = min(count, (index + 1) * piece)
      for first in stride(from: index * piece, to: end, by: 2) {
        let counter = UInt64(first / 2)
        let block = philox(
          counter: (UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32), 0, 0), key: words)
        let pair = normals(
          UInt64(block.0) | UInt64(block.1) << 32, UInt64(block.2) | UInt64(block.3) << 32)
        target.value[first] = Float(pair.0) * deviation
        if first + 1 < end { target.value[first + 1] = Float(pair.1) * deviation }
      }
    }
  }

  /// Uniform in 0..<bound, without bias.
  public mutating func integer(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

  /// A uniformly random order of 0..<count.
  public mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for index in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(index, integer(below: index + 1))
    }
    return order
  }
}
