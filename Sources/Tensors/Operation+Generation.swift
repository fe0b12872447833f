import CKernels

// Operations of generation: on values only, for tapes that record no gradients.

extension Tape {
  /// Writes row i of `rows` over row `indices[i]` of `target` (the cache of a generation).
  /// - Precondition: the tape records no gradients; the target is its own.
  public func write(_ rows: Tensor, into target: Tensor, at indices: [Int32]) {
    precondition(!recordsGradients, "rows are overwritten only on a tape without gradients")
    precondition(
      rows.width == target.width && indices.count == rows.rows,
      "\(rows.shape) at \(indices.count) rows of \(target.shape)")
    precondition(
      indices.allSatisfy { $0 >= 0 && Int($0) < target.rows }, "a row beyond \(target.rows)")
    let (x, y) = (pointer(rows), pointer(target))
    for (row, index) in indices.enumerated() {
      dk_copy(x + row * rows.width, y + Int(index) * rows.width, rows.width, 0)
    }
  }

  /// The column of each row's largest value, the first of equals.
  public func argmax(_ input: Tensor) -> [Int32] {
    let x = pointer(input)
    return (0..<input.rows).map { Int32(dk_argmax(x + $0 * input.width, input.width)) }
  }
}
