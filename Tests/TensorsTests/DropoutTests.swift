import Testing

@testable import Tensors

@Suite struct DropoutTests {
  private let key = RandomKey(seed: 4).named("dropout")

  private func mask(_ count: Int, rate: Float, key: RandomKey) -> [Float] {
    let tape = Tape(recordsGradients: false)
    let ones = tape.tensor([Float](repeating: 1, count: count), rows: 1, width: count)
    return tape.values(tape.dropout(ones, rate: rate, key: key))
  }

  @Test func gradient() {
    GradientCheck(inputs: [(5, 7)]) { [key] tape, inputs, _ in
      tape.dropout(inputs[0], rate: 0.3, key: key)
    }.run()
  }

  @Test func gradientWhereTheInputIsReadTwice() {
    GradientCheck(inputs: [(3, 5)]) { [key] tape, inputs, _ in
      tape.add(tape.dropout(inputs[0], rate: 0.5, key: key), inputs[0])
    }.run()
  }

  @Test(arguments: [0.1, 0.5, 0.9] as [Float])
  func valuesAreDroppedAtTheRateAndTheMeanStays(rate: Float) {
    let count = 200_003
    let values = mask(count, rate: rate, key: key)
    #expect(Set(values) == [0, 1 / (1 - rate)])
    let dropped = Double(values.count { $0 == 0 }) / Double(count)
    let deviation = (Double(rate) * Double(1 - rate) / Double(count)).squareRoot()
    #expect(abs(dropped - Double(rate)) < 5 * deviation)
    let mean = values.reduce(0) { $0 + Double($1) } / Double(count)
    #expect(abs(mean - 1) < 5 * deviation / Double(1 - rate))
  }

  @Test func nothingIsDroppedAtRateZero() {
    #expect(mask(1000, rate: 0, key: key) == [Float](repeating: 1, count: 1000))
  }

  @Test func aKeyGivesItsMaskAgainAndAnotherKeyAnother() {
    #expect(mask(100, rate: 0.5, key: key) == mask(100, rate: 0.5, key: key))
    #expect(mask(100, rate: 0.5, key: key) != mask(100, rate: 0.5, key: key.numbered(1)))
  }

  @Test func masksDifferByUpdateLanePlaceAndLayerAndThereAreNoneInEvaluation() {
    let values = [Float](repeating: 1, count: 64)
    func masked(
      _ mode: Mode, update: Int = 0, lane: Int = 0, place: String = "attention", layer: Int = 0
    ) -> [Float] {
      let tape = Tape(recordsGradients: false)
      let context = Context(
        tape: tape, mode: mode, random: RandomKey(seed: 1).numbered(update).numbered(lane))
      return tape.values(
        context.dropout(tape.tensor(values, rows: 8, width: 8), rate: 0.5, at: place, layer))
    }
    let masks = [
      masked(.training), masked(.training, update: 1), masked(.training, lane: 1),
      masked(.training, place: "ffn"), masked(.training, layer: 1),
    ]
    #expect(Set(masks).count == masks.count)
    #expect(masked(.evaluation) == values)
    // Rows of a batch are the samples.
    #expect(masks[0][..<8] != masks[0][8..<16])
  }

  @Test func theLikeliestColumnsComeFirstAndLowerOnesOfEquals() {
    let tape = Tape(recordsGradients: false)
    let values: [Float] = [0, 3, 1, 3, 2, -1]
    let found = tape.likeliest(4, of: tape.tensor(values, rows: 1, width: 6))[0]
    #expect(found.map(\.column) == [1, 3, 4, 2])
    let sum = values.reduce(0) { $0 + exponential(Double($1)) }
    for (column, logProbability) in found {
      #expect(abs(logProbability - (Double(values[column]) - logarithm(sum))) < 1e-6)
    }
    #expect(tape.likeliest(9, of: tape.tensor(values, rows: 1, width: 6))[0].count == 6)
  }

  @Test func topPDrawsAmongTheFewestColumnsThatHaveTheShare() {
    let tape = Tape(recordsGradients: false)
    // Probabilities 0.5, 0.3, 0.15, 0.05 in the columns 2, 0, 3, 1.
    let logits = [0.3, 0.05, 0.5, 0.15].map { Float(logarithm($0)) }
    func drawn(_ share: Float) -> Set<Int32> {
      let thresholds = (0..<1000).map { Float($0) / 1000 }
      let input = tape.tensor(rows: 1000, width: 4) { values in
        for index in values.indices { values[index] = logits[index % 4] }
      }
      return Set(tape.sample(input, temperature: 1, topP: share, thresholds: thresholds))
    }
    #expect(drawn(0.4) == [2])
    #expect(drawn(0.6) == [2, 0])
    #expect(drawn(0.9) == [2, 0, 3])
    #expect(drawn(0.99) == [0, 1, 2, 3])
    #expect(drawn(1) == [0, 1, 2, 3])
  }
}
