import CKernels

/// A share of a weight's gradient that one lane has ready, computed only when all lanes are done.
///
/// The sum over lanes runs in lane order, one weight (or one block of its rows) on one thread, so
/// the bits do not depend on the number of threads and no lane holds a gradient of a large weight.
enum WeightGradient {
  /// y = x Wᵀ + b: dW += dyᵀ x, db += Σ rows of dy. `input` is `[rows, in]` (a pinned value of the
  /// tape; nil without a weight), `gradient` `[rows, out]`.
  case linear(
    weight: Parameter?, bias: Parameter?, input: UnsafeMutablePointer<Float>?, inputWidth: Int,
    gradient: BufferPool.Buffer, outputWidth: Int, rows: Int)
  /// A gradient of the weight's own size, computed by the lane (norms, latents, biases of columns).
  case dense(Parameter, BufferPool.Buffer)
  /// Rows of a table looked up by `ids`: table[ids[r]] += gradient[r].
  case rows(Parameter, ids: [Int32], gradient: BufferPool.Buffer, width: Int)

  func release(to pool: BufferPool) {
    switch self {
    case .linear(_, _, _, _, let gradient, _, _): pool.give(gradient)
    case .dense(_, let buffer): pool.give(buffer)
    case .rows(_, _, let gradient, _): pool.give(gradient)
    }
  }
}

/// The part of a weight that one thread sums: rows `first ..< end` of `[rows, width]`.
private struct Block: Sendable {
  let parameter: Parameter
  let rows: Range<Int>
  let width: Int
}

/// Sums the queued gradients of all tapes into the parameters' gradient buffers.
enum WeightGradients {
  /// Rows of one block: large enough that the product stays fast, small enough to share the work.
  private static let blockRows = 512

  static func accumulate(_ tapes: [Tape], into parameters: [Parameter], executor: LaneExecutor) {
    var shares: [Int: [WeightGradient]] = [:]
    let index = Dictionary(
      uniqueKeysWithValues: parameters.enumerated().map { ($0.element, $0.offset) })
    for tape in tapes {
      for share in tape.weightGradients {
        for parameter in share.parameters {
          if let position = index[parameter] { shares[position, default: []].append(share) }
        }
      }
    }
    var blocks: [Block] = []
    for parameter in parameters {
      let rows = parameter.shape.first ?? 1
      let width = parameter.count / max(rows, 1)
      for first in stride(from: 0, to: rows, by: blockRows) {
        let range = first..<min(first + blockRows, rows)
        blocks.append(Block(parameter: parameter, rows: range, width: width))
      }
    }
    let sharesByParameter = UncheckedBox(shares)
    let work = blocks
    executor.run(count: work.count) { position in
      let block = work[position]
      sum(sharesByParameter.value[index[block.parameter] ?? -1] ?? [], into: block)
    }
  }

  private static func sum(_ shares: [WeightGradient], into block: Block) {
    guard let base = block.parameter.store.gradientBase(of: block.parameter) else { return }
    let first = block.rows.lowerBound
    let count = block.rows.count * block.width
    let target = base + first * block.width
    dk_fill(target, 0, count)
    for share in shares {
      switch share {
      case .linear(
        let weight, let bias, let input, let inputWidth, let gradient, let width, let rows):
        if block.parameter == weight, let input {
          Products.multiply(
            transposeA: true, m: block.rows.count, n: inputWidth, k: rows, gradient.base + first,
            width, input, inputWidth, beta: 1, target, inputWidth)
        }
        if block.parameter == bias {
          for row in 0..<rows {
            dk_copy(gradient.base + row * width + first, target, count, 1)
          }
        }
      case .dense(_, let buffer):
        dk_copy(buffer.base + first * block.width, target, count, 1)
      case .rows(_, let ids, let gradient, let width):
        for (row, id) in ids.enumerated() where block.rows.contains(Int(id)) {
          dk_copy(gradient.base + row * width, base + Int(id) * width, width, 1)
        }
      }
    }
  }
}

extension WeightGradient {
  /// The weights this share belongs to.
  var parameters: [Parameter] {
    switch self {
    case .linear(let weight, let bias, _, _, _, _, _): [weight, bias].compactMap { $0 }
    case .dense(let parameter, _), .rows(let parameter, _, _, _): [parameter]
    }
  }
}

/// Carries a value that is only read while several threads run.
struct UncheckedBox<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
