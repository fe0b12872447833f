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
  private var keyHeads: Int { keys.width / headWidth }
  /// Rows of the largest tile, the heads of a group one below the other.
  private var scratchRows: Int { tiles.reduce(1) { max($0, $1.queries.count) } * group }
  var scratchStride: Int { (tiles.reduce(0) { max($0, $1.columns) } + 15) / 16 * 16 }

  func forward(on tape: Tape) {
    let (q, k, v) = (tape.pointer(queries), tape.pointer(keys), tape.pointer(values))
    let y = tape.pointer(output)
    let scratch = tape.pool.take(scratchRows * (scratchStride + 2 * headWidth + 1))
    defer { tape.pool.give(scratch) }
    let scores = scratch.base
    let packed = scores + scratchRows * scratchStride
    let mixed = packed + scratchRows * headWidth
    if let name { tape.captures?.prepare(name, heads: heads, layout: layout) }
    for tile in tiles {
      if tile.queries.count == 1 {
        attendFromOneQuery(q, k, v, tile: tile, scores: scores, to: y, on: tape)
        continue
      }
      for keyHead in 0..<keyHeads {
        let left = rows(of: q, keyHead: keyHead, tile: tile, packedInto: packed)
        product(left, k, keyHead: keyHead, tile: tile, to: scores)
        forEachMember(keyHead, tile) { row, head in
          let tileScores = scores + row * scratchStride
          dk_softmax_tile(
            tileScores, tile.queries.count, tile.columns, scratchStride, tile.visible, scale,
            logSumExp + head * output.rows + tile.queries.lowerBound)
          capture(tileScores, head: head, tile: tile, on: tape) { $0.probabilities[$1] = $2 }
        }
        let target = target(in: y, keyHead: keyHead, tile: tile, packedIn: mixed)
        weightedSum(scores, v, keyHead: keyHead, tile: tile, accumulates: false, to: target)
        unpack(target, into: y, keyHead: keyHead, tile: tile, accumulates: false)
      }
    }
  }

  func backward(on tape: Tape) {
    let (q, k, v) = (tape.pointer(queries), tape.pointer(keys), tape.pointer(values))
    let (y, dy) = (tape.pointer(output), tape.arrived(output))
    let dq = tape.needsGradient(queries) ? zeroed(queries, on: tape) : nil
    let dk = tape.needsGradient(keys) ? zeroed(keys, on: tape) : nil
    let dv = tape.needsGradient(values) ? zeroed(values, on: tape) : nil
    let (size, d) = (scratchRows * scratchStride, headWidth)
    let scratch = tape.pool.take(2 * size + scratchRows * (3 * d + 1))
    defer { tape.pool.give(scratch) }
    if let name { tape.captures?.prepareGradients(name) }
    let (p, dp, delta) = (scratch.base, scratch.base + size, scratch.base + 2 * size)
    let packedQueries = delta + scratchRows
    let packedGradient = packedQueries + scratchRows * d
    let mixed = packedGradient + scratchRows * d
    for tile in tiles {
      for keyHead in 0..<keyHeads {
        let left = rows(of: q, keyHead: keyHead, tile: tile, packedInto: packedQueries)
        let gradient = rows(of: dy, keyHead: keyHead, tile: tile, packedInto: packedGradient)
        product(left, k, keyHead: keyHead, tile: tile, to: p)
        product(gradient, v, keyHead: keyHead, tile: tile, to: dp)
        forEachMember(keyHead, tile) { row, head in
          dk_softmax_tile_again(
            p + row * scratchStride, tile.queries.count, tile.columns, scratchStride, tile.visible,
            scale, logSumExp + head * output.rows + tile.queries.lowerBound)
          capture(dp + row * scratchStride, head: head, tile: tile, on: tape) {
            $0.gradients[$1] = $2
          }
        }
        if let dv { keySum(p, gradient, keyHead: keyHead, tile: tile, to: dv) }
        guard dq != nil || dk != nil else { continue }
        forEachMember(keyHead, tile) { row, head in
          let offset = tile.queries.lowerBound * queries.width + head * d
          dk_row_dots(
            y + offset, queries.width, dy + offset, queries.width, delta, tile.queries.count, d)
          dk_softmax_tile_backward(
            p + row * scratchStride, dp + row * scratchStride, tile.queries.count, tile.columns,
            scratchStride, tile.visible, delta, scale)
        }
        if let dq {
          let target = target(in: dq, keyHead: keyHead, tile: tile, packedIn: mixed)
          weightedSum(dp, k, keyHead: keyHead, tile: tile, accumulates: group == 1, to: target)
          unpack(target, into: dq, keyHead: keyHead, tile: tile, accumulates: true)
        }
        if let dk { keySum(dp, left, keyHead: keyHead, tile: tile, to: dk) }
      }
    }
  }

  private func zeroed(_ tensor: Tensor, on tape: Tape) -> UnsafeMutablePointer<Float> {
    let (pointer, accumulate) = tape.gradientBuffer(tensor)
    if !accumulate { dk_fill(pointer, 0, tensor.count) }
    return pointer
  }

  // MARK: - The rows of a group

  /// Rows `[group · rows, d]` of a tile's heads that share a key head, one head below the other.
  private struct GroupRows {
    let base: UnsafeMutablePointer<Float>
    let stride: Int
  }

  /// Calls `body` with the first row of each head of the group, and the head.
  @inline(__always)
  private func forEachMember(_ keyHead: Int, _ tile: AttentionTile, _ body: (Int, Int) -> Void) {
    for member in 0..<group { body(member * tile.queries.count, keyHead * group + member) }
  }

  /// The rows of `source`, which is of the queries' shape: a copy, unless one head has them to itself.
  private func rows(
    of source: UnsafeMutablePointer<Float>, keyHead: Int, tile: AttentionTile,
    packedInto scratch: UnsafeMutablePointer<Float>
  ) -> GroupRows {
    let place = target(in: source, keyHead: keyHead, tile: tile, packedIn: scratch)
    guard group > 1 else { return place }
    let (width, d) = (queries.width, headWidth)
    forEachMember(keyHead, tile) { first, head in
      let start = source + tile.queries.lowerBound * width + head * d
      for row in 0..<tile.queries.count {
        dk_copy(start + row * width, scratch + (first + row) * d, d, 0)
      }
    }
    return place
  }

  /// Where the rows of a group are computed: in scratch memory, unless one head has them to itself.
  private func target(
    in whole: UnsafeMutablePointer<Float>, keyHead: Int, tile: AttentionTile,
    packedIn scratch: UnsafeMutablePointer<Float>
  ) -> GroupRows {
    guard group == 1 else { return GroupRows(base: scratch, stride: headWidth) }
    return GroupRows(
      base: whole + tile.queries.lowerBound * queries.width + keyHead * headWidth,
      stride: queries.width)
  }

  /// Writes or adds the rows of a group that were computed in scratch memory to where they belong.
  private func unpack(
    _ rows: GroupRows, into whole: UnsafeMutablePointer<Float>, keyHead: Int, tile: AttentionTile,
    accumulates: Bool
  ) {
    guard group > 1 else { return }
    let (width, d) = (queries.width, headWidth)
    forEachMember(keyHead, tile) { first, head in
      let start = whole + tile.queries.lowerBound * width + head * d
      for row in 0..<tile.queries.count {
        dk_copy(rows.base + (first + row) * d, start + row * width, d, accumulates ? 1 : 0)
      }
    }
  }

  // MARK: - Products

  /// Calls `body` with each product's rows and keys: first row of the group's, rows, first column, keys.
  ///
  /// The shared keys and those of a tile of one part are one product for all heads of the group.
  @inline(__always)
  private func forEachKeyRun(
    _ tile: AttentionTile, _ body: (Int, Int, Int, Range<Int>) -> Void
  ) {
    let rows = tile.queries.count
    if !tile.shared.isEmpty { body(0, group * rows, 0, tile.shared) }
    let isWhole = tile.parts.count == 1
    for member in 0..<(isWhole ? 1 : group) {
      var row = member * rows
      for part in tile.parts {
        if part.ownColumns > 0 {
          let start = part.own.lowerBound
          body(
            row, isWhole ? group * rows : part.rows, tile.shared.count,
            start..<start + part.ownColumns)
        }
        row += part.rows
      }
    }
  }

  /// scores = a · keysᵀ, unscaled.
  private func product(
    _ a: GroupRows, _ b: UnsafeMutablePointer<Float>, keyHead: Int, tile: AttentionTile,
    to scores: UnsafeMutablePointer<Float>
  ) {
    let (keyWidth, d) = (keys.width, headWidth)
    forEachKeyRun(tile) { row, rows, column, keyRange in
      Products.multiply(
        transposeB: true, m: rows, n: keyRange.count, k: d, a.base + row * a.stride, a.stride,
        b + keyRange.lowerBound * keyWidth + keyHead * d, keyWidth, beta: 0,
        scores + row * scratchStride + column, scratchStride)
    }
  }

  /// target (+)= p · values.
  private func weightedSum(
    _ p: UnsafeMutablePointer<Float>, _ values: UnsafeMutablePointer<Float>, keyHead: Int,
    tile: AttentionTile, accumulates: Bool, to target: GroupRows
  ) {
    let (keyWidth, d) = (keys.width, headWidth)
    forEachKeyRun(tile) { row, rows, column, keyRange in
      let isFirst = column == 0 || tile.shared.isEmpty
      Products.multiply(
        m: rows, n: d, k: keyRange.count, p + row * scratchStride + column, scratchStride,
        values + keyRange.lowerBound * keyWidth + keyHead * d, keyWidth,
        beta: isFirst && !accumulates ? 0 : 1, target.base + row * target.stride, target.stride)
    }
  }

  /// target += pᵀ · a: what the queries add to each key.
  private func keySum(
    _ p: UnsafeMutablePointer<Float>, _ a: GroupRows, keyHead: Int, tile: AttentionTile,
    to target: UnsafeMutablePointer<Float>
  ) {
    let (keyWidth, d) = (keys.width, headWidth)
    forEachKeyRun(tile) { row, rows, column, keyRange in
      Products.multiply(
        transposeA: true, m: keyRange.count, n: d, k: rows, p + row * scratchStride + column,
        scratchStride, a.base + row * a.stride, a.stride, beta: 1,
        target + keyRange.lowerBound * keyWidth + keyHead * d, keyWidth)
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
      tiles: layout.tiles(group: heads * headWidth / keys.width),
      scale: scale ?? 1 / Float(headWidth).squareRoot(), name: name,
      logSumExp: extra(heads * queries.rows), output: output)
    operation.forward(on: self)
    record(
      .attention(operation), output: output, inputs: queries, keys, values,
      keeps: [queries, keys, values, output])
    return output
  }
}
