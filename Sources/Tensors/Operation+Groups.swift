import CKernels

struct GroupMeanOperation {
  let input: Tensor
  let groups: RowGroups
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let dy = tape.arrived(output)
    let (dx, accumulate) = tape.gradientBuffer(input)
    if !accumulate { dk_fill(dx, 0, input.count) }
    let width = input.width
    groups.visit { group, rows in
      let share = 1 / Float(rows.count)
      for row in rows { dk_scale(dy + group * width, share, dx + Int(row) * width, width, 1) }
    }
  }
}

struct ConcatenateOperation {
  let input: Tensor
  let rows: [Int32]
  let output: Tensor

  func backward(on tape: Tape) {
    guard tape.needsGradient(input) else { return }
    let dy = tape.arrived(output)
    let (dx, accumulate) = tape.gradientBuffer(input)
    if !accumulate { dk_fill(dx, 0, input.count) }
    for (place, row) in rows.enumerated() {
      dk_copy(dy + place * input.width, dx + Int(row) * input.width, input.width, 1)
    }
  }
}

extension Tape {
  /// The mean of each group's rows: `[R, D]` → `[groups, D]` (pooling over blocks or bins of a grid).
  /// - Precondition: no group is empty, no row beyond the tensor.
  public func mean(_ input: Tensor, groups: RowGroups) -> Tensor {
    precondition(groups.rows.allSatisfy { Int($0) < input.rows }, "a row beyond \(input.rows)")
    let output = allocate(rows: groups.count, width: input.width)
    let (x, y, width) = (pointer(input), pointer(output), input.width)
    groups.visit { group, rows in
      precondition(!rows.isEmpty, "a group without rows has no mean")
      let share = 1 / Float(rows.count)
      for (place, row) in rows.enumerated() {
        dk_scale(x + Int(row) * width, share, y + group * width, width, place == 0 ? 0 : 1)
      }
    }
    record(
      .groupMean(GroupMeanOperation(input: input, groups: groups, output: output)),
      output: output, inputs: input)
    return output
  }

  /// Each group's rows side by side: `[R, D]` → `[groups, n · D]` for groups of n rows.
  /// - Precondition: all groups have one size, no row is beyond the tensor.
  public func concatenated(_ input: Tensor, groups: RowGroups) -> Tensor {
    precondition(groups.rows.allSatisfy { Int($0) < input.rows }, "a row beyond \(input.rows)")
    let size = groups.ends.first ?? 0
    precondition(
      groups.ends.enumerated().allSatisfy { $1 == ($0 + 1) * size },
      "groups that are put side by side have one size")
    let output = allocate(rows: groups.count, width: size * input.width)
    let (x, y) = (pointer(input), pointer(output))
    for (place, row) in groups.rows.enumerated() {
      dk_copy(x + Int(row) * input.width, y + place * input.width, input.width, 0)
    }
    record(
      .concatenate(ConcatenateOperation(input: input, rows: groups.rows, output: output)),
      output: output, inputs: input)
    return output
  }
}
