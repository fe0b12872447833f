import Testing

@testable import Harness

@Suite("Choice of layers and queries")
struct ImageAttentionTests {
  /// One query over two patches in layers 0, 2 and 4.
  static let attention = ImageAttention(
    layers: [0, 2, 4].map { number in
      func map(_ value: Float) -> QueryMap {
        QueryMap(queries: 1, patches: 2, values: [value, 1 - value])
      }
      let share = Float(number) / 8
      return ImageAttention.Layer(
        layer: number, attention: map(share), gradient: map(2 * share), rollout: map(share / 2))
    })

  @Test("all is the mean over the layers that see the patches")
  func mean() {
    #expect(Self.attention.map(.attention, layer: .all)?.values == [0.25, 0.75])
    #expect(Self.attention.map(.gradient, layer: .all)?.values == [0.5, 0.5])
  }

  @Test("all of the rollout is the last layer's, which holds those before it")
  func rollout() {
    #expect(Self.attention.map(.rollout, layer: .all)?.values == [0.25, 0.75])
  }

  @Test("a number names a layer as the weights do")
  func number() {
    #expect(Self.attention.map(.attention, layer: .index(4))?.values == [0.5, 0.5])
    #expect(Self.attention.map(.attention, layer: .index(0))?.values == [0, 1])
  }

  @Test("a negative number counts from the last layer that sees the patches")
  func negative() {
    #expect(Self.attention.map(.attention, layer: .index(-1))?.values == [0.5, 0.5])
    #expect(Self.attention.map(.attention, layer: .index(-3))?.values == [0, 1])
  }

  @Test("a layer that does not see the patches has no map", arguments: [1, 3, 5, -4])
  func absent(layer: Int) {
    #expect(Self.attention.map(.attention, layer: .index(layer)) == nil)
  }

  @Test("the mean over queries, and rows of unit sum")
  func queries() {
    let map = QueryMap(queries: 2, patches: 2, values: [1, 3, 0, 0])
    #expect(map.meanOverQueries == [0.5, 1.5])
    #expect(map[query: 0] == [1, 3])
    #expect(map.withUnitRows.values == [0.25, 0.75, 0, 0])
  }

  @Test(
    "layers and queries are read from text",
    arguments: [("all", true), ("-1", true), ("3", true), ("last", false), ("", false)])
  func texts(text: String, isLayer: Bool) {
    #expect((HeatmapLayer(text) != nil) == isLayer)
    #expect((HeatmapQuery(text) != nil) == (text == "all" || text == "3"))
  }
}
