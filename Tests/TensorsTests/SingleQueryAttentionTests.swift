import Testing

@testable import Tensors

@Suite struct SingleQueryAttentionTests {
  /// Heads, key heads, head width; groups of 1, 3 and 4 query heads a key head.
  @Test(arguments: [(2, 2, 8), (9, 3, 16), (4, 1, 6)])
  func aBlocksFirstQueryAttendsAsInDoublePrecision(
    heads: Int, keyHeads: Int, headWidth: Int
  ) {
    // Own keys only, shared keys only, both; a causal block of one row among longer ones.
    let layout = AttentionLayout(blocks: [
      AttentionBlock(queries: 0..<1, own: 3..<9),
      AttentionBlock(queries: 1..<2, shared: 0..<7, own: 9..<9),
      AttentionBlock(queries: 2..<3, shared: 0..<7, own: 9..<14),
      AttentionBlock(queries: 3..<4, own: 9..<14, visible: 1),
      AttentionBlock(queries: 4..<7, own: 14..<17, visible: 1),
    ])
    let tape = Tape()
    tape.captures = Captures()
    var stream = RandomKey(seed: 4).stream
    func rows(_ count: Int, _ width: Int) -> Tensor {
      tape.tensor((0..<count * width).map { _ in stream.normal() }, rows: count, width: width)
    }
    let (queries, keys) = (rows(7, heads * headWidth), rows(17, keyHeads * headWidth))
    let values = rows(17, keyHeads * headWidth)
    let output = tape.attention(
      queries: queries, keys: keys, values: values, heads: heads, layout: layout, name: "a")
    let scale = 1 / Double(headWidth).squareRoot()
    for (index, block) in layout.blocks.enumerated() {
      let seen = Array(block.shared) + Array(block.own.prefix(block.visible ?? block.own.count))
      let query = tape.row(block.queries.lowerBound, of: queries)
      for head in 0..<heads {
        let keyHead = head / (heads / keyHeads) * headWidth
        let weights = seen.map { key in
          exponential(
            scale
              * (0..<headWidth).reduce(0.0) {
                $0 + Double(query[head * headWidth + $1])
                  * Double(tape.row(key, of: keys)[keyHead + $1])
              })
        }
        let total = weights.reduce(0, +)
        for column in 0..<headWidth {
          let expected = zip(seen, weights).reduce(0.0) {
            $0 + $1.1 / total * Double(tape.row($1.0, of: values)[keyHead + column])
          }
          let ours = tape.row(block.queries.lowerBound, of: output)[head * headWidth + column]
          #expect(abs(Double(ours) - expected) <= 2e-6)
        }
        let captured = tape.captures?.attention["a"]?[index]
        let first = head * (captured?.queries ?? 0) * (captured?.keys ?? 0)
        for (column, weight) in weights.enumerated() {
          #expect(
            abs(Double(captured?.probabilities[first + column] ?? -1) - weight / total) <= 1e-6)
        }
      }
    }
  }
}
