import CKernels
import Testing

@Suite struct FormatTests {
  let everyPattern = (0...UInt16.max).map { $0 }

  #if !(os(macOS) && arch(x86_64))
  @Test func everyHalfWidensExactly() {
    for (form, kernel) in forms(dk_f16_to_f32_form) {
      let wide = output(everyPattern.count) { kernel(everyPattern, $0, everyPattern.count) }
      let differing = everyPattern.filter { bits in
        let half = Float16(bitPattern: bits)
        let actual = wide[Int(bits)]
        return half.isNaN ? !actual.isNaN : actual.bitPattern != Float(half).bitPattern
      }
      #expect(differing.isEmpty, "\(form)")
    }
  }

  /// Every half, the midpoints of neighbours and the floats on both sides of them, and random bits.
  @Test func halvesRoundToNearestEven() {
    let positive = (0..<0x7c00).map { Float(Float16(bitPattern: $0)) }
    let midpoints = zip(positive, positive.dropFirst()).map { ($0 + $1) / 2 }
    let overflow: [Float] = [65_504, 65_519.996, 65_520, 65_536, 1e30, .infinity]
    let tiny: [Float] = [
      0, .leastNonzeroMagnitude, 2e-8, 2.9802322e-8, 2.9802326e-8, 6e-8, .leastNormalMagnitude,
    ]
    let random = noise(100_000, seed: 70).map { Float(bitPattern: $0.bitPattern &* 2_654_435_761) }
    let magnitudes =
      positive + midpoints + midpoints.map(\.nextUp) + midpoints.map(\.nextDown) + overflow + tiny
      + random
    let x = magnitudes + magnitudes.map { -$0 }
    for (form, kernel) in forms(dk_f32_to_f16_form) {
      let halves = narrowed(x, kernel)
      let differing = zip(x, halves).filter { x, half in
        x.isNaN
          ? !Float16(bitPattern: half).isNaN : half != Float16(x).bitPattern
      }
      #expect(differing.isEmpty, "\(form)")
    }
  }
  #endif

  @Test func narrowingUndoesWidening() {
    for (form, kernel) in forms(dk_f32_to_f16_form) {
      let wide = output(everyPattern.count) {
        dk_f16_to_f32(everyPattern, $0, everyPattern.count)
      }
      // A signalling NaN comes back quiet: bit 9 set.
      let expected = everyPattern.map { $0 & 0x7fff > 0x7c00 ? $0 | 0x0200 : $0 }
      #expect(narrowed(wide, kernel) == expected, "\(form)")
    }
    for (form, kernel) in forms(dk_f32_to_bf16_form) {
      let wide = everyPattern.map { Float(bitPattern: UInt32($0) << 16) }
      let expected = everyPattern.map { $0 & 0x7fff > 0x7f80 ? $0 | 0x0040 : $0 }
      #expect(narrowed(wide, kernel) == expected, "\(form)")
    }
  }

  @Test func everyBrainFloatWidensExactly() {
    for (form, kernel) in forms(dk_bf16_to_f32_form) {
      let wide = output(everyPattern.count) { kernel(everyPattern, $0, everyPattern.count) }
      #expect(wide.map(\.bitPattern) == everyPattern.map { UInt32($0) << 16 }, "\(form)")
    }
  }

  /// The twin chooses the nearer of the two neighbours, the even one at a tie.
  @Test func brainFloatsRoundToNearestEven() {
    let kept = stride(from: UInt32(0), to: 0x7f80, by: 37).map { $0 }
    let x = kept.flatMap { top in
      [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff].map { Float(bitPattern: top << 16 | $0) }
    }
    let expected = x.map { value -> UInt16 in
      let (top, rest) = (value.bitPattern >> 16, value.bitPattern & 0xffff)
      let up = rest > 0x8000 || (rest == 0x8000 && top % 2 == 1)
      return UInt16(up ? top + 1 : top)
    }
    for (form, kernel) in forms(dk_f32_to_bf16_form) {
      #expect(narrowed(x, kernel) == expected, "\(form)")
      #expect(narrowed(x.map { -$0 }, kernel) == expected.map { $0 | 0x8000 }, "\(form)")
      let special: [Float] = [
        .infinity, -.infinity, .greatestFiniteMagnitude, Float(bitPattern: 0x7f80_0001),
      ]
      #expect(narrowed(special, kernel) == [0x7f80, 0xff80, 0x7f80, 0x7fc0], "\(form)")
    }
  }

  @Test(arguments: lengths) func onlyTheAskedElementsAreWritten(n: Int) {
    let x = noise(n, seed: 71)
    for (form, kernel) in forms(dk_f32_to_f16_form)
      + forms(dk_f32_to_bf16_form)
    {
      var y = [UInt16](repeating: 0xdead, count: n + 9)
      kernel(x, &y, n)
      #expect(y.suffix(9).allSatisfy { $0 == 0xdead }, "\(form)")
      #expect(Array(y.prefix(n)) == narrowed(x, kernel), "\(form)")
    }
    for (form, kernel) in forms(dk_f16_to_f32_form) {
      let halves = narrowed(x, dk_f32_to_f16)
      expectClose(output(n) { kernel(halves, $0, n) }, doubles(x), absolute: 2.5e-4, form)
    }
  }

  private func narrowed(
    _ x: [Float],
    _ kernel: (UnsafePointer<Float>?, UnsafeMutablePointer<UInt16>?, Int) -> Void
  ) -> [UInt16] {
    var y = [UInt16](repeating: 0, count: x.count)
    kernel(x, &y, x.count)
    return y
  }
}
