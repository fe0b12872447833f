import CKernels
import Testing

/// Lengths around the 8 and 16 lanes of a vector, and some of real layers.
let lengths = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100, 257, 576]

/// A kernel in every form that this CPU has.
func forms<Kernel>(_ form: (Int32) -> Kernel?) -> [(form: String, kernel: Kernel)] {
  (0..<dk_form_count()).compactMap { index in
    form(index).map { (String(cString: dk_form_name(index)), $0) }
  }
}

/// `count` numbers spread evenly over ±`scale`, the same for the same seed (SplitMix64).
func noise(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
  var state = seed &* 0x9e37_79b9_7f4a_7c15
  return (0..<count).map { _ in
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return (Float((z ^ (z >> 31)) >> 40) / 8_388_608 - 1) * scale
  }
}

/// Returns a copy of `values` after `body` ran on it.
///
/// The copy starts `offset` floats into a larger buffer. Records an issue when `body` writes outside of it.
func onCopy(
  of values: [Float], offset: Int = 0, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (UnsafeMutablePointer<Float>) -> Void
) -> [Float] {
  let guardWord: Float = -987.25
  let before = [Float](repeating: guardWord, count: 8 + offset)
  let after = [Float](repeating: guardWord, count: 16)
  var buffer = before + values + after
  buffer.withUnsafeMutableBufferPointer { storage in
    if let base = storage.baseAddress { body(base + before.count) }
  }
  let untouched =
    buffer.prefix(before.count).allSatisfy { $0 == guardWord }
    && buffer.suffix(after.count).allSatisfy { $0 == guardWord }
  #expect(untouched, "the kernel wrote outside its buffer", sourceLocation: sourceLocation)
  return Array(buffer[before.count..<before.count + values.count])
}

/// Runs `body` on an output of `count` floats that start as `start`.
func output(
  _ count: Int, start: Float = .nan, offset: Int = 0,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (UnsafeMutablePointer<Float>) -> Void
) -> [Float] {
  onCopy(
    of: [Float](repeating: start, count: count), offset: offset, sourceLocation: sourceLocation,
    body)
}

/// Compares element by element and reports the worst.
///
/// The rule: |actual - expected| ≤ absolute + relative · |expected|.
func expectClose(
  _ actual: [Float], _ expected: [Double], relative: Double = 0, absolute: Double = 0,
  _ label: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.count == expected.count, "\(label)", sourceLocation: sourceLocation)
  var worst: (index: Int, excess: Double)?
  for (index, (a, e)) in zip(actual, expected).enumerated() {
    if e.isNaN && a.isNaN || Double(a) == e { continue }
    let error = abs(Double(a) - e)
    let allowed = absolute + relative * abs(e)
    if error <= allowed { continue }
    let excess = error.isNaN ? .infinity : error / allowed
    if excess > worst?.excess ?? 0 { worst = (index, excess) }
  }
  if let worst {
    Issue.record(
      """
      \(label): element \(worst.index) is \(actual[worst.index]), expected \
      \(expected[worst.index]), \(worst.excess) times the tolerance
      """, sourceLocation: sourceLocation)
  }
}

/// Compares bits, so that -0 differs from 0 and NaN equals itself.
func expectSameBits(
  _ actual: [Float], _ expected: [Float], _ label: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    actual.map(\.bitPattern) == expected.map(\.bitPattern), "\(label)",
    sourceLocation: sourceLocation)
}

/// The derivative of `function` at each element of `point`, by central differences in double.
func numericalGradient(
  at point: [Double], step: Double = 1e-5, of function: ([Double]) -> Double
) -> [Double] {
  point.indices.map { index in
    var moved = point
    moved[index] = point[index] + step
    let above = function(moved)
    moved[index] = point[index] - step
    return (above - function(moved)) / (2 * step)
  }
}

func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
