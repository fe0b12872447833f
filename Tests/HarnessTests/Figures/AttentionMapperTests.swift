import LanguageModels
import Layers
import Projectors
import Tensors
import Testing
import Training

@testable import Harness

@Suite("Attention of a projector over an image")
struct AttentionMapperTests {
  static let image = 4

  /// What the tape captures when every weight learns and the loss itself is walked back.
  static func captures(_ projector: any Projector, _ tiny: TinyModels) -> Captures {
    projector.setTrainable(true)
    defer { projector.setTrainable(false) }
    let tape = Tape()
    let captures = Captures()
    tape.captures = captures
    let context = Context(tape: tape)
    let visual = projector(tiny.features.patches(of: [image], in: context), in: context)
    let batch = SequenceBatch(
      [tiny.sample(of: image)], visualTokens: visual.segments.lengths, end: tiny.end)
    let loss = tiny.model.answerLoss(
      visual: visual.tensor, batch, scale: 1 / Float(tiny.caption.count + 1), in: context)
    tape.backward(from: loss.tensor)
    return captures
  }

  /// The columns `columns` of `[queries, keys]`.
  static func columns(_ values: [Float], keys: Int, _ columns: Range<Int>) -> [Float] {
    (0..<values.count / keys).flatMap { row in
      values[row * keys + columns.lowerBound..<row * keys + columns.upperBound]
    }
  }

  static func isClose(_ a: [Float], _ b: [Float], tolerance: Float = 1e-6) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
  }

  @Test("the Q-Former's maps are the captured means of the layers that see the patches")
  func qformer() throws {
    let tiny = try TinyModels(tokens: 6)
    let projector = try tiny.qformer()
    let attention = try #require(
      try tiny.mapper(projector).attention(of: tiny.sample(of: Self.image)))
    let captures = Self.captures(projector, tiny)
    #expect(attention.layers.map(\.layer) == [0, 2])
    for layer in attention.layers {
      let block = try #require(captures.attention["layers.\(layer.layer).cross_attn"]?.first)
      #expect(layer.attention.queries == 3 && layer.attention.patches == 6)
      #expect(Self.isClose(layer.attention.values, block.meanProbabilities))
    }
  }

  @Test("the Perceiver's latents are left out and what is left of each row sums to 1")
  func perceiver() throws {
    let tiny = try TinyModels(tokens: 6)
    let projector = try tiny.perceiver()
    let attention = try #require(
      try tiny.mapper(projector).attention(of: tiny.sample(of: Self.image)))
    let captures = Self.captures(projector, tiny)
    #expect(attention.layers.map(\.layer) == [0, 1])
    for layer in attention.layers {
      let block = try #require(captures.attention["layers.\(layer.layer).attn"]?.first)
      #expect(block.keys == 6 + 5)
      #expect(layer.attention.queries == 5 && layer.attention.patches == 6)
      let patches = Self.columns(block.meanProbabilities, keys: 11, 0..<6)
      for query in 0..<5 {
        let row = Array(patches[query * 6..<(query + 1) * 6])
        let sum = row.reduce(0, +)
        #expect(sum < 0.99, "the latents hold a part, or nothing is tested")
        #expect(Self.isClose(layer.attention[query: query], row.map { $0 / sum }))
        #expect(abs(layer.attention[query: query].reduce(0, +) - 1) < 1e-5)
      }
    }
  }

  @Test(
    "gradient-weighted attention is ReLU of probability times the gradient of the log-likelihood",
    arguments: [true, false])
  func gradient(isPerceiver: Bool) throws {
    let tiny = try TinyModels(tokens: 6)
    let projector: any Projector = isPerceiver ? try tiny.perceiver() : try tiny.qformer()
    let attention = try #require(
      try tiny.mapper(projector).attention(of: tiny.sample(of: Self.image)))
    let captures = Self.captures(projector, tiny)
    for (layer, map) in zip(attention.layers, projector.attentionMaps) {
      let block = try #require(captures.attention[map.name]?.first)
      let size = block.queries * block.keys
      // The captured gradient is the loss's, the negative log-likelihood's.
      let expected = (0..<size).map { position in
        (0..<block.heads).reduce(Float(0)) { sum, head in
          let index = head * size + position
          return sum + max(0, -block.probabilities[index] * block.gradients[index])
        } / Float(block.heads)
      }
      let patches = Self.columns(expected, keys: block.keys, 0..<6)
      #expect(Self.isClose(layer.gradient.values, patches, tolerance: 1e-5))
      #expect(layer.gradient.values.allSatisfy { $0 >= 0 })
      #expect(layer.gradient.values.contains { $0 > 1e-5 }, "or nothing is tested")
    }
  }

  @Test("class tokens before the patches are left out of every map", arguments: [true, false])
  func leading(isPerceiver: Bool) throws {
    let tiny = try TinyModels(tokens: 6)
    let projector: any Projector = isPerceiver ? try tiny.perceiver() : try tiny.qformer()
    let whole = try #require(
      try tiny.mapper(projector).attention(of: tiny.sample(of: Self.image)))
    let cut = try #require(
      try tiny.mapper(projector, leading: 2).attention(of: tiny.sample(of: Self.image)))
    for (whole, cut) in zip(whole.layers, cut.layers) {
      func patches(_ map: QueryMap) -> QueryMap {
        QueryMap(
          queries: map.queries, patches: 4, values: Self.columns(map.values, keys: 6, 2..<6))
      }
      #expect(cut.gradient == patches(whole.gradient))
      for map in [\ImageAttention.Layer.attention, \.rollout] {
        #expect(
          Self.isClose(cut[keyPath: map].values, patches(whole[keyPath: map]).withUnitRows.values))
      }
    }
  }

  @Test("where the caption does not depend on the attention, the gradient-weighted map is 0")
  func independent() throws {
    let tiny = try TinyModels(tokens: 6)
    let projector = try tiny.perceiver()
    projector.output.weight.assign([Float](repeating: 0, count: projector.output.weight.count))
    let attention = try #require(
      try tiny.mapper(projector).attention(of: tiny.sample(of: Self.image)))
    for layer in attention.layers {
      #expect(layer.gradient.values.allSatisfy { $0 == 0 })
      #expect(layer.attention.values.contains { $0 > 0 })
    }
  }

  @Test("a projector without attention has no maps")
  func withoutAttention() throws {
    let tiny = try TinyModels(tokens: 6)
    let projector = try MLPProjector(
      patchWidth: TinyModels.patchWidth, languageWidth: TinyModels.languageWidth,
      in: ParameterScope(store: ParameterStore(), random: RandomKey(seed: 1)))
    #expect(try tiny.mapper(projector).attention(of: tiny.sample(of: 0)) == nil)
  }

  @Test("an empty caption still has its end token to ask about")
  func emptyCaption() throws {
    let tiny = try TinyModels(tokens: 6)
    let attention = try #require(
      try tiny.mapper(tiny.qformer()).attention(of: tiny.sample(of: 0, [])))
    #expect(attention.layers[0].gradient.values.contains { $0 > 0 })
  }

  // MARK: Rollout

  /// `[n, n]` · `[n, n]`.
  static func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
    a.map { row in
      b[0].indices.map { column in zip(row, b).reduce(0) { $0 + $1.0 * $1.1[column] } }
    }
  }

  /// The paper's form: square matrices over patches and queries, patches keeping to themselves.
  static func rollout(_ projector: any Projector, _ captures: Captures, patches: Int) -> [Float] {
    var total: [[Double]] = []
    for map in projector.attentionFlow {
      guard let block = captures.attention[map.name]?.first else { continue }
      let size = patches + block.queries
      var matrix = (0..<size).map { row in (0..<size).map { row == $0 ? 1.0 : 0 } }
      let first = projector.attentionMaps.contains(map) ? 0 : patches
      let values = block.meanProbabilities
      for query in 0..<block.queries {
        for column in 0..<size {
          let key = column - first
          let own = column == patches + query ? 0.5 : 0
          let seen = key >= 0 && key < block.keys ? Double(values[query * block.keys + key]) : 0
          matrix[patches + query][column] = own + seen / 2
        }
      }
      total = total.isEmpty ? matrix : product(matrix, total)
    }
    return total.dropFirst(patches).flatMap { row in
      let sum = row.prefix(patches).reduce(0, +)
      return row.prefix(patches).map { Float($0 / sum) }
    }
  }

  @Test("the rollout is the product of (A + I) / 2 over the layers", arguments: [true, false])
  func rollout(isPerceiver: Bool) throws {
    let tiny = try TinyModels(tokens: 6)
    // The Q-Former ends in a layer that sees patches, so the last map holds all layers.
    let projector: any Projector =
      isPerceiver ? try tiny.perceiver(layers: 3) : try tiny.qformer(layers: 3)
    let attention = try #require(
      try tiny.mapper(projector).attention(of: tiny.sample(of: Self.image)))
    let expected = Self.rollout(projector, Self.captures(projector, tiny), patches: 6)
    let rolled = try #require(attention.map(.rollout, layer: .all))
    #expect(Self.isClose(rolled.values, expected, tolerance: 1e-5))
    let last = try #require(attention.layers.last)
    #expect(!Self.isClose(last.attention.values, expected, tolerance: 1e-3))
  }

  @Test("through one layer the rollout is the attention itself")
  func rolloutOfOneLayer() throws {
    let tiny = try TinyModels(tokens: 6)
    let attention = try #require(
      try tiny.mapper(tiny.perceiver(layers: 1)).attention(of: tiny.sample(of: Self.image)))
    let layer = attention.layers[0]
    #expect(Self.isClose(layer.rollout.values, layer.attention.values))
  }
}
