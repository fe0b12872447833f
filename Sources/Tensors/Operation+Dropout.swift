import CKernels

/// Zeros and the factor of what stays are made again from the key in the backward pass: nothing is kept.
struct DropoutOperation {
  let input: Tensor
  let rate: Float
  let key: RandomKey
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let (dx, accumulate) = tape.gradientBuffer(input)
    key.applyDropout(
      tape.arrived(output), to: dx, count: input.count, rate: rate, accumulate: accumulate)
  }
}

extension RandomKey {
  /// y (+)= mask · x / (1 − rate); element n is dropped where word n of the key's stream is below rate · 2³².
  fileprivate func applyDropout(
    _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int, rate: Float,
    accumulate: Bool
  ) {
    let threshold = UInt32(Double(rate) * 0x1p32)
    let factor = 1 / (1 - rate)
    let key = (UInt32(truncatingIfNeeded: bits), UInt32(truncatingIfNeeded: bits >> 32))
    for first in stride(from: 0, to: count, by: 4) {
      let counter = UInt64(first / 4)
      let words = RandomStream.philox(
        counter: (UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32), 0, 0), key: key)
      func apply(_ place: Int, _ word: UInt32) {
        guard place < count else { return }
        let value = word < threshold ? 0 : x[place] * factor
        y[place] = accumulate ? y[place] + value : value
      }
      apply(first, words.0)
      apply(first + 1, words.1)
      apply(first + 2, words.2)
      apply(first + 3, words.3)
    }
  }
}

extension Tape {
  /// Each value 0 with probability `rate`, else divided by 1 − rate (Srivastava et al. 2014, *Dropout*,
  /// JMLR 15, in the form that needs nothing in evaluation, `torch.nn.Dropout`).
  ///
  /// - Parameter key: decides which; a key of its own for each use of each update.
  /// - Precondition: `rate` is at least 0 and less than 1.
  public func dropout(_ input: Tensor, rate: Float, key: RandomKey) -> Tensor {
    precondition(rate >= 0 && rate < 1, "a dropout of \(rate)")
    let output = allocate(rows: input.rows, width: input.width)
    key.applyDropout(
      pointer(input), to: pointer(output), count: input.count, rate: rate, accumulate: false)
    record(
      .dropout(DropoutOperation(input: input, rate: rate, key: key, output: output)),
      output: output, inputs: input)
    return output
  }
}

extension Context {
  /// Dropout while training, nothing else.
  ///
  /// The mask differs by the context's key (which names update and lane), by `place` and `index`, and by
  /// row and column.
  ///
  /// - Parameters:
  ///   - place: the use in its layer.
  ///   - index: of the layer.
  public func dropout(_ input: Tensor, rate: Float, at place: String, _ index: Int = 0) -> Tensor {
    guard mode == .training, rate > 0 else { return input }
    return tape.dropout(
      input, rate: rate, key: random.named("dropout").named(place).numbered(index))
  }
}
