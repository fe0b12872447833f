import CKernels

extension AttentionOperation {
  /// The attention of one query row, as generation has it: the heads that share a key head run as the
  /// rows of one product, so that each key and value is read once.
  ///
  /// - Parameter scores: room for `[group, scratchStride]` and `[group]`.
  func attendFromOneQuery(
    _ q: UnsafeMutablePointer<Float>, _ k: UnsafeMutablePointer<Float>,
    _ v: UnsafeMutablePointer<Float>, tile: AttentionTile, scores: UnsafeMutablePointer<Float>,
    to y: UnsafeMutablePointer<Float>, on tape: Tape
  ) {
    let (d, keyWidth) = (headWidth, keys.width)
    let own = tile.parts[0].own.lowerBound
    let runs = [tile.shared, own..<own + tile.parts[0].ownColumns]
    let sums = scores + group * scratchStride
    for keyHead in 0..<keyWidth / d {
      let offset = tile.queries.lowerBound * queries.width + keyHead * group * d
      var column = 0
      for run in runs where !run.isEmpty {
        dk_few_rows_transposed(
          q + offset, d, k + run.lowerBound * keyWidth + keyHead * d, keyWidth, scores + column,
          scratchStride, group, d, run.count, 0)
        column += run.count
      }
      dk_softmax_tile(scores, group, tile.columns, scratchStride, nil, scale, sums)
      for member in 0..<group {
        let head = keyHead * group + member
        logSumExp[head * output.rows + tile.queries.lowerBound] = sums[member]
        capture(scores + member * scratchStride, head: head, tile: tile, on: tape) {
          $0.probabilities[$1] = $2
        }
      }
      column = 0
      for run in runs where !run.isEmpty {
        dk_few_rows(
          scores + column, scratchStride, v + run.lowerBound * keyWidth + keyHead * d, keyWidth,
          y + offset, d, group, run.count, d, column == 0 ? 0 : 1)
        column += run.count
      }
    }
  }
}
