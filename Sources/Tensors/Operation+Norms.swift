import CKernels

struct LayerNormOperation {
  let input: Tensor
  let weight: Parameter
  let bias: Parameter
  let mean: UnsafeMutablePointer<Float>
  let inverseDeviation: UnsafeMutablePointer<Float>
  let output: Tensor

  func backward(on tape: Tape) {
    let learns = weight.isTrainable || bias.isTrainable
    var dgamma: BufferPool.Buffer?
    var dbeta: BufferPool.Buffer?
    if learns {
      dgamma = tape.zeroedBuffer(input.width)
      dbeta = tape.zeroedBuffer(input.width)
    }
    if tape.needsGradient(input) {
      let (dx, accumulate) = tape.gradientBuffer(input)
      dk_layer_norm_backward(
        tape.pointer(input), weight.base, mean, inverseDeviation, tape.arrived(output), dx,
        dgamma?.base, dbeta?.base, input.rows, input.width, accumulate ? 1 : 0)
    } else if learns {
      let scratch = tape.pool.take(input.count)
      dk_layer_norm_backward(
        tape.pointer(input), weight.base, mean, inverseDeviation, tape.arrived(output),
        scratch.base, dgamma?.base, dbeta?.base, input.rows, input.width, 0)
      tape.pool.give(scratch)
    }
    if let dgamma { tape.weightGradients.append(.dense(weight, dgamma)) }
    if let dbeta { tape.weightGradients.append(.dense(bias, dbeta)) }
  }
}

struct RMSNormOperation {
  let input: Tensor
  let weight: Parameter
  let inverseDeviation: UnsafeMutablePointer<Float>
  let output: Tensor

  func backward(on tape: Tape) {
    let (width, parts) = (weight.count, input.count / weight.count)
    let dgamma = weight.isTrainable ? tape.zeroedBuffer(width) : nil
    if tape.needsGradient(input) {
      let (dx, accumulate) = tape.gradientBuffer(input)
      dk_rms_norm_backward(
        tape.pointer(input), weight.base, inverseDeviation, tape.arrived(output), dx, dgamma?.base,
        parts, width, accumulate ? 1 : 0)
    } else if let dgamma {
      let scratch = tape.pool.take(input.count)
      dk_rms_norm_backward(
        tape.pointer(input), weight.base, inverseDeviation, tape.arrived(output), scratch.base,
        dgamma.base, parts, width, 0)
      tape.pool.give(scratch)
    }
    if let dgamma { tape.weightGradients.append(.dense(weight, dgamma)) }
  }
}

struct NormalizeOperation {
  let input: Tensor
  let norms: UnsafeMutablePointer<Float>
  let epsilon: Float
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let (dx, accumulate) = tape.gradientBuffer(input)
    dk_l2_normalize_backward(
      tape.pointer(output), norms, epsilon, tape.arrived(output), dx, input.rows, input.width,
      accumulate ? 1 : 0)
  }
}

extension Tape {
  func zeroedBuffer(_ count: Int) -> BufferPool.Buffer {
    let buffer = pool.take(count)
    dk_fill(buffer.base, 0, count)
    return buffer
  }

  /// (x − mean) / √(variance + ε) · weight + bias for each row (Ba et al. 2016, arXiv:1607.06450).
  public func layerNorm(
    _ input: Tensor, weight: Parameter, bias: Parameter, epsilon: Float
  ) -> Tensor {
    precondition(weight.count == input.width, "\(weight.name) \(weight.shape) for \(input.shape)")
    let output = allocate(rows: input.rows, width: input.width)
    let mean = extra(input.rows)
    let inverseDeviation = extra(input.rows)
    dk_layer_norm(
      pointer(input), weight.base, bias.base, epsilon, pointer(output), mean, inverseDeviation,
      input.rows, input.width)
    record(
      .layerNorm(
        LayerNormOperation(
          input: input, weight: weight, bias: bias, mean: mean, inverseDeviation: inverseDeviation,
          output: output)),
      output: output, inputs: input, parameters: [weight, bias], keeps: [input])
    return output
  }

  /// x / √(mean(x²) + ε) · weight for each row (Zhang & Sennrich 2019, arXiv:1910.07467).
  ///
  /// A weight that is narrower than the rows norms each part of its width by itself: the heads of a row.
  /// - Precondition: the weight's width divides the rows'.
  public func rmsNorm(_ input: Tensor, weight: Parameter, epsilon: Float) -> Tensor {
    precondition(
      weight.count > 0 && input.width % weight.count == 0,
      "\(weight.name) \(weight.shape) for \(input.shape)")
    let output = allocate(rows: input.rows, width: input.width)
    let parts = input.count / weight.count
    let inverseDeviation = extra(parts)
    dk_rms_norm(
      pointer(input), weight.base, epsilon, pointer(output), inverseDeviation, parts,
      weight.count)
    record(
      .rmsNorm(
        RMSNormOperation(
          input: input, weight: weight, inverseDeviation: inverseDeviation, output: output)),
      output: output, inputs: input, parameters: [weight], keeps: [input])
    return output
  }

  /// x / max(|x|₂, ε) for each row (`torch.nn.functional.normalize`).
  public func normalize(_ input: Tensor, epsilon: Float = 1e-12) -> Tensor {
    let output = allocate(rows: input.rows, width: input.width)
    let norms = extra(input.rows)
    dk_l2_normalize(pointer(input), epsilon, pointer(output), norms, input.rows, input.width)
    record(
      .normalize(
        NormalizeOperation(input: input, norms: norms, epsilon: epsilon, output: output)),
      output: output, inputs: input, keeps: [output])
    return output
  }
}
