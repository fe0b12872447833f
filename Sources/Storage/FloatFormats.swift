import CKernels
import Dispatch

/// Conversions between `Float` and the float formats of files, by bits.
///
/// `Float16`'s own conversion is a library call per value on x86-64; these loops have no branch, so the
/// compiler turns them into vector code.
package enum FloatFormats {
  /// The value of IEEE binary16 bits; subnormals, infinities and NaN payloads are kept.
  @inline(__always)
  package static func float(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) &<< 16
    let shifted = UInt32(bits & 0x7FFF) &<< 13
    let exponent = shifted & 0x0F80_0000
    let normal = shifted &+ (112 &<< 23)
    let special = shifted &+ (224 &<< 23)  // infinity or NaN: the exponent becomes 255
    let subnormal =
      (Float(bitPattern: shifted &+ (113 &<< 23)) - Float(bitPattern: 113 &<< 23)).bitPattern
    let finite = exponent == 0 ? subnormal : normal
    return Float(bitPattern: (exponent == 0x0F80_0000 ? special : finite) | sign)
  }

  /// The nearest binary16, ties to even; 65520 and above become infinity, any NaN a quiet one.
  @inline(__always)
  package static func half(_ value: Float) -> UInt16 {
    let sign = value.bitPattern & 0x8000_0000
    let magnitude = value.bitPattern ^ sign
    let odd = (magnitude &>> 13) & 1
    let normal = (magnitude &+ 0xC800_0FFF &+ odd) &>> 13
    let magic: UInt32 = 126 &<< 23
    let subnormal = (Float(bitPattern: magnitude) + Float(bitPattern: magic)).bitPattern &- magic
    let special: UInt32 = magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00
    let finite = magnitude < 113 &<< 23 ? subnormal : normal
    let bits = magnitude >= 143 &<< 23 ? special : finite
    return UInt16(truncatingIfNeeded: bits | sign &>> 16)
  }

  /// The value of bfloat16 bits.
  @inline(__always)
  package static func float(bfloat16 bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) &<< 16)
  }

  enum Source {
    case float32
    case float16
    case bfloat16
    case float64

    var size: Int {
      switch self {
      case .float32: 4
      case .float16, .bfloat16: 2
      case .float64: 8
      }
    }
  }

  /// Converts little-endian values, at any alignment, on all cores if there are many.
  ///
  /// - Precondition: `bytes` holds as many values as `output` has room for.
  static func convert(
    _ source: Source, _ bytes: UnsafeRawBufferPointer,
    into output: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(bytes.count == output.count * source.size)
    guard let from = bytes.baseAddress, let to = output.baseAddress else { return }
    let piece = 1 << 18
    let pieces = (output.count + piece - 1) / piece
    // The pieces are disjoint: no two threads touch one value.
    nonisolated(unsafe) let start = from
    nonisolated(unsafe) let target = to
    let count = output.count
    let convertPiece: @Sendable (Int) -> Void = { index in
      let first = index * piece
      convert(
        source, start + first * source.size, into: target + first, count: min(piece, count - first))
    }
    if pieces < 4 {
      for index in 0..<pieces { convertPiece(index) }
    } else {
      DispatchQueue.concurrentPerform(iterations: pieces, execute: convertPiece)
    }
  }

  private static func convert(
    _ source: Source, _ bytes: UnsafeRawPointer, into output: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    switch source {
    case .float32:
      UnsafeMutableRawPointer(output).copyMemory(from: bytes, byteCount: count * 4)
    case .float16:
      if UInt(bitPattern: bytes).isMultiple(of: 2) {
        dk_f16_to_f32(bytes.assumingMemoryBound(to: UInt16.self), output, count)
        return
      }
      for i in 0..<count {
        output[i] = float(half: bytes.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self))
      }
    case .bfloat16:
      for i in 0..<count {
        output[i] = float(bfloat16: bytes.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self))
      }
    case .float64:
      for i in 0..<count {
        output[i] = Float(bytes.loadUnaligned(fromByteOffset: 8 &* i, as: Double.self))
      }
    }
  }

  /// Converts to binary16; returns whether a finite value became infinite.
  package static func convertToHalf(
    _ values: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<UInt16>
  ) -> Bool {
    precondition(values.count == output.count)
    guard let from = values.baseAddress, let to = output.baseAddress else { return false }
    var overflow = false
    // In pieces that stay in the cache for the second look at them.
    for first in stride(from: 0, to: values.count, by: Self.cached) {
      let count = min(Self.cached, values.count - first)
      dk_f32_to_f16(from + first, to + first, count)
      var outside: UInt16 = 0
      // A carry out of an exponent of all ones.
      for i in first..<first + count { outside |= (to[i] & 0x7FFF) &+ 0x0400 }
      guard outside & 0x8000 != 0 else { continue }
      overflow =
        overflow
        || (first..<first + count).contains { to[$0] & 0x7FFF == 0x7C00 && from[$0].isFinite }
    }
    return overflow
  }

  /// Values whose conversion stays in the first cache.
  static let cached = 4096

  /// Whether there is no infinity and no NaN among the values.
  package static func areFinite(_ values: UnsafeBufferPointer<Float>) -> Bool {
    var outside: UInt32 = 0
    for value in values { outside |= (value.bitPattern & 0x7FFF_FFFF) &+ 0x0080_0000 }
    return outside & 0x8000_0000 == 0
  }
}
