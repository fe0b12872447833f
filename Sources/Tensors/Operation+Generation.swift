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

  /// For each row the first column at which the running sum of softmax(row / temperature) exceeds
  /// the row's threshold in [0, 1): a draw, when the threshold is uniform.
  public func sample(_ input: Tensor, temperature: Float, thresholds: [Float]) -> [Int32] {
    precondition(thresholds.count == input.rows, "one threshold for each of \(input.rows) rows")
    let weights = pool.take(input.width)
    defer { pool.give(weights) }
    return thresholds.indices.map { index in
      let row = pointer(input) + index * input.width
      let largest = row[Int(dk_argmax(row, input.width))]
      for column in 0..<input.width {
        weights.base[column] = (row[column] - largest) / temperature
      }
      dk_exp(weights.base, weights.base, input.width)
      let limit = Double(thresholds[index]) * dk_sum(weights.base, input.width)
      var sum = 0.0
      var last = 0
      for column in 0..<input.width where weights.base[column] > 0 {
        sum += Double(weights.base[column])
        last = column
        if sum > limit { break }
      }
      return Int32(last)
    }
  }
}
