import Layers
import Tensors
import Testing

@testable import LanguageModels

@Suite struct GeneratorTests {
  private func model(_ precision: ComputePrecision = .float32) throws -> LlamaForCausalLM {
    var description = DecoderDescription.small(
      width: 32, layers: 2, heads: 4, feedForwardWidth: 48, vocabularySize: 24,
      maximumPositions: 40)
    description.initializerRange = 0.3
    return try LlamaForCausalLM(
      description,
      in: ParameterScope(store: ParameterStore(matrices: precision), random: RandomKey(seed: 3)))
  }

  private func prefixes(_ lengths: [Int], on tape: Tape) -> Rows {
    var stream = RandomKey(seed: 5).stream
    let rows = lengths.reduce(0, +)
    return Rows(
      tape.tensor((0..<rows * 32).map { _ in stream.normal() }, rows: rows, width: 32),
      Segments(lengths: lengths))
  }

  /// In bfloat16 the many rows of a prefix and the one row of a step run as different products: sums in another
  /// order, by which a number rounded between two of them may become its neighbour, at most 2⁻⁷ of itself away.
  /// A logit lies behind 4 products a layer and the head.
  @Test(arguments: [ComputePrecision.float32, .bfloat16])
  func cachedStepsGiveTheLogitsOfTheWholeSequence(precision: ComputePrecision) throws {
    let model = try model(precision)
    let lengths = [5, 1, 9]
    let tape = Tape(recordsGradients: false)
    let context = Context(tape: tape)
    let prefixes = prefixes(lengths, on: tape)
    var steps: [[Int: [Float]]] = []
    let ids = Generator(model).generate(
      prefixes: GenerationPrefixes(prefixes), maxNewTokens: 6, endTokens: [], in: context
    ) { sequences, logits in
      steps.append(
        Dictionary(
          uniqueKeysWithValues: sequences.enumerated().map {
            ($0.element, tape.row($0.offset, of: logits))
          }))
    }
    #expect(steps.count == 6)
    for (sequence, length) in lengths.enumerated() {
      let rows = prefixes.segments[sequence]
      let whole = tape.join(
        [prefixes.tensor, model.embed(ids[sequence], in: context)],
        runs: [RowRun(source: 0, rows: rows), RowRun(source: 1, rows: 0..<ids[sequence].count)])
      let hidden = model.hidden(
        whole, positions: (0..<Int32(whole.rows)).map { $0 },
        layout: .causal(Segments(lengths: [whole.rows])), in: context)
      let logits = model.logits(hidden, in: context)
      for step in steps.indices {
        let expected = tape.row(length - 1 + step, of: logits)
        let ours = try #require(steps[step][sequence])
        guard precision == .float32 else {
          let rootMeanSquare =
            (expected.reduce(0) { $0 + $1 * $1 } / Float(expected.count)).squareRoot()
          let tolerance = Float(4 * model.layers.count + 1) * 0x1p-7 * rootMeanSquare
          #expect(excess(ours, over: expected, absolute: tolerance, relative: 0) <= 0)
          continue
        }
        #expect(excess(ours, over: expected, absolute: 1e-5, relative: 1e-5) <= 0)
        #expect(Int(ids[sequence][step]) == expected.indices.max { expected[$0] < expected[$1] })
      }
    }
  }

  @Test func aSequenceEndsAtItsEndTokenAndTheOthersGoOn() throws {
    let model = try model()
    let tape = Tape(recordsGradients: false)
    let prefixes = prefixes([4, 7, 3], on: tape)
    let free = Generator(model).generate(
      prefixes: GenerationPrefixes(prefixes), maxNewTokens: 8, endTokens: [],
      in: Context(tape: tape))
    let end = free[0][3]
    let ended = Generator(model).generate(
      prefixes: GenerationPrefixes(prefixes), maxNewTokens: 8, endTokens: [end],
      in: Context(tape: tape))
    #expect(ended == free.map { Array($0.prefix { $0 != end }) })
    #expect(ended[0].count <= 3)
  }

  @Test func sequencesEndAtTheLargestPosition() throws {
    let tape = Tape(recordsGradients: false)
    let ids = Generator(try model()).generate(
      prefixes: GenerationPrefixes(prefixes([38, 2], on: tape)), maxNewTokens: 10, endTokens: [],
      in: Context(tape: tape))
    // Rows 38 and 39 take a token each; the third needs no row of its own.
    #expect(ids.map(\.count) == [3, 10])
  }

  @Test func samplingDependsOnASequencesKeyAloneAndNotOnItsNeighbours() throws {
    let model = try model()
    let tape = Tape(recordsGradients: false)
    let both = prefixes([4, 4], on: tape)
    let keys = [RandomKey(seed: 1), RandomKey(seed: 2)]
    func sample(_ rows: Rows, _ keys: [RandomKey]) -> [[Int32]] {
      Generator(model).generate(
        prefixes: GenerationPrefixes(rows), maxNewTokens: 12, endTokens: [],
        strategy: .sample(temperature: 0.8, keys: keys), in: Context(tape: tape))
    }
    let together = sample(both, keys)
    #expect(together == sample(both, keys))
    let second = Rows(
      tape.gather(both.tensor, rows: [4, 5, 6, 7]), Segments(lengths: [4]))
    #expect(sample(second, [keys[1]]) == [together[1]])
    #expect(sample(second, [keys[0]]) != [together[1]])
  }

  @Test func drawsFollowTheSoftmaxAtTheTemperature() {
    let tape = Tape(recordsGradients: false)
    let count = 20_000
    let logits: [Float] = [0, 1, -1, 2]
    let temperature: Float = 0.7
    let input = tape.tensor(rows: count, width: 4) { values in
      for index in values.indices { values[index] = logits[index % 4] }
    }
    var stream = RandomKey(seed: 9).stream
    let drawn = tape.sample(
      input, temperature: temperature, thresholds: (0..<count).map { _ in stream.uniform() })
    let weights: [Double] = [0, 1, -1, 2].map { exponential($0 / 0.7) }
    for column in 0..<4 {
      let expected = weights[column] / weights.reduce(0, +)
      let share = Double(drawn.count { $0 == Int32(column) }) / Double(count)
      // Five standard deviations of a share.
      #expect(abs(share - expected) < 5 * (expected * (1 - expected) / Double(count)).squareRoot())
    }
  }
}

private func exponential(_ x: Double) -> Double {
  var (sum, term) = (1.0, 1.0)
  for n in 1..<40 {
    term *= x / Double(n)
    sum += term
  }
  return sum
}
