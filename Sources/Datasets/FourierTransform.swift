import Foundation

/// The discrete Fourier transform of real frames of one length N, in double precision.
///
/// X[k] = Σₙ x[n] · exp(−2πi·k·n / N). Source: Cooley and Tukey 1965, mixed radix: a length is split by its
/// smallest prime factor, so any N is allowed; O(N · Σ factors), N² for a prime.
struct FourierTransform: Sendable {
  /// N.
  let count: Int
  /// exp(−2πi·k / N).
  private let twiddles: [Complex]

  private struct Complex {
    var real = 0.0
    var imaginary = 0.0
  }

  init(_ count: Int) {
    precondition(count > 0, "a transform has one number at least")
    self.count = count
    twiddles = (0..<count).map { index in
      let angle = -2 * Double.pi * Double(index) / Double(count)
      return Complex(real: cos(angle), imaginary: sin(angle))
    }
  }

  /// |X[k]|² of the first N/2 + 1 frequencies, the rest being their mirror.
  ///
  /// - Precondition: the frame has N numbers.
  func power(of frame: [Double]) -> [Double] {
    precondition(frame.count == count, "a frame of \(frame.count) numbers, not \(count)")
    let values = [Complex](unsafeUninitializedCapacity: count) { output, initialized in
      frame.withUnsafeBufferPointer { input in
        twiddles.withUnsafeBufferPointer { twiddles in
          guard let output = output.baseAddress, let input = input.baseAddress,
            let twiddles = twiddles.baseAddress
          else { return }
          var scratch = [Complex](repeating: Complex(), count: largestFactor)
          scratch.withUnsafeMutableBufferPointer {
            transform(input, output, count, step: 1, twiddles, $0)
          }
        }
      }
      initialized = count
    }
    return values.prefix(count / 2 + 1).map {
      $0.real * $0.real + $0.imaginary * $0.imaginary
    }
  }

  /// Transforms every `step`-th of the inputs, `length` of them.
  private func transform(
    _ input: UnsafePointer<Double>, _ output: UnsafeMutablePointer<Complex>, _ length: Int,
    step: Int, _ twiddles: UnsafePointer<Complex>, _ scratch: UnsafeMutableBufferPointer<Complex>
  ) {
    guard length > 1 else {
      output.initialize(to: Complex(real: input[0]))
      return
    }
    let factor = Self.smallestFactor(length)
    let part = length / factor
    for index in 0..<factor {
      transform(
        input + index * step, output + index * part, part, step: step * factor, twiddles, scratch)
    }
    for k in 0..<part {
      for index in 0..<factor { scratch[index] = output[index * part + k] }
      for block in 0..<factor {
        var sum = Complex()
        for index in 0..<factor {
          let turn = twiddles[index * (k + block * part) % length * step]
          let value = scratch[index]
          sum.real += turn.real * value.real - turn.imaginary * value.imaginary
          sum.imaginary += turn.real * value.imaginary + turn.imaginary * value.real
        }
        output[block * part + k] = sum
      }
    }
  }

  private static func smallestFactor(_ number: Int) -> Int {
    var factor = 2
    while factor * factor <= number {
      if number.isMultiple(of: factor) { return factor }
      factor += 1
    }
    return number
  }

  private var largestFactor: Int {
    var rest = count
    var largest = 1
    while rest > 1 {
      largest = max(largest, Self.smallestFactor(rest))
      rest /= Self.smallestFactor(rest)
    }
    return largest
  }
}
