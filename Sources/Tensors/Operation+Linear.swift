import CKernels

struct LinearOperation {
  let input: Tensor
  let weight: Parameter
  let bias: Parameter?
  let residual: Tensor?
  let output: Tensor

  func backward(on tape: Tape) {
    let dy = tape.arrived(output)
    if tape.needsGradient(input) {
      let (dx, accumulate) = tape.gradientBuffer(input)
      tape.multiply(
        dy, rows: output.rows, by: weight, to: dx, accumulates: accumulate)
    }
    let learnsWeight = weight.isTrainable
    let learnsBias = bias?.isTrainable ?? false
    let learns = learnsWeight || learnsBias
    if let residual { tape.passGradient(of: output, to: residual, mayMove: !learns) }
    if learns {
      tape.weightGradients.append(
        .linear(
          weight: learnsWeight ? weight : nil, bias: learnsBias ? bias : nil,
          input: learnsWeight ? tape.pointer(input) : nil, inputWidth: input.width,
          gradient: tape.takeGradient(output),
          outputWidth: output.width, rows: output.rows))
    }
  }
}

extension Tape {
  /// dx = dy W (+ dx): dy `[rows, outputs]`, W `[outputs, inputs]`. For a bfloat16 weight dy is rounded to
  /// bfloat16; the sums are float32.
  func multiply(
    _ dy: UnsafePointer<Float>, rows: Int, by weight: Parameter,
    to dx: UnsafeMutablePointer<Float>, accumulates: Bool
  ) {
    let outputs = weight.shape[0]
    let inputs = weight.count / outputs
    switch weight.matrix {
    case .float32(let matrix):
      Products.multiply(
        m: rows, n: inputs, k: outputs, dy, outputs, matrix, inputs, beta: accumulates ? 1 : 0, dx,
        inputs)
    case .bfloat16(let matrix):
      let scratch = pool.take((rows * outputs + 1) / 2)
      defer { pool.give(scratch) }
      dk_f32_to_bf16(dy, scratch.bits, rows * outputs)
      Products.multiply(
        ProductForm(
          m: rows, n: inputs, k: outputs, lda: outputs, ldb: inputs, ldc: inputs,
          accumulates: accumulates),
        ProductOperands(a: scratch.bits, b: matrix, c: dx))
    }
  }

  /// y = x Wᵀ + b (+ residual).
  ///
  /// Shapes: x `[R, in]`, W `[out, in]`, b `[out]`, residual and y `[R, out]`.
  /// - Precondition: the widths match.
  public func linear(
    _ input: Tensor, _ weight: Parameter, bias: Parameter? = nil, addingTo residual: Tensor? = nil
  ) -> Tensor {
    let outputWidth = weight.shape[0]
    precondition(
      weight.count == outputWidth * input.width,
      "\(weight.name) has shape \(weight.shape), its input has width \(input.width)")
    let output = allocate(rows: input.rows, width: outputWidth)
    let y = pointer(output)
    if let residual {
      precondition(residual.shape == output.shape, "\(weight.name): residual \(residual.shape)")
      dk_copy(pointer(residual), y, output.count, 0)
    }
    switch weight.matrix {
    case .float32(let matrix):
      Products.multiply(
        pointer(input), rows: input.rows, inputs: input.width, transposed: matrix,
        outputs: outputWidth, to: y, accumulates: residual != nil)
    case .bfloat16(let matrix):
      Products.multiply(
        rounded(input), rows: input.rows, inputs: input.width, transposed: matrix,
        outputs: outputWidth, to: y, accumulates: residual != nil)
    }
    if let bias { dk_add_bias(y, bias.base, y, output.rows, outputWidth) }
    let recorded = record(
      .linear(
        LinearOperation(
          input: input, weight: weight, bias: bias, residual: residual, output: output)),
      output: output, inputs: input, residual, parameters: [weight, bias])
    if recorded, weight.isTrainable { pin(input) }
    return output
  }
}
