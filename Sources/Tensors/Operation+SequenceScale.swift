import CKernels

struct SequenceScaleOperation {
  let input: Rows
  let factors: Tensor
  let output: Tensor

  func backward(on tape: Tape) {
    let (dy, width) = (tape.arrived(output), input.width)
    if tape.needsGradient(input.tensor) {
      let (dx, accumulate) = tape.gradientBuffer(input.tensor)
      let s = tape.pointer(factors)
      for index in input.segments.indices {
        let rows = input.segments[index]
        let first = rows.lowerBound * width
        dk_scale_columns(
          dy + first, s + index * width, dx + first, rows.count, width, accumulate ? 1 : 0)
      }
    }
    guard tape.needsGradient(factors) else { return }
    let (ds, accumulate) = tape.gradientBuffer(factors)
    let x = tape.pointer(input.tensor)
    for index in input.segments.indices {
      let rows = input.segments[index]
      let first = rows.lowerBound * width
      dk_sum_rows_product(
        dy + first, x + first, ds + index * width, rows.count, width, accumulate ? 1 : 0)
    }
  }
}

extension Tape {
  /// Each sequence's columns times factors of its own (the excitation of Hu et al. 2018,
  /// arXiv:1709.01507): `[ΣL, D]` and `[sequences, D]` → `[ΣL, D]`.
  public func scaled(_ input: Rows, by factors: Tensor) -> Rows {
    precondition(
      factors.shape == [input.count, input.width],
      "factors \(factors.shape) for \(input.count) sequences of width \(input.width)")
    let output = allocate(rows: input.tensor.rows, width: input.width)
    let (x, s, y) = (pointer(input.tensor), pointer(factors), pointer(output))
    for index in input.segments.indices {
      let rows = input.segments[index]
      let first = rows.lowerBound * input.width
      dk_scale_columns(
        x + first, s + index * input.width, y + first, rows.count, input.width, 0)
    }
    record(
      .sequenceScale(SequenceScaleOperation(input: input, factors: factors, output: output)),
      output: output, inputs: input.tensor, factors, keeps: [input.tensor, factors])
    return input.with(output)
  }
}
