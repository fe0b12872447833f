import CKernels

struct AddOperation {
  let a: Tensor
  let b: Tensor
  let output: Tensor

  func backward(on tape: Tape) {
    tape.passGradient(of: output, to: b, mayMove: false)
    tape.passGradient(of: output, to: a)
  }
}

struct ScaleOperation {
  let input: Tensor
  let factor: Float
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let dy = tape.arrived(output)
    let (dx, accumulate) = tape.gradientBuffer(input)
    dk_scale(dy, factor, dx, input.count, accumulate ? 1 : 0)
  }
}

/// Nonlinearities, by the names configs use.
public enum Activation: String, Sendable, CaseIterable {
  /// x Φ(x), exact (`gelu` in Hugging Face and PyTorch).
  case gelu
  /// The tanh form (`gelu_pytorch_tanh`, `gelu_new`).
  case geluTanh = "gelu_pytorch_tanh"
  /// x σ(1.702 x) (CLIP).
  case quickGELU = "quick_gelu"
  case silu
  case relu
  case tanh
  case sigmoid

  var kind: Int32 {
    switch self {
    case .gelu: Int32(DK_GELU_ERF)
    case .geluTanh: Int32(DK_GELU_TANH)
    case .quickGELU: Int32(DK_QUICK_GELU)
    case .silu: Int32(DK_SILU)
    case .relu: Int32(DK_RELU)
    case .tanh: Int32(DK_TANH)
    case .sigmoid: Int32(DK_SIGMOID)
    }
  }
}

struct ActivationOperation {
  let activation: Activation
  let input: Tensor
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let dy = tape.arrived(output)
    let (dx, accumulate) = tape.gradientBuffer(input)
    dk_activation_backward(
      activation.kind, tape.pointer(input), dy, dx, input.count, accumulate ? 1 : 0)
  }
}

struct SwiGLUOperation {
  let gate: Tensor
  let up: Tensor
  let output: Tensor

  func backward(on tape: Tape) {
    let (dgate, addsGate) = tape.gradientBuffer(gate)
    let (dup, addsUp) = tape.gradientBuffer(up)
    precondition(!addsGate && !addsUp, "gate and up are read by one SwiGLU only")
    dk_swiglu_backward(
      tape.pointer(gate), tape.pointer(up), tape.arrived(output), dgate, dup, gate.count)
    for input in [gate, up] where !tape.needsGradient(input) { tape.discardGradient(of: input) }
  }
}

struct ColumnScaleOperation {
  let input: Tensor
  let scale: Parameter
  let output: Tensor

  func backward(on tape: Tape) {
    let dy = tape.arrived(output)
    if scale.isTrainable {
      let partial = tape.pool.take(input.width)
      dk_sum_rows_product(dy, tape.pointer(input), partial.base, input.rows, input.width, 0)
      tape.weightGradients.append(.dense(scale, partial))
    }
    guard tape.needsGradient(input) else { return }
    let (dx, accumulate) = tape.gradientBuffer(input)
    dk_scale_columns(dy, scale.base, dx, input.rows, input.width, accumulate ? 1 : 0)
  }
}

extension Tape {
  /// a + b, of one shape.
  public func add(_ a: Tensor, _ b: Tensor) -> Tensor {
    precondition(a.shape == b.shape, "cannot add \(a.shape) and \(b.shape)")
    let output = allocate(rows: a.rows, width: a.width)
    dk_add(pointer(a), pointer(b), pointer(output), a.count)
    record(.add(AddOperation(a: a, b: b, output: output)), output: output, inputs: a, b)
    return output
  }

  public func scale(_ input: Tensor, by factor: Float) -> Tensor {
    let output = allocate(rows: input.rows, width: input.width)
    dk_scale(pointer(input), factor, pointer(output), input.count, 0)
    record(
      .scale(ScaleOperation(input: input, factor: factor, output: output)), output: output,
      inputs: input)
    return output
  }

  public func activation(_ activation: Activation, _ input: Tensor) -> Tensor {
    let output = allocate(rows: input.rows, width: input.width)
    dk_activation(activation.kind, pointer(input), pointer(output), input.count)
    record(
      .activation(ActivationOperation(activation: activation, input: input, output: output)),
      output: output, inputs: input, keeps: [input])
    return output
  }

  /// silu(gate) · up (Shazeer 2020, *GLU variants improve Transformer*, arXiv:2002.05202).
  /// - Precondition: nothing else reads `gate` or `up`.
  public func swiglu(gate: Tensor, up: Tensor) -> Tensor {
    precondition(gate.shape == up.shape, "gate \(gate.shape) and up \(up.shape) differ")
    let output = allocate(rows: gate.rows, width: gate.width)
    dk_swiglu(pointer(gate), pointer(up), pointer(output), gate.count)
    record(
      .swiglu(SwiGLUOperation(gate: gate, up: up, output: output)), output: output,
      inputs: gate, up, keeps: [gate, up])
    return output
  }

  /// Each column times its own weight (LayerScale, Touvron et al. 2021, arXiv:2103.17239).
  public func scaleColumns(_ input: Tensor, by scale: Parameter) -> Tensor {
    precondition(scale.count == input.width, "\(scale.name) \(scale.shape) for \(input.shape)")
    let output = allocate(rows: input.rows, width: input.width)
    dk_scale_columns(pointer(input), scale.base, pointer(output), input.rows, input.width, 0)
    record(
      .columnScale(ColumnScaleOperation(input: input, scale: scale, output: output)),
      output: output, inputs: input, parameters: [scale],
      keeps: scale.isTrainable ? [input] : [])
    return output
  }
}
