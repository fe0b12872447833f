/// Random numbers by counter: number `i` of stream (seed, purpose) is a function of the three.
///
/// SplitMix64's output function (Steele, Lea & Flood 2014) of `key + (i + 1) · 0x9e3779b97f4a7c15`,
/// where the key is the same function of seed and purpose. Any piece of a stream can be made
/// anywhere, so results depend on neither threads nor what else was drawn.
public struct CounterRandom: Sendable {
  private let key: UInt64

  /// A stream; different purposes with one seed are independent.
  public init(seed: UInt64, purpose: UInt64) {
    key = Self.mix(Self.mix(seed &+ Self.step) ^ Self.mix(purpose &* Self.step &+ 1))
  }

  private static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// Number `index` of the stream: 64 random bits.
  @inline(__always)
  public func bits(_ index: UInt64) -> UInt64 {
    Self.mix(key &+ (index &+ 1) &* Self.step)
  }

  /// Number `index` of the stream as an integer in `0..<bound`.
  ///
  /// Lemire's multiplication without rejection: the bias is below `bound` / 2⁶⁴.
  @inline(__always)
  public func integer(_ index: UInt64, below bound: Int) -> Int {
    Int(bits(index).multipliedFullWidth(by: UInt64(bound)).high)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var value = value
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
