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
    forgetRounded()
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
  ///
  /// - Parameter topP: draws among the likeliest columns only, as few as together have this probability
  ///   (Holtzman et al. 2020, *The curious case of neural text degeneration*, arXiv:1904.09751); 1: all.
  public func sample(
    _ input: Tensor, temperature: Float, topP: Float = 1, thresholds: [Float]
  ) -> [Int32] {
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
      if topP < 1 { Self.keepLikeliest(weights.base, input.width, share: topP) }
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

  /// Sets weights to 0 but for the largest, as few as have `share` of the sum; the lowest of equals first.
  private static func keepLikeliest(
    _ weights: UnsafeMutablePointer<Float>, _ count: Int, share: Float
  ) {
    let needed = Double(share) * dk_sum(weights, count)
    let order = (0..<count).sorted { (weights[$1], $0) < (weights[$0], $1) }
    var sum = 0.0
    for column in order {
      if sum >= needed, sum > 0 { weights[column] = 0 } else { sum += Double(weights[column]) }
    }
  }

  /// The `count` likeliest columns of each row with log softmax(row) of each, the likeliest first, the
  /// lowest of equals first.
  public func likeliest(
    _ count: Int, of input: Tensor
  ) -> [[(column: Int, logProbability: Double)]] {
    let scratch = pool.take(input.width)
    defer { pool.give(scratch) }
    return (0..<input.rows).map { index in
      let row = pointer(input) + index * input.width
      let largest = row[Int(dk_argmax(row, input.width))]
      for column in 0..<input.width { scratch.base[column] = row[column] - largest }
      dk_exp(scratch.base, scratch.base, input.width)
      let normalizer = Double(largest) + logarithm(dk_sum(scratch.base, input.width))
      var best: [Int] = []
      for column in 0..<input.width {
        if best.count == count {
          guard let last = best.last, row[column] > row[last] else { continue }
          best.removeLast()
        }
        let place = best.lastIndex { row[$0] >= row[column] }.map { $0 + 1 } ?? 0
        best.insert(column, at: place)
      }
      return best.map { ($0, Double(row[$0]) - normalizer) }
    }
  }
}
