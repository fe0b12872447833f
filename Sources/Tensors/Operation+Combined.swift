struct CombinedOperation {
  let parameter: Parameter
  /// `[T, S]`.
  let matrix: [Float]
  let output: Tensor

  /// dW = Mᵀ dy.
  func backward(on tape: Tape) {
    let dy = tape.arrived(output)
    let partial = tape.pool.take(max(parameter.count, 1))
    let sources = parameter.count / output.width
    matrix.withUnsafeBufferPointer { matrix in
      guard let base = matrix.baseAddress else { return }
      Products.multiply(
        transposeA: true, m: sources, n: output.width, k: output.rows, base, sources, dy,
        output.width, beta: 0, partial.base, output.width)
    }
    tape.weightGradients.append(.dense(parameter, partial))
  }
}

extension Tape {
  /// y = M W: each row a fixed combination of a weight's rows (a position table resized, say).
  ///
  /// Shapes: M `[T, S]`, W `[S, D]` or with axes of 1 in front, y `[T, D]`. Gradients flow into W.
  /// - Precondition: M has a column for each row of W.
  public func combined(_ parameter: Parameter, by matrix: [Float]) -> Tensor {
    let width = parameter.shape.last ?? 1
    let sources = parameter.count / max(width, 1)
    precondition(
      sources > 0 && !matrix.isEmpty && matrix.count % sources == 0,
      "\(matrix.count) numbers do not combine the \(sources) rows of \(parameter.name)")
    let output = allocate(rows: matrix.count / sources, width: width)
    matrix.withUnsafeBufferPointer { matrix in
      guard let base = matrix.baseAddress else { return }
      Products.multiply(
        m: output.rows, n: width, k: sources, base, sources, parameter.base, width, beta: 0,
        pointer(output), width)
    }
    record(
      .combined(CombinedOperation(parameter: parameter, matrix: matrix, output: output)),
      output: output, parameters: [parameter])
    return output
  }
}
