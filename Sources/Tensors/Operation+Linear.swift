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
      Products.multiply(
        dy, rows: output.rows, outputs: output.width, by: weight.matrix, inputs: input.width,
        to: dx, accumulates: accumulate)
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
    Products.multiply(
      pointer(input), rows: input.rows, inputs: input.width, transposed: weight.matrix,
      outputs: outputWidth, to: y, accumulates: residual != nil)
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
