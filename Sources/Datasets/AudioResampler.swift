import Foundation

/// Changes the number of samples a second, by a windowed sinc in polyphase form.
///
/// Output sample k is the sound at time k / to: the sum of the input times the ideal low-pass filter, of which
/// 32 zero crossings on each side are kept under a Hann window; its cutoff is 0.95 of the lower of the two
/// Nyquist frequencies, so that what the new rate can't hold does not fold back (−90 dB). The taps of a
/// phase sum to 1. Before the first sample and after the last there is silence.
///
/// Source: J. O. Smith, *Digital Audio Resampling*, ccrma.stanford.edu/~jos/resample; the same filter as
/// torchaudio's `resample` with `lowpass_filter_width=32, rolloff=0.95`, but normalised.
public enum AudioResampler {
  private static let zeroCrossings = 32.0
  private static let rolloff = 0.95

  /// `[frames]` at one rate → `[⌈frames · to / from⌉]` at another. O(frames · to / from · taps).
  ///
  /// - Precondition: both rates are positive.
  public static func resample(_ samples: [Float], from: Int, to: Int) -> [Float] {
    precondition(from > 0 && to > 0, "rates are positive, got \(from) and \(to)")
    let divisor = greatestCommonDivisor(from, to)
    let (down, up) = (from / divisor, to / divisor)
    guard up != down else { return samples }
    let count = (samples.count * up + down - 1) / down
    let phases = min(up, count)
    return [Float](unsafeUninitializedCapacity: count) { output, initialized in
      samples.withUnsafeBufferPointer { input in
        for phase in 0..<phases {
          // All outputs of one phase see the input through the same taps.
          let taps = Taps(fraction: Double(phase * down % up) / Double(up), up: up, down: down)
          for index in stride(from: phase, to: count, by: up) {
            output[index] = taps.applied(to: input, at: index * down / up)
          }
        }
      }
      initialized = count
    }
  }

  /// The filter at one fraction of an input sample.
  private struct Taps {
    /// Of the first tap, relative to the input sample at or before the output's time.
    let first: Int
    let weights: [Double]

    init(fraction: Double, up: Int, down: Int) {
      let cutoff = rolloff * min(1, Double(up) / Double(down))
      let halfWidth = zeroCrossings / cutoff
      first = Int((fraction - halfWidth).rounded(.up))
      let last = Int((fraction + halfWidth).rounded(.down))
      let values = (first...last).map { place in
        let x = Double(place) - fraction
        let angle = Double.pi * cutoff * x
        let sinc = angle == 0 ? 1 : sin(angle) / angle
        let window = cos(Double.pi * x / (2 * halfWidth))
        return sinc * window * window
      }
      let sum = values.reduce(0, +)
      weights = values.map { $0 / sum }
    }

    func applied(to input: UnsafeBufferPointer<Float>, at place: Int) -> Float {
      let start = place + first
      var sum = 0.0
      for tap in max(0, -start)..<max(0, -start, min(weights.count, input.count - start)) {
        sum += weights[tap] * Double(input[start + tap])
      }
      return Float(sum)
    }
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
  }
}
