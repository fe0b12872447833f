import CKernels

struct GatherOperation {
  let input: Tensor
  let indices: [Int32]
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let dy = tape.arrived(output)
    let (dx, accumulate) = tape.gradientBuffer(input)
    if !accumulate { dk_fill(dx, 0, input.count) }
    for (row, index) in indices.enumerated() {
      dk_copy(dy + row * input.width, dx + Int(index) * input.width, input.width, 1)
    }
  }
}

/// Where a run of rows of a joined tensor comes from.
public struct RowRun: Sendable {
  /// Which of the joined tensors.
  public let source: Int
  /// Its rows.
  public let rows: Range<Int>

  public init(source: Int, rows: Range<Int>) {
    self.source = source
    self.rows = rows
  }
}

struct JoinOperation {
  let inputs: [Tensor]
  let runs: [RowRun]
  let output: Tensor

  func backward(on tape: Tape) {
    let dy = tape.arrived(output)
    for (source, input) in inputs.enumerated() where tape.needsGradient(input) {
      let (dx, accumulate) = tape.gradientBuffer(input)
      if !accumulate { dk_fill(dx, 0, input.count) }
      var row = 0
      for run in runs {
        if run.source == source {
          dk_copy(
            dy + row * input.width, dx + run.rows.lowerBound * input.width,
            run.rows.count * input.width, 1)
        }
        row += run.rows.count
      }
    }
  }
}

struct ParameterOperation {
  let parameter: Parameter
  let output: Tensor

  func backward(on tape: Tape) {
    tape.weightGradients.append(.dense(parameter, tape.takeGradient(output)))
  }
}

struct RepeatedOperation {
  let parameter: Parameter
  let times: Int
  let output: Tensor

  func backward(on tape: Tape) {
    let dy = tape.arrived(output)
    let partial = tape.pool.take(parameter.count)
    dk_sum_rows(dy, partial.base, times, parameter.count, 0)
    tape.weightGradients.append(.dense(parameter, partial))
  }
}

struct AddRepeatedOperation {
  let input: Tensor
  let parameter: Parameter
  let output: Tensor

  func backward(on tape: Tape) {
    if parameter.isTrainable {
      let partial = tape.pool.take(parameter.count)
      let times = output.count / parameter.count
      dk_sum_rows(tape.arrived(output), partial.base, times, parameter.count, 0)
      tape.weightGradients.append(.dense(parameter, partial))
    }
    tape.passGradient(of: output, to: input)
  }
}

struct EmbeddingOperation {
  let table: Parameter
  let ids: [Int32]
  let output: Tensor

  func backward(on tape: Tape) {
    tape.weightGradients.append(
      .rows(table, ids: ids, gradient: tape.takeGradient(output), width: output.width))
  }
}

struct MeanOperation {
  let input: Tensor
  let segments: Segments
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let dy = tape.arrived(output)
    let (dx, accumulate) = tape.gradientBuffer(input)
    for index in segments.indices {
      let factor = 1 / Float(segments[index].count)
      for row in segments[index] {
        dk_scale(
          dy + index * input.width, factor, dx + row * input.width, input.width,
          accumulate ? 1 : 0)
      }
    }
  }
}

extension Tape {
  /// The rows `indices` of a tensor, in that order; a row may come more than once.
  public func gather(_ input: Tensor, rows indices: [Int32]) -> Tensor {
    precondition(
      indices.allSatisfy { $0 >= 0 && Int($0) < input.rows }, "a row beyond \(input.rows)")
    let output = allocate(rows: indices.count, width: input.width)
    let (x, y) = (pointer(input), pointer(output))
    for (row, index) in indices.enumerated() {
      dk_copy(x + Int(index) * input.width, y + row * input.width, input.width, 0)
    }
    record(
      .gather(GatherOperation(input: input, indices: indices, output: output)), output: output,
      inputs: input)
    return output
  }

  /// Runs of rows of several tensors of one width, one after the other.
  public func join(_ inputs: [Tensor], runs: [RowRun]) -> Tensor {
    let width = inputs[0].width
    precondition(inputs.allSatisfy { $0.width == width }, "joined tensors have one width")
    let output = allocate(rows: runs.reduce(0) { $0 + $1.rows.count }, width: width)
    var y = pointer(output)
    for run in runs {
      precondition(run.rows.upperBound <= inputs[run.source].rows, "a run beyond its tensor")
      let count = run.rows.count * width
      dk_copy(pointer(inputs[run.source]) + run.rows.lowerBound * width, y, count, 0)
      y += count
    }
    guard recordsGradients, inputs.contains(where: needsGradient) else { return output }
    let source = inputs.first(where: needsGradient)
    record(
      .join(JoinOperation(inputs: inputs, runs: runs, output: output)), output: output,
      inputs: source)
    return output
  }

  /// Sequence by sequence, the rows of `a` followed by those of `b`.
  public func joined(_ a: Rows, _ b: Rows) -> Rows {
    precondition(a.count == b.count, "\(a.count) sequences cannot be joined with \(b.count)")
    var runs: [RowRun] = []
    var lengths: [Int] = []
    for index in a.segments.indices {
      runs.append(RowRun(source: 0, rows: a.segments[index]))
      runs.append(RowRun(source: 1, rows: b.segments[index]))
      lengths.append(a.segments[index].count + b.segments[index].count)
    }
    return Rows(join([a.tensor, b.tensor], runs: runs), Segments(lengths: lengths))
  }

  /// A weight as a tensor: its last axis is the width. Nothing is copied.
  public func parameter(_ parameter: Parameter) -> Tensor {
    let width = parameter.shape.last ?? 1
    let output = borrow(parameter, rows: parameter.count / max(width, 1))
    record(
      .parameter(ParameterOperation(parameter: parameter, output: output)), output: output,
      parameters: [parameter])
    return output
  }

  /// `times` copies of learned rows, one a sequence: `[L, D]` → `[times · L, D]`.
  public func repeated(_ parameter: Parameter, times: Int) -> Rows {
    let width = parameter.shape.last ?? 1
    let length = parameter.count / max(width, 1)
    let output = allocate(rows: times * length, width: width)
    for index in 0..<times {
      dk_copy(parameter.base, pointer(output) + index * parameter.count, parameter.count, 0)
    }
    record(
      .repeated(RepeatedOperation(parameter: parameter, times: times, output: output)),
      output: output, parameters: [parameter])
    return Rows(output, .uniform(count: times, length: length))
  }

  /// x + the learned rows, repeated down the rows of x (position tables): `[B · L, D]` + `[L, D]`.
  public func addRepeated(_ input: Tensor, _ parameter: Parameter) -> Tensor {
    precondition(
      parameter.count > 0 && input.count % parameter.count == 0
        && parameter.count % input.width == 0,
      "\(parameter.name) \(parameter.shape) does not repeat over \(input.shape)")
    let output = allocate(rows: input.rows, width: input.width)
    dk_add_bias(
      pointer(input), parameter.base, pointer(output), input.count / parameter.count,
      parameter.count)
    record(
      .addRepeated(AddRepeatedOperation(input: input, parameter: parameter, output: output)),
      output: output, inputs: input, parameters: [parameter])
    return output
  }

  /// The rows `ids` of an embedding table `[V, D]`.
  /// - Precondition: ids are below V.
  public func embedding(_ table: Parameter, ids: [Int32]) -> Tensor {
    let width = table.shape.last ?? 1
    precondition(
      ids.allSatisfy { $0 >= 0 && Int($0) < table.shape[0] },
      "\(table.name): a token id is beyond the vocabulary of \(table.shape[0])")
    let output = allocate(rows: ids.count, width: width)
    let (values, y) = (table.matrix, pointer(output))
    for (row, id) in ids.enumerated() {
      switch values {
      case .float32(let base): dk_copy(base + Int(id) * width, y + row * width, width, 0)
      case .bfloat16(let bits): dk_bf16_to_f32(bits + Int(id) * width, y + row * width, width)
      }
    }
    record(
      .embedding(EmbeddingOperation(table: table, ids: ids, output: output)), output: output,
      parameters: [table])
    return output
  }

  /// The mean of each sequence's rows: one row a sequence.
  public func mean(_ rows: Rows) -> Tensor {
    let output = allocate(rows: rows.count, width: rows.width)
    let (x, y) = (pointer(rows.tensor), pointer(output))
    for index in rows.segments.indices {
      let range = rows.segments[index]
      dk_sum_rows(
        x + range.lowerBound * rows.width, y + index * rows.width, range.count, rows.width, 0)
      dk_scale(
        y + index * rows.width, 1 / Float(range.count), y + index * rows.width, rows.width, 0)
    }
    record(
      .mean(MeanOperation(input: rows.tensor, segments: rows.segments, output: output)),
      output: output, inputs: rows.tensor)
    return output
  }
}
