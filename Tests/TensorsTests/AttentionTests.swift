import Foundation
import Testing

@testable import Tensors

/// Attention in double precision, one query and one head at a time.
private struct PlainAttention {
  let heads: Int
  let keyHeads: Int
  let headWidth: Int
  let q: [Double]
  let k: [Double]
  let v: [Double]
  /// The key rows each query row sees, in the order of the layout.
  let seen: [[Int]]

  var output: [Double] = []
  /// By query row, head, then key in the order of `seen`.
  var probabilities: [[[Double]]] = []

  init(
    heads: Int, keyHeads: Int, headWidth: Int, q: [Float], k: [Float], v: [Float], seen: [[Int]]
  ) {
    (self.heads, self.keyHeads, self.headWidth) = (heads, keyHeads, headWidth)
    (self.q, self.k, self.v) = (q.map(Double.init), k.map(Double.init), v.map(Double.init))
    self.seen = seen
    output = [Double](repeating: 0, count: q.count)
    for query in seen.indices {
      probabilities.append([])
      for head in 0..<heads {
        let scores = seen[query].map { key in
          (0..<headWidth).reduce(0.0) { sum, i in
            sum + self.q[qIndex(query, head, i)] * self.k[kIndex(key, head, i)]
          } / Double(headWidth).squareRoot()
        }
        let top = scores.max() ?? 0
        let weights = scores.map { exp($0 - top) }
        let total = weights.reduce(0, +)
        let p = weights.map { $0 / total }
        for (position, key) in seen[query].enumerated() {
          for i in 0..<headWidth {
            output[qIndex(query, head, i)] += p[position] * self.v[kIndex(key, head, i)]
          }
        }
        probabilities[query].append(p)
      }
    }
  }

  private func qIndex(_ row: Int, _ head: Int, _ i: Int) -> Int {
    (row * heads + head) * headWidth + i
  }

  private func kIndex(_ row: Int, _ head: Int, _ i: Int) -> Int {
    (row * keyHeads + head * keyHeads / heads) * headWidth + i
  }

  /// d loss / d (q, k, v) and d loss / d probabilities, given d loss / d output.
  func gradients(_ dy: [Float]) -> (q: [Double], k: [Double], v: [Double], p: [[[Double]]]) {
    var (dq, dk, dv) = (
      q.map { _ in 0.0 }, k.map { _ in 0.0 }, v.map { _ in 0.0 }
    )
    var all: [[[Double]]] = []
    for query in seen.indices {
      all.append([])
      for head in 0..<heads {
        let p = probabilities[query][head]
        let dp = seen[query].map { key in
          (0..<headWidth).reduce(0.0) { sum, i in
            sum + Double(dy[qIndex(query, head, i)]) * v[kIndex(key, head, i)]
          }
        }
        all[query].append(dp)
        let mean = zip(p, dp).reduce(0.0) { $0 + $1.0 * $1.1 }
        for (position, key) in seen[query].enumerated() {
          let ds = p[position] * (dp[position] - mean) / Double(headWidth).squareRoot()
          for i in 0..<headWidth {
            let (a, b) = (qIndex(query, head, i), kIndex(key, head, i))
            dq[a] += ds * k[b]
            dk[b] += ds * q[a]
            dv[b] += p[position] * Double(dy[a])
          }
        }
      }
    }
    return (dq, dk, dv, all)
  }
}

@Suite struct AttentionTests {
  struct Case: CustomTestStringConvertible {
    let testDescription: String
    let layout: AttentionLayout
    let keyRows: Int
    var heads = 4
    var keyHeads = 4
    let headWidth = 8

    var queryRows: Int { layout.blocks.last?.queries.upperBound ?? 0 }

    /// The rule of ``AttentionBlock``, written out.
    var seen: [[Int]] {
      layout.blocks.flatMap { block in
        block.queries.indices.map { query in
          let index = query - block.queries.lowerBound
          let own = block.visible.map { min(block.own.count, $0 + index) } ?? block.own.count
          return Array(block.shared) + Array(block.own.prefix(own))
        }
      }
    }
  }

  private static func full(_ queries: [Int], _ keys: [Int]) -> AttentionLayout {
    .full(queries: Segments(lengths: queries), keys: Segments(lengths: keys))
  }

  /// `captions` sequences after each of two prefixes; queries are the captions' rows.
  private static func prefixed(prefixes: [Int], captions: [[Int]]) -> (AttentionLayout, Int) {
    var blocks: [AttentionBlock] = []
    var (query, key) = (0, 0)
    for (prefix, lengths) in zip(prefixes, captions) {
      let shared = key..<key + prefix
      key += prefix
      for length in lengths {
        blocks.append(
          AttentionBlock(
            queries: query..<query + length, shared: shared, own: key..<key + length, visible: 1))
        query += length
        key += length
      }
    }
    return (AttentionLayout(blocks: blocks), key)
  }

  static let cases: [Case] = {
    let shared = prefixed(prefixes: [5, 33], captions: [[3, 7, 1], [40, 50, 60, 2]])
    return [
      Case(
        testDescription: "cross attention of unequal lengths",
        layout: full([3, 1, 6], [9, 2, 20]),
        keyRows: 31),
      Case(
        testDescription: "many queries", layout: full([150, 64, 65], [20, 7, 9]), keyRows: 36),
      Case(
        testDescription: "causal", layout: .causal(Segments(lengths: [5, 130, 1])), keyRows: 136),
      Case(
        testDescription: "causal, grouped heads", layout: .causal(Segments(lengths: [5, 70])),
        keyRows: 75, heads: 6, keyHeads: 2),
      Case(testDescription: "shared prefixes", layout: shared.0, keyRows: shared.1),
      Case(
        testDescription: "shared prefixes, one key head", layout: shared.0, keyRows: shared.1,
        keyHeads: 1),
      Case(
        testDescription: "causal with keys from before",
        layout: AttentionLayout(blocks: [
          AttentionBlock(queries: 0..<3, own: 0..<10, visible: 8),
          AttentionBlock(queries: 3..<4, own: 10..<14, visible: 4),
        ]), keyRows: 14),
      Case(
        testDescription: "a query that sees nothing of its own",
        layout: AttentionLayout(blocks: [
          AttentionBlock(queries: 0..<3, shared: 0..<2, own: 2..<5, visible: 0),
          AttentionBlock(queries: 3..<5, shared: 0..<2, own: 5..<5),
        ]), keyRows: 5),
    ]
  }()

  @Test(arguments: cases) func equalsDoublePrecision(_ test: Case) {
    let width = test.heads * test.headWidth
    let keyWidth = test.keyHeads * test.headWidth
    let q = noise(test.queryRows * width, "q")
    let (k, v) = (noise(test.keyRows * keyWidth, "k"), noise(test.keyRows * keyWidth, "v"))
    let dy = noise(q.count, "dy")
    let plain = PlainAttention(
      heads: test.heads, keyHeads: test.keyHeads, headWidth: test.headWidth, q: q, k: k, v: v,
      seen: test.seen)
    let expected = plain.gradients(dy)

    let tape = Tape()
    let captures = Captures()
    tape.captures = captures
    let queries = tape.tensor(q, rows: test.queryRows, width: width, needsGradient: true)
    let keys = tape.tensor(k, rows: test.keyRows, width: keyWidth, needsGradient: true)
    let values = tape.tensor(v, rows: test.keyRows, width: keyWidth, needsGradient: true)
    let output = tape.attention(
      queries: queries, keys: keys, values: values, heads: test.heads, layout: test.layout,
      name: "attention")
    expectClose(tape.values(output), plain.output, absolute: 1e-5, "output")
    #expect(captures.attention["attention"]?.allSatisfy { $0.gradients.isEmpty } == true)
    tape.backward(from: output, gradient: dy)
    expectClose(tape.gradient(of: queries), expected.q, absolute: 1e-5, relative: 1e-5, "dq")
    expectClose(tape.gradient(of: keys), expected.k, absolute: 1e-5, relative: 1e-5, "dk")
    expectClose(tape.gradient(of: values), expected.v, absolute: 1e-5, relative: 1e-5, "dv")
    expectCaptures(captures, test: test, plain.probabilities, expected.p)
  }

  /// Captured probabilities and gradients are those of the plain form, and 0 where nothing is seen.
  private func expectCaptures(
    _ captures: Captures, test: Case, _ probabilities: [[[Double]]], _ gradients: [[[Double]]]
  ) {
    let blocks = captures.attention["attention"] ?? []
    #expect(blocks.count == test.layout.blocks.count)
    for (block, place) in zip(blocks, test.layout.blocks) {
      var (p, dp): ([Double], [Double]) = ([], [])
      for head in 0..<block.heads {
        for query in place.queries {
          let unseen = block.keys - probabilities[query][head].count
          p += probabilities[query][head] + [Double](repeating: 0, count: unseen)
          dp += gradients[query][head] + [Double](repeating: 0, count: unseen)
        }
      }
      expectClose(block.probabilities, p, absolute: 1e-6, relative: 1e-5, "probabilities")
      expectClose(block.gradients, dp, absolute: 1e-5, relative: 1e-5, "their gradients")
    }
  }

  @Test(arguments: cases) func someRowsOnlyAreThoseRowsOfAll(_ test: Case) {
    let width = test.heads * test.headWidth
    let keyWidth = test.keyHeads * test.headWidth
    let rows = (0..<test.queryRows).filter { $0 % 3 != 1 }.map(Int32.init)
    let dy = noise(rows.count * width, "some rows")
    func run(_ some: Bool) -> [[Float]] {
      let tape = Tape()
      let q = tape.tensor(
        noise(test.queryRows * width, "q"), rows: test.queryRows, width: width,
        needsGradient: true)
      let k = tape.tensor(
        noise(test.keyRows * keyWidth, "k"), rows: test.keyRows, width: keyWidth,
        needsGradient: true)
      let v = tape.tensor(
        noise(test.keyRows * keyWidth, "v"), rows: test.keyRows, width: keyWidth,
        needsGradient: true)
      func attention(_ q: Tensor, _ layout: AttentionLayout) -> Tensor {
        tape.attention(queries: q, keys: k, values: v, heads: test.heads, layout: layout)
      }
      let output =
        some
        ? attention(tape.gather(q, rows: rows), test.layout.restricted(to: rows))
        : tape.gather(attention(q, test.layout), rows: rows)
      let values = tape.values(output)
      tape.backward(from: output, gradient: dy)
      return [values] + [q, k, v].map { tape.gradient(of: $0) }
    }
    for (some, all) in zip(run(true), run(false)) {
      expectClose(some, all, absolute: 1e-5, relative: 1e-5)
    }
  }

  @Test func aSecondRunReplacesTheFirstsCaptures() throws {
    let tape = Tape()
    let captures = Captures()
    tape.captures = captures
    for keys in [3, 5] {
      let q = tape.tensor(noise(8, "q"), rows: 2, width: 4)
      let k = tape.tensor(noise(4 * keys, "k"), rows: keys, width: 4)
      _ = tape.attention(
        queries: q, keys: k, values: k, heads: 1,
        layout: .full(queries: Segments(lengths: [2]), keys: Segments(lengths: [keys])),
        name: "twice")
    }
    let block = try #require(captures.attention["twice"]?.first)
    #expect(block.keys == 5)
    #expect(block.meanProbabilities.count == 10)
    #expect(abs(block.meanProbabilities.reduce(0, +) - 2) < 1e-5)
  }

  @Test func gradientWeightingIsTheHeadsMeanOfWhatHelped() {
    var block = Captures.Block(
      heads: 2, queries: 1, keys: 3, probabilities: [0.5, 0.25, 0.25, 0.1, 0.2, 0.7])
    #expect(block.gradientWeighted.isEmpty)
    block.gradients = [2, -4, 4, 10, 5, -1]
    #expect(block.gradientWeighted == [1, 0.5, 0.5])
  }
}
