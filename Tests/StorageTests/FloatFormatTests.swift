import Foundation
import Testing

@testable import Storage

@Suite struct FloatFormatTests {
  @Test func everyHalfBecomesItsFloat() {
    for bits in UInt16.min...UInt16.max {
      let expected = Float(Float16(bitPattern: bits))
      let converted = FloatFormats.float(half: bits)
      if expected.isNaN {
        #expect(converted.isNaN)
      } else if converted.bitPattern != expected.bitPattern {
        Issue.record("half \(bits): \(converted) instead of \(expected)")
      }
    }
  }

  @Test func floatsRoundToTheNearestHalfTiesToEven() {
    var wrong = 0
    func check(_ value: Float) {
      if FloatFormats.half(value) != Float16(value).bitPattern { wrong += 1 }
    }
    // Every half, the midpoint to the next, and the floats on either side of both.
    for bits in UInt16(0)..<0x7C00 {
      let value = FloatFormats.float(half: bits)
      let next = bits == 0x7BFF ? 65536 : FloatFormats.float(half: bits + 1)
      for point in [value, (value + next) / 2] {
        for nearby in [point, point.nextUp, point.nextDown] {
          check(nearby)
          check(-nearby)
        }
      }
    }
    for value in [Float.infinity, -.infinity, 65519.996, 65520, 1e30, .leastNonzeroMagnitude] {
      check(value)
    }
    #expect(wrong == 0)
    #expect(Float16(bitPattern: FloatFormats.half(.nan)).isNaN)
  }

  @Test func manyValuesConvertAsFewDo() {
    let count = (1 << 20) + 77
    let halves = (0..<count).map { UInt16(truncatingIfNeeded: $0 &* 40503) }
    var many = [Float](repeating: 0, count: count)
    many.withUnsafeMutableBufferPointer { buffer in
      halves.withUnsafeBytes { FloatFormats.convert(.float16, $0, into: buffer) }
    }
    let different = zip(many, halves).count {
      $0.bitPattern != FloatFormats.float(half: $1).bitPattern
    }
    #expect(different == 0)
  }

  @Test func overflowIsNoticed() {
    var halves = [UInt16](repeating: 0, count: 3)
    func overflows(_ values: [Float]) -> Bool {
      halves.withUnsafeMutableBufferPointer { halves in
        values.withUnsafeBufferPointer { FloatFormats.convertToHalf($0, into: halves) }
      }
    }
    #expect(!overflows([1, -65504, 65519]))
    #expect(!overflows([1, .infinity, .nan]))
    #expect(overflows([1, -65520, 2]))
  }
}
