import CKernels

struct DepthwiseOperation {
  let input: Tensor
  let weight: Parameter
  let grids: [PackedGrid]
  let output: Tensor

  func backward(on tape: Tape) {
    let (dy, width) = (tape.arrived(output), input.width)
    let kernel = DepthwiseKernel(weight)
    if tape.needsGradient(input) {
      let taps = kernel.taps(weight, pool: tape.pool)
      let (dx, accumulate) = tape.gradientBuffer(input)
      if !accumulate { dk_fill(dx, 0, input.count) }
      kernel.forEach(grids) { tap, source, target in
        dk_multiply(
          taps.base + tap * width, dy + target * width, dx + source * width, width, 1)
      }
      tape.pool.give(taps)
    }
    guard weight.isTrainable else { return }
    let x = tape.pointer(input)
    let sums = tape.zeroedBuffer(weight.count)
    kernel.forEach(grids) { tap, source, target in
      dk_multiply(x + source * width, dy + target * width, sums.base + tap * width, width, 1)
    }
    let partial = tape.pool.take(weight.count)
    for channel in 0..<width {
      for tap in 0..<kernel.count {
        partial.base[channel * kernel.count + tap] = sums.base[tap * width + channel]
      }
    }
    tape.pool.give(sums)
    tape.weightGradients.append(.dense(weight, partial))
  }
}

/// A square kernel around its middle.
private struct DepthwiseKernel {
  let side: Int
  var count: Int { side * side }

  /// - Parameter weight: `[C, 1, side, side]`.
  init(_ weight: Parameter) { side = weight.shape.last ?? 1 }

  /// The weight with the channels last: `[side², C]`.
  func taps(_ weight: Parameter, pool: BufferPool) -> BufferPool.Buffer {
    let buffer = pool.take(weight.count)
    let channels = weight.shape[0]
    for channel in 0..<channels {
      for tap in 0..<count {
        buffer.base[tap * channels + channel] = weight.base[channel * count + tap]
      }
    }
    return buffer
  }

  /// Calls `body` with each tap, the row it reads and the row it adds to; what lies outside the grid is 0
  /// and left out.
  @inline(__always)
  func forEach(_ grids: [PackedGrid], _ body: (_ tap: Int, _ source: Int, _ target: Int) -> Void) {
    let reach = side / 2
    for grid in grids {
      for row in 0..<grid.size.rows {
        for column in 0..<grid.size.columns {
          let target = Int(grid.row(row, column))
          for y in max(0, row - reach)..<min(grid.size.rows, row + reach + 1) {
            for x in max(0, column - reach)..<min(grid.size.columns, column + reach + 1) {
              body((y - row + reach) * side + x - column + reach, Int(grid.row(y, x)), target)
            }
          }
        }
      }
    }
  }
}

extension Tape {
  /// Each channel convolved with a kernel of its own over each grid, as `torch.nn.Conv2d` with as many
  /// groups as channels, stride 1, zeros around and no bias (a cross-correlation).
  ///
  /// Shapes: `[R, C]`, weight `[C, 1, k, k]` → `[R, C]`.
  /// - Precondition: k is odd; the grids, one after the other, are the tensor's rows.
  public func depthwise(_ input: Tensor, _ weight: Parameter, grids: [PackedGrid]) -> Tensor {
    let kernel = DepthwiseKernel(weight)
    precondition(
      weight.shape == [input.width, 1, kernel.side, kernel.side] && kernel.side % 2 == 1,
      "\(weight.name) \(weight.shape) does not convolve \(input.shape) channel by channel")
    let ends = grids.reduce(into: 0) { end, grid in
      precondition(grid.start == end, "grids that are convolved lie one after the other")
      end += grid.size.count
    }
    precondition(ends == input.rows, "grids of \(ends) places for \(input.rows) rows")
    let output = allocate(rows: input.rows, width: input.width)
    let (x, y, width) = (pointer(input), pointer(output), input.width)
    let taps = kernel.taps(weight, pool: pool)
    dk_fill(y, 0, output.count)
    kernel.forEach(grids) { tap, source, target in
      dk_multiply(taps.base + tap * width, x + source * width, y + target * width, width, 1)
    }
    pool.give(taps)
    record(
      .depthwise(
        DepthwiseOperation(input: input, weight: weight, grids: grids, output: output)),
      output: output, inputs: input, parameters: [weight],
      keeps: weight.isTrainable ? [input] : [])
    return output
  }
}
