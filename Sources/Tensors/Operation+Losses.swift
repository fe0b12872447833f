import CKernels

/// The value of a loss: a number to read and a tensor to start the backward pass from.
public struct Loss {
  /// `[1, 1]`.
  public let tensor: Tensor
  /// The same in double precision.
  public let value: Double
}

struct CrossEntropyOperation {
  let hidden: Tensor
  let weight: Parameter
  let bias: Parameter?
  /// d loss / d hidden `[rows, width]`, when the hidden states need one.
  let hiddenGradient: UnsafeMutablePointer<Float>?
  /// d loss / d logits `[rows, V]`, a side buffer of the tape, when the head learns.
  let logitsGradient: UnsafeMutablePointer<Float>?
  let output: Tensor

  func backward(on tape: Tape) {
    let factor = tape.arrived(output)[0]
    if let logitsGradient {
      let count = hidden.rows * weight.shape[0]
      if factor != 1 { dk_scale(logitsGradient, factor, logitsGradient, count, 0) }
      tape.weightGradients.append(
        .linear(
          weight: weight, bias: bias, input: tape.pointer(hidden), inputWidth: hidden.width,
          gradient: tape.takeExtra(logitsGradient), outputWidth: weight.shape[0],
          rows: hidden.rows))
    }
    guard let hiddenGradient else { return }
    let (dx, accumulate) = tape.gradientBuffer(hidden)
    dk_scale(hiddenGradient, factor, dx, hidden.count, accumulate ? 1 : 0)
  }
}

struct ContrastiveOperation {
  let a: Tensor
  let b: Tensor
  let logScale: Parameter
  let gradientA: UnsafeMutablePointer<Float>
  let gradientB: UnsafeMutablePointer<Float>
  let gradientScale: Float
  let output: Tensor

  func backward(on tape: Tape) {
    let factor = tape.arrived(output)[0]
    for (tensor, gradient) in [(a, gradientA), (b, gradientB)] where tape.needsGradient(tensor) {
      let (dx, accumulate) = tape.gradientBuffer(tensor)
      dk_scale(gradient, factor, dx, tensor.count, accumulate ? 1 : 0)
    }
    if logScale.isTrainable {
      let partial = tape.pool.take(1)
      partial.base[0] = gradientScale * factor
      tape.weightGradients.append(.dense(logScale, partial))
    }
  }
}

struct ProductOperation {
  let a: Tensor
  let b: Tensor
  let scale: Float
  let output: Tensor

  func backward(on tape: Tape) {
    let dy = tape.arrived(output)
    if tape.needsGradient(a) {
      let (dx, accumulate) = tape.gradientBuffer(a)
      Products.multiply(
        m: a.rows, n: a.width, k: b.rows, alpha: scale, dy, b.rows, tape.pointer(b), b.width,
        beta: accumulate ? 1 : 0, dx, a.width)
    }
    if tape.needsGradient(b) {
      let (dx, accumulate) = tape.gradientBuffer(b)
      Products.multiply(
        transposeA: true, m: b.rows, n: b.width, k: a.rows, alpha: scale, dy, b.rows,
        tape.pointer(a), a.width, beta: accumulate ? 1 : 0, dx, b.width)
    }
  }
}

struct DotOperation {
  let input: Tensor
  let probe: [Float]
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let factor = tape.arrived(output)[0]
    let (dx, accumulate) = tape.gradientBuffer(input)
    dk_scale(probe, factor, dx, input.count, accumulate ? 1 : 0)
  }
}

extension Tape {
  private func scalar(_ value: Double) -> Tensor {
    let output = allocate(rows: 1, width: 1)
    pointer(output)[0] = Float(value)
    return output
  }

  /// scale · Σ over rows of −log softmax(hidden Wᵀ + b)[target].
  ///
  /// The head and the loss are one operation: logits exist only for some rows at a time, and their
  /// gradient replaces them at once. Scaling by 1 over the number of supervised tokens of the whole
  /// batch (known before it is cut into lanes) makes the lanes' losses add up to the mean.
  ///
  /// Shapes: hidden `[R, D]`, W `[V, D]`, b `[V]`, one target a row.
  public func crossEntropy(
    _ hidden: Tensor, head weight: Parameter, bias: Parameter? = nil, targets: [Int32],
    scale: Float
  ) -> Loss {
    let learns = recordsGradients && (weight.isTrainable || bias?.isTrainable ?? false)
    let flows = recordsGradients && needsGradient(hidden)
    // With a trained head the logits' gradients stay for the weight gradient; else 128 rows at a
    // time.
    let chunk = learns ? hidden.rows : min(128, hidden.rows)
    let logits = extra(chunk * weight.shape[0])
    let hiddenGradient = flows ? extra(hidden.count) : nil
    let sum = crossEntropies(
      hidden, head: weight, bias: bias, targets: targets, scale: scale, chunk: chunk,
      logits: logits, leavesGradients: learns, hiddenGradient: hiddenGradient
    ).reduce(0, +)
    let output = scalar(sum * Double(scale))
    record(
      .crossEntropy(
        CrossEntropyOperation(
          hidden: hidden, weight: weight, bias: bias, hiddenGradient: hiddenGradient,
          logitsGradient: learns ? logits : nil, output: output)),
      output: output, inputs: hidden, parameters: [weight, bias])
    if learns { pin(hidden) } else { pool.give(takeExtra(logits)) }
    return Loss(tensor: output, value: sum * Double(scale))
  }

  /// log softmax(hidden Wᵀ + b)[target] of each row, no gradient recorded.
  ///
  /// Shapes as of ``crossEntropy(_:head:bias:targets:scale:)``.
  public func logProbabilities(
    _ hidden: Tensor, head weight: Parameter, bias: Parameter? = nil, targets: [Int32]
  ) -> [Double] {
    let chunk = min(128, hidden.rows)
    let logits = pool.take(max(chunk * weight.shape[0], 1))
    defer { pool.give(logits) }
    return crossEntropies(
      hidden, head: weight, bias: bias, targets: targets, scale: 1, chunk: chunk,
      logits: logits.base, leavesGradients: false, hiddenGradient: nil
    ).map { -$0 }
  }

  /// −log softmax(hidden Wᵀ + b)[target] of each row.
  ///
  /// - Parameters:
  ///   - chunk: rows whose logits are there at a time.
  ///   - logits: `[chunk, V]`; holds the gradient of scale · the sum for the last chunk's logits
  ///     afterwards, if asked for.
  ///   - hiddenGradient: `[R, D]`, receives the same for the hidden states.
  private func crossEntropies(
    _ hidden: Tensor, head weight: Parameter, bias: Parameter?, targets: [Int32], scale: Float,
    chunk: Int, logits: UnsafeMutablePointer<Float>, leavesGradients: Bool,
    hiddenGradient: UnsafeMutablePointer<Float>?
  ) -> [Double] {
    let vocabulary = weight.shape[0]
    precondition(targets.count == hidden.rows, "one target for each of \(hidden.rows) rows")
    precondition(
      targets.allSatisfy { $0 >= 0 && Int($0) < vocabulary }, "a target beyond \(vocabulary)")
    let width = hidden.width
    let gradient: Int32 = leavesGradients || hiddenGradient != nil ? 1 : 0
    var values: [Double] = []
    values.reserveCapacity(hidden.rows)
    for first in stride(from: 0, to: hidden.rows, by: max(chunk, 1)) {
      let rows = min(chunk, hidden.rows - first)
      switch weight.matrix {
      case .float32(let matrix):
        Products.multiply(
          pointer(hidden) + first * width, rows: rows, inputs: width, transposed: matrix,
          outputs: vocabulary, to: logits, accumulates: false)
      case .bfloat16(let matrix):
        Products.multiply(
          rounded(hidden) + first * width, rows: rows, inputs: width, transposed: matrix,
          outputs: vocabulary, to: logits, accumulates: false)
      }
      if let bias { dk_add_bias(logits, bias.base, logits, rows, vocabulary) }
      for row in 0..<rows {
        values.append(
          dk_cross_entropy_row(
            logits + row * vocabulary, vocabulary, targets[first + row], scale, gradient))
      }
      if let hiddenGradient {
        multiply(
          logits, rows: rows, by: weight, to: hiddenGradient + first * width, accumulates: false)
      }
    }
    return values
  }

  /// The symmetric InfoNCE loss of matched rows, times `scale` (Radford et al. 2021, *CLIP*,
  /// arXiv:2103.00020, figure 3): the mean of both directions' cross-entropies of exp(logScale) · a
  /// bᵀ.
  ///
  /// Shapes: a and b `[N, D]`, their rows of unit length; row i of a belongs to row i of b.
  public func contrastive(
    _ a: Tensor, _ b: Tensor, logScale: Parameter, scale: Float = 1
  ) -> Loss {
    precondition(a.shape == b.shape, "\(a.shape) rows cannot match \(b.shape)")
    let n = a.rows
    let temperature = Float(exponential(Double(logScale.base[0])))
    let scratch = pool.take(3 * n * n)
    defer { pool.give(scratch) }
    let (logits, rowWise, columnWise) = (
      scratch.base, scratch.base + n * n, scratch.base + 2 * n * n
    )
    Products.multiply(
      transposeB: true, m: n, n: n, k: a.width, alpha: temperature, pointer(a), a.width,
      pointer(b), a.width, beta: 0, logits, n)
    dk_copy(logits, rowWise, n * n, 0)
    for row in 0..<n {
      for column in 0..<n { columnWise[column * n + row] = logits[row * n + column] }
    }
    let factor = scale / Float(2 * n)
    var sum = 0.0
    for row in 0..<n {
      sum += dk_cross_entropy_row(rowWise + row * n, n, Int32(row), factor, 1)
      sum += dk_cross_entropy_row(columnWise + row * n, n, Int32(row), factor, 1)
    }
    for row in 0..<n {
      for column in 0..<n { rowWise[row * n + column] += columnWise[column * n + row] }
    }
    let (gradientA, gradientB) = (extra(a.count), extra(b.count))
    Products.multiply(
      m: n, n: a.width, k: n, alpha: temperature, rowWise, n, pointer(b), a.width, beta: 0,
      gradientA, a.width)
    Products.multiply(
      transposeA: true, m: n, n: a.width, k: n, alpha: temperature, rowWise, n, pointer(a),
      a.width, beta: 0, gradientB, a.width)
    let value = sum * Double(factor)
    let output = scalar(value)
    record(
      .contrastive(
        ContrastiveOperation(
          a: a, b: b, logScale: logScale, gradientA: gradientA, gradientB: gradientB,
          gradientScale: Float(dk_dot(rowWise, logits, n * n)), output: output)),
      output: output, inputs: a, b, parameters: [logScale])
    return Loss(tensor: output, value: value)
  }

  /// scale · a bᵀ: `[M, D]` and `[N, D]` → `[M, N]`.
  public func product(_ a: Tensor, transposed b: Tensor, scale: Float = 1) -> Tensor {
    precondition(a.width == b.width, "\(a.shape) · \(b.shape)ᵀ")
    let output = allocate(rows: a.rows, width: b.rows)
    Products.multiply(
      transposeB: true, m: a.rows, n: b.rows, k: a.width, alpha: scale, pointer(a), a.width,
      pointer(b), b.width, beta: 0, pointer(output), b.rows)
    record(
      .product(ProductOperation(a: a, b: b, scale: scale, output: output)), output: output,
      inputs: a, b, keeps: [a, b])
    return output
  }

  /// Σ x · probe: a linear loss, whose gradient for x is the probe.
  public func dot(_ input: Tensor, probe: [Float]) -> Loss {
    precondition(probe.count == input.count, "a probe of \(probe.count) for \(input.shape)")
    let value = dk_dot(pointer(input), probe, input.count)
    let output = scalar(value)
    record(
      .dot(DotOperation(input: input, probe: probe, output: output)), output: output,
      inputs: input)
    return Loss(tensor: output, value: value)
  }
}
