import CKernels

struct AttentionOperation {
  let queries: Tensor
  let keys: Tensor
  let values: Tensor
  let heads: Int
  let layout: AttentionLayout
  let tiles: [AttentionTile]
  let scale: Float
  let name: String?
  /// `[heads, query rows]`.
  let logSumExp: UnsafeMutablePointer<Float>
  let output: Tensor

  var headWidth: Int { queries.width / heads }
  /// Query heads that share one key head (grouped-query attention).
  var group: Int { heads * headWidth / keys.width }
  private var scratchRows: Int { tiles.reduce(0) { max($0, $1.queries.count) } }
  var scratchStride: Int { (tiles.reduce(0) { max($0, $1.columns) } + 15) / 16 * 16 }

  func forward(on tape: Tape) {
    let (q, k, v) = (tape.pointer(queries), tape.pointer(keys), tape.pointer(values))
    let y = tape.pointer(output)
    let scratch = tape.pool.take(max(scratchRows, group) * scratchStride + group)
    defer { tape.pool.give(scratch) }
    let scores = scratch.base
    if let name { tape.captures?.prepare(name, heads: heads, layout: layout) }
    for tile in tiles {
      if tile.queries.count == 1 {
        attendFromOneQuery(q, k, v, tile: tile, scores: scores, to: y, on: tape)
        continue
      }
      for head in 0..<heads {
        product(q, k, head: head, tile: tile, to: scores)
        dk_softmax_tile(
          scores, tile.queries.count, tile.columns, scratchStride, tile.visible, scale,
          logSumExp + head * output.rows + tile.queries.lowerBound)
        capture(scores, head: head, tile: tile, on: tape) { $0.probabilities[$1] = $2 }
        weightedSum(scores, v, head: head, tile: tile, to: y)
      }
    }
  }

  func backward(on tape: Tape) {
    let (q, k, v) = (tape.pointer(queries), tape.pointer(keys), tape.pointer(values))
    let (y, dy) = (tape.pointer(output), tape.arrived(output))
    let dq = tape.needsGradient(queries) ? zeroed(queries, on: tape) : nil
    let dk = tape.needsGradient(keys) ? zeroed(keys, on: tape) : nil
    let dv = tape.needsGradient(values) ? zeroed(values, on: tape) : nil
    let size = scratchRows * scratchStride
    let scratch = tape.pool.take(2 * size + scratchRows)
    defer { tape.pool.give(scratch) }
    if let name { tape.captures?.prepareGradients(name) }
    let (p, dp, delta) = (scratch.base, scratch.base + size, scratch.base + 2 * size)
    let (width, keyWidth, d) = (queries.width, keys.width, headWidth)
    for tile in tiles {
      let rows = tile.queries.count
      let queryOffset = tile.queries.lowerBound * width
      for head in 0..<heads {
        let offset = queryOffset + head * d
        let keyHead = head / group * d
        product(q, k, head: head, tile: tile, to: p)
        dk_softmax_tile_again(
          p, rows, tile.columns, scratchStride, tile.visible, scale,
          logSumExp + head * output.rows + tile.queries.lowerBound)
        product(dy, v, head: head, tile: tile, to: dp)
        capture(dp, head: head, tile: tile, on: tape) { $0.gradients[$1] = $2 }
        if let dv {
          forEachKeyRun(tile) { row, rows, column, keyRange in
            Products.multiply(
              transposeA: true, m: keyRange.count, n: d, k: rows, p + row * scratchStride + column,
              scratchStride, dy + offset + row * width, width, beta: 1,
              dv + keyRange.lowerBound * keyWidth + keyHead, keyWidth)
          }
        }
        guard dq != nil || dk != nil else { continue }
        dk_row_dots(y + offset, width, dy + offset, width, delta, rows, d)
        dk_softmax_tile_backward(
          p, dp, rows, tile.columns, scratchStride, tile.visible, delta, scale)
        forEachKeyRun(tile) { row, rows, column, keyRange in
          let ds = dp + row * scratchStride + column
          let keyOffset = keyRange.lowerBound * keyWidth + keyHead
          if let dq {
            Products.multiply(
              m: rows, n: d, k: keyRange.count, ds, scratchStride, k + keyOffset, keyWidth,
              beta: 1, dq + offset + row * width, width)
          }
          if let dk {
            Products.multiply(
              transposeA: true, m: keyRange.count, n: d, k: rows, ds, scratchStride,
              q + offset + row * width, width, beta: 1, dk + keyOffset, keyWidth)
          }
        }
      }
    }
  }

  private func zeroed(_ tensor: Tensor, on tape: Tape) -> UnsafeMutablePointer<Float> {
    let (pointer, accumulate) = tape.gradientBuffer(tensor)
    if !accumulate { dk_fill(pointer, 0, tensor.count) }
    return pointer
  }

  /// Calls `body` with each product's rows and keys: first row in the tile, rows, first column,
  /// keys.
  @inline(__always)
  private func forEachKeyRun(
    _ tile: AttentionTile, _ body: (Int, Int, Int, Range<Int>) -> Void
  ) {
    if !tile.shared.isEmpty { body(0, tile.queries.count, 0, tile.shared) }
    var row = 0
    for part in tile.parts {
      if part.ownColumns > 0 {
        let start = part.own.lowerBound
        body(row, part.rows, tile.shared.count, start..<start + part.ownColumns)
      }
      row += part.rows
    }
  }

  /// scores = a · keysᵀ of one head, unscaled.
  private func product(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, head: Int,
    tile: AttentionTile, to scores: UnsafeMutablePointer<Float>
  ) {
    let (width, keyWidth, d) = (queries.width, keys.width, headWidth)
    let left = a + tile.queries.lowerBound * width + head * d
    let keyHead = head / group * d
    forEachKeyRun(tile) { row, rows, column, keyRange in
      Products.multiply(
        transposeB: true, m: rows, n: keyRange.count, k: d, left + row * width, width,
        b + keyRange.lowerBound * keyWidth + keyHead, keyWidth, beta: 0,
        scores + row * scratchStride + column, scratchStride)
    }
  }

  private func weightedSum(
    _ p: UnsafeMutablePointer<Float>, _ v: UnsafeMutablePointer<Float>, head: Int,
    tile: AttentionTile, to y: UnsafeMutablePointer<Float>
  ) {
    let (width, keyWidth, d) = (queries.width, keys.width, headWidth)
    let target = y + tile.queries.lowerBound * width + head * d
    let keyHead = head / group * d
    forEachKeyRun(tile) { row, rows, column, keyRange in
      let isFirst = column == 0 || tile.shared.isEmpty
      Products.multiply(
        m: rows, n: d, k: keyRange.count, p + row * scratchStride + column, scratchStride,
        v + keyRange.lowerBound * keyWidth + keyHead, keyWidth, beta: isFirst ? 0 : 1,
        target + row * width, width)
    }
  }

  /// Copies a tile of probabilities or gradients to the captures, when they are on.
  func capture(
    _ source: UnsafeMutablePointer<Float>, head: Int, tile: AttentionTile, on tape: Tape,
    store: (inout Captures.Block, Int, Float) -> Void
  ) {
    guard let name, let captures = tape.captures else { return }
    var row = 0
    for part in tile.parts {
      for index in 0..<part.rows {
        let query = part.first + index
        let visible = Int(tile.visible[row])
        captures.attention[name]?.withUnsafeMutableBufferPointer { blocks in
          let keys = blocks[part.block].keys
          let start = (head * blocks[part.block].queries + query) * keys
          for column in 0..<visible {
            store(&blocks[part.block], start + column, source[row * scratchStride + column])
          }
        }
        row += 1
      }
    }
  }
}

extension Tape {
  /// Scaled dot-product attention, softmax(scale · q kᵀ) v for each head, over packed sequences.
  ///
  /// Shapes: q `[Q, heads · d]`; k and v `[K, keyHeads · d]`, where `keyHeads` divides `heads`
  /// (grouped-query attention, Ainslie et al. 2023, arXiv:2305.13245); the result is
  /// `[Q, heads · d]`. The probabilities are not kept: the backward pass computes them again from the
  /// log-sum-exp (Dao et al. 2022, *FlashAttention*, arXiv:2205.14135).
  ///
  /// - Parameters:
  ///   - scale: 1/√d when nil.
  ///   - name: under which the probabilities go to ``Captures``, when the tape has one.
  public func attention(
    queries: Tensor, keys: Tensor, values: Tensor, heads: Int, layout: AttentionLayout,
    scale: Float? = nil, name: String? = nil
  ) -> Tensor {
    precondition(queries.width % heads == 0, "\(heads) heads do not divide \(queries.width)")
    let headWidth = queries.width / heads
    precondition(
      keys.shape == values.shape && keys.width % headWidth == 0
        && heads % (keys.width / headWidth) == 0,
      "keys \(keys.shape) and values \(values.shape) do not fit \(heads) heads of \(headWidth)")
    let covered = layout.blocks.reduce(0) { $0 + $1.queries.count }
    precondition(covered == queries.rows, "the layout has \(covered) of \(queries.rows) queries")
    let output = allocate(rows: queries.rows, width: queries.width)
    let operation = AttentionOperation(
      queries: queries, keys: keys, values: values, heads: heads, layout: layout,
      tiles: layout.tiles(), scale: scale ?? 1 / Float(headWidth).squareRoot(), name: name,
      logSumExp: extra(heads * queries.rows), output: output)
    operation.forward(on: self)
    record(
      .attention(operation), output: output, inputs: queries, keys, values,
      keeps: [queries, keys, values, output])
    return output
  }
}
