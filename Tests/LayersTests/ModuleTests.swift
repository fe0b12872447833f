import Layers
import Tensors
import Testing

@Suite struct ModuleTests {
  private func scope(_ store: ParameterStore = ParameterStore()) -> ParameterScope {
    ParameterScope(store: store, random: RandomKey(seed: 1))
  }

  @Test func namesAreCheckpointKeys() throws {
    let scope = scope()("vision")(3)
    let attention = try Attention(
      8, heads: 2,
      names: .init(
        query: "attention.query", key: "attention.key", value: "attention.value",
        output: "output.dense"), in: scope("attention"))
    #expect(attention.parameters.first?.name == "vision.3.attention.attention.query.weight")
    #expect(attention.parameters.last?.name == "vision.3.attention.output.dense.bias")
    #expect(attention.name == "vision.3.attention")
    let ffn = try FeedForward(8, hidden: 32, bias: false, in: scope("mlp"))
    #expect(
      ffn.parameters.map(\.name) == ["vision.3.mlp.fc1.weight", "vision.3.mlp.fc2.weight"])
  }

  @Test func attentionIsProjectionsAroundTheOperation() throws {
    let attention = try Attention(8, keyWidth: 6, heads: 2, deviation: nil, in: scope())
    let tape = Tape()
    let context = Context(tape: tape)
    let queries = Rows(
      tape.tensor((0..<24).map { Float($0 % 5) }, rows: 3, width: 8), Segments(lengths: [2, 1]))
    let keys = Rows(
      tape.tensor((0..<30).map { Float($0 % 7) }, rows: 5, width: 6), Segments(lengths: [2, 3]))
    let result = attention(
      queries, attendingTo: keys, addingTo: queries.tensor, in: context)
    let mixed = tape.attention(
      queries: attention.query(queries.tensor, in: context),
      keys: attention.key(keys.tensor, in: context),
      values: attention.value(keys.tensor, in: context), heads: 2,
      layout: .full(queries: queries.segments, keys: keys.segments))
    let plain = tape.add(attention.output(mixed, in: context), queries.tensor)
    #expect(result.segments == queries.segments)
    for (a, b) in zip(tape.values(result.tensor), tape.values(plain)) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func embeddingLooksUpRows() throws {
    let embedding = try Embedding(5, width: 3, in: scope())
    let tape = Tape()
    let rows = embedding([4, 0, 4], in: Context(tape: tape))
    let table = embedding.weight.values
    #expect(tape.values(rows) == Array(table[12...]) + Array(table[..<3]) + Array(table[12...]))
  }

  /// A weight's start depends on its name and the key alone, not on what was made before it.
  @Test func startValuesAreNamed() throws {
    let alone = try Linear(4, 4, in: scope()("b"))
    let whole = scope()
    _ = try Linear(4, 4, in: whole("a"))
    let second = try Linear(4, 4, in: whole("b"))
    #expect(alone.weight.values == second.weight.values)
    #expect(alone.weight.values.allSatisfy { abs($0) <= 0.5 })
    let narrow = try Linear(100, 100, deviation: 0.02, in: whole("c"))
    let variance = narrow.weight.values.reduce(0) { $0 + $1 * $1 } / 10_000
    #expect(abs(variance.squareRoot() - 0.02) < 0.001)
    #expect(narrow.bias?.values.allSatisfy { $0 == 0 } == true)
  }

  @Test func flopsCountAMultiplyAddAsTwo() throws {
    let scope = scope()
    #expect(try Linear(3, 5, in: scope("l")).flops(rows: 7) == 2 * 3 * 5 * 7)
    let attention = try Attention(4, keyWidth: 6, heads: 2, in: scope("a"))
    let projections = 2 * (3 * 16 + 2 * 5 * 24 + 3 * 16)
    #expect(attention.flops(queries: 3, keys: 5) == projections + 2 * (2 * 3 * 5 * 4))
  }
}
